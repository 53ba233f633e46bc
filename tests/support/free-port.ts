import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** A port that nobody listens on, for those who must know it before the program that will. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
