/**
 * A TCP relay that makes a long way of a short one: what comes is passed on a while later, in both directions, in order and as
 * fast as it came. (The kernel of the machine may have no `netem` for it.) It takes what comes at once, so that senders see a near
 * receiver: a real long link adds round trips until TCP sends at its full rate.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createDelayLine, type DelayLineOptions } from './delay-line.ts';

export interface DelayingRelayOptions extends Pick<DelayLineOptions<Buffer>, 'delaySeconds' | 'now' | 'callAt'> {
  /** The address that it listens on. */
  readonly host: string;
  readonly target: { readonly host: string; readonly port: number };
}

export interface DelayingRelay {
  readonly port: number;
  /** Breaks all connections. */
  close(): void;
}

/** @throws Error if it cannot listen on the address */
export async function openDelayingRelay(options: DelayingRelayOptions): Promise<DelayingRelay> {
  const { host, target } = options;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true });
    for (const socket of [near, far]) {
      open.add(socket);
      // It is closed next.
      socket.on('error', () => {});
      socket.on('close', (hadError) => {
        open.delete(socket);
        // A connection that breaks on one side breaks on the other.
        const other = socket === near ? far : near;
        if (hadError) other.resetAndDestroy();
      });
    }
    carry(near, far, options);
    carry(far, near, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  return {
    port: portOf(server),
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function carry(from: Socket, to: Socket, { delaySeconds, now, callAt }: DelayingRelayOptions): void {
  const line = createDelayLine<Buffer | 'end'>({
    delaySeconds,
    now,
    callAt,
    deliver(item) {
      if (item === 'end') to.end();
      else to.write(item);
    },
  });
  from.on('data', (bytes) => line.push(bytes));
  from.on('end', () => line.push('end'));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
