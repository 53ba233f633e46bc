/** Finds out which ports are free, by listening on them for a moment. */
import { type AddressInfo, createServer } from 'node:net';
import { messageOf } from '../../shared/core/errors.ts';
import { findPortHolder, type PortHolder } from './port-holder.ts';

export interface PortFacts {
  readonly purpose: 'coordinator' | 'metrics' | 'local workers';
  readonly host: string;
  /** 0 is any port. */
  readonly port: number;
  /** Whether the user asked for this port, so that no other one can be used. */
  readonly askedFor: boolean;
  readonly free: boolean;
  /** Why it is not free. */
  readonly problem?: string;
  /** The process that uses it, if that is known. */
  readonly holder?: PortHolder | undefined;
}

export async function gatherPort(
  wanted: Pick<PortFacts, 'purpose' | 'host' | 'port' | 'askedFor'>,
): Promise<PortFacts> {
  try {
    const port = await listenOnce(wanted.host, wanted.port);
    return { ...wanted, port, free: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      return { ...wanted, free: false, problem: messageOf(error) };
    }
    const holder = findPortHolder(wanted.port);
    return { ...wanted, free: false, problem: 'in use', holder };
  }
}

/** @returns the port, which the system chooses for 0 */
function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const { port: had } = server.address() as AddressInfo;
      server.close(() => resolve(had));
    });
  });
}
