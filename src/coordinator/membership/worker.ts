/** The one shape of a worker, from its hello to its end. */
import type { Body, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { MemberInfo, WorkerInfo } from '../run-events.ts';
import { decidePrice, type PriceRules, type WorkerPrice } from './worker-price.ts';

export type Hello = Body<MessageOf<WorkerMessage, 'hello'>>;
export type Ready = Body<MessageOf<WorkerMessage, 'ready'>>;

export interface Worker {
  readonly peer: PeerId;
  readonly info: WorkerInfo;
  readonly hello: Hello;
  /** From when its time is booked, in seconds of the run's clock. */
  readonly aliveSince: number;
  /** The earliest that this can be. */
  readonly earliest: number;
  /** What it loaded; undefined while it loads. */
  readonly ready: Ready | undefined;
  /** Set while it is a member of a generation. */
  readonly rank: number | undefined;
  /** It finishes the step in flight, and leaves. */
  readonly draining: boolean;
  /** When it joined or got ready, and when it last sent anything: seconds of the run's clock. */
  readonly since: number;
  readonly lastHeard: number;
  /** Workers whose gradients it waited for when it last said so; undefined while it waited for none. */
  readonly awaited?: readonly string[] | undefined;
}

/** A worker that is a member of a generation. */
export type Member = Worker & { readonly rank: number; readonly ready: Ready };

export interface Moment {
  /** Seconds of the run's clock. */
  readonly now: number;
  readonly unixMs: number;
}

/**
 * @param earliest moment from which a worker's time may be booked, in seconds of the run's clock: only its own word says
 *   when its process began
 */
export function joinedWorker(peer: PeerId, hello: Hello, { now, unixMs }: Moment, earliest: number): Worker {
  const aliveSince = Math.max(now - hello.uptime, earliest);
  const { workerId, host, pid, cpu, emulatedSpeed, gpu } = hello;
  const info = {
    workerId,
    host,
    pid,
    cpu,
    emulatedSpeed,
    gpu,
    ...unknownPrice,
    aliveSinceUnixMs: unixMs - (now - aliveSince) * 1000,
  };
  return {
    peer,
    info,
    hello,
    aliveSince,
    earliest,
    ready: undefined,
    rank: undefined,
    draining: false,
    since: now,
    lastHeard: now,
  };
}

/**
 * The worker with what it loaded, on which its price may depend. Its hello may have waited for the coordinator, and told an
 * uptime that was over by then.
 */
export function readyWorker(worker: Worker, ready: Ready, { now, unixMs }: Moment, prices: PriceRules): Worker {
  const { uptime = 0 } = ready;
  const aliveSince = Math.min(worker.aliveSince, Math.max(now - uptime, worker.earliest));
  const info = {
    ...worker.info,
    threads: ready.threads,
    aliveSinceUnixMs: unixMs - (now - aliveSince) * 1000,
    ...priceInfo(decidePrice(worker.hello, ready, prices)),
  };
  return { ...worker, info, aliveSince, ready, since: now };
}

type PriceInfo = Pick<WorkerInfo, 'priceUsdPerHour' | 'priceOrigin' | 'priceAssumed'>;

const unknownPrice: PriceInfo = { priceUsdPerHour: undefined, priceOrigin: undefined, priceAssumed: undefined };

function priceInfo(price: WorkerPrice): PriceInfo {
  switch (price.kind) {
    case 'own':
      return { priceUsdPerHour: price.usdPerHour, priceOrigin: price.origin, priceAssumed: undefined };
    case 'default':
      return { priceUsdPerHour: price.usdPerHour, priceOrigin: undefined, priceAssumed: undefined };
    case 'assumed':
      return { priceUsdPerHour: price.usdPerHour, priceOrigin: price.origin, priceAssumed: price.from };
    case 'none':
      return unknownPrice;
    default:
      return price satisfies never;
  }
}

/** Ready workers as the members of a generation, in rank order. */
export function rankWorkers(workers: readonly Worker[]): readonly Member[] {
  return workers.flatMap(({ ready, ...worker }, rank) => (ready === undefined ? [] : { ...worker, ready, rank }));
}

export function memberInfo({ info, rank, ready: { backend, device, backendReason } }: Member): MemberInfo {
  return { ...info, rank, backend, device, backendReason };
}

/** `worker w1 (rank 1, pid 4242 on host)`: enough to find it. */
export function describeWorker({ info, rank }: Worker): string {
  return `worker ${info.workerId} (${rank === undefined ? '' : `rank ${rank}, `}pid ${info.pid} on ${info.host})`;
}

/** Replicas with the same key compute with the same arithmetic, and must be identical bit for bit. */
export function numericsKey({
  info: { cpu },
  ready: { backend, device },
}: {
  readonly info: Pick<WorkerInfo, 'cpu'>;
  readonly ready: Pick<Ready, 'backend' | 'device'>;
}): string {
  return `${backend} (${device}) on ${cpu}`;
}
