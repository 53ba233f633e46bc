/** A TCP relay in front of a server, whose connections a test breaks. */
import { connect, createServer, type Socket } from 'node:net';

export interface TcpRelay {
  readonly port: number;
  /** Breaks all connections, and lets none through until it is mended. */
  cut(): void;
  mend(): void;
  /** How many connections it has let through. */
  count(): number;
  close(): void;
}

export async function openTcpRelay(target: { readonly host: string; readonly port: number }): Promise<TcpRelay> {
  const open = new Set<Socket>();
  let [isCut, count] = [false, 0];
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    count += 1;
    const far = connect(target.port, target.host);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const breakAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      breakAll();
    },
    mend() {
      isCut = false;
    },
    count: () => count,
    close() {
      server.close();
      breakAll();
    },
  };
}
