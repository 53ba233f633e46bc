/** Pings a coordinator without joining its run. */
import { connect, type Socket } from 'node:net';
import { parseEndpoint } from '../../shared/core/endpoint.ts';
import { messageOf } from '../../shared/core/errors.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import { type IpFamily, ipFamilyOf } from '../../shared/transport/ip-family.ts';
import { connectWorkerSocket, type WorkerSocket } from '../../shared/transport/worker-socket.ts';
import { type LinkTimes, linkTimes, type PingTimes } from './clock-offset.ts';

export type CoordinatorFacts = { readonly endpoint: string } & (
  | ({ readonly answered: true; readonly version: string; readonly pings: number } & LinkTimes)
  | { readonly answered: false; readonly problem: string }
);

export interface PingOptions {
  /** Measured pings, after a first one that opens the connection. */
  readonly pings: number;
  /** For all pings together. */
  readonly timeoutMs: number;
}

/** Never throws: `problem` says what went wrong. @param endpoint `tcp://HOST:PORT`, or another that ZeroMQ accepts */
export async function pingCoordinator(endpoint: string, options: PingOptions): Promise<CoordinatorFacts> {
  const deadline = performance.now() + options.timeoutMs;
  try {
    // ZeroMQ retries silently. Only a plain connection tells why the host cannot be reached.
    const parsed = parseEndpoint(endpoint);
    const family = await within(options.timeoutMs, ipFamilyOf(endpoint));
    if (parsed?.transport === 'tcp') await reach({ ...parsed, family }, deadline - performance.now());
    const { version, exchanges } = await exchange(endpoint, family, options.pings, deadline);
    return { endpoint, answered: true, version, pings: exchanges.length, ...linkTimes(exchanges) };
  } catch (error) {
    return { endpoint, answered: false, problem: messageOf(error) };
  }
}

/** A name service that does not answer takes longer than anybody wants to wait. */
function within<Value>(timeoutMs: number, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`the host's address was not found within ${(timeoutMs / 1000).toFixed(0)} s`));
    const timer = setTimeout(late, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function exchange(endpoint: string, family: IpFamily, pings: number, deadline: number) {
  const socket = connectWorkerSocket({
    connect: endpoint,
    family,
    timers: systemTimers,
    // The deadline for all pings ends the wait.
    stalledMs: () => Number.POSITIVE_INFINITY,
    onUnreachable: () => {},
    onDisconnect: () => {},
  });
  const silent = setTimeout(() => socket.close(), deadline - performance.now());
  try {
    const exchanges: PingTimes[] = [];
    let version = '';
    for (let ping = 0; ping <= pings; ping++) {
      const answer = await pingOnce(socket);
      version = answer.version;
      // The first ping also waited for the connection.
      if (ping > 0) exchanges.push(answer.times);
    }
    return { version, exchanges };
  } finally {
    clearTimeout(silent);
    socket.close();
  }
}

async function pingOnce(socket: WorkerSocket): Promise<{ readonly version: string; readonly times: PingTimes }> {
  const sentMs = preciseUnixMs();
  socket.send({ type: 'ping', sentUnixMs: sentMs });
  for await (const decoded of socket.receive()) {
    const returnedMs = preciseUnixMs();
    if (!decoded.ok) throw new Error(`it does not answer like a coordinator of this version: ${decoded.detail}`);
    const { message } = decoded;
    if (message.type === 'pong' && message.sentUnixMs === sentMs) {
      const { version, receivedUnixMs, answeredUnixMs } = message;
      return { version, times: { sentMs, receivedMs: receivedUnixMs, answeredMs: answeredUnixMs, returnedMs } };
    }
  }
  throw new Error('something listens on that port, but does not answer like a coordinator');
}

/** Wall clock time with a resolution finer than a millisecond. */
function preciseUnixMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Resolves if something listens there. @throws Error that says why it cannot be reached */
function reach(
  { host, port, family }: { readonly host: string; readonly port: number | '*'; readonly family: IpFamily },
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port: Number(port), family });
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`no answer within ${(timeoutMs / 1000).toFixed(0)} s`))),
      timeoutMs,
    );
    socket.once('connect', () => end(resolve));
    socket.once('error', (error: NodeJS.ErrnoException) => end(() => reject(new Error(reasonOf(error)))));
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nothing listens on that port';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to that host';
    default:
      return error.message;
  }
}
