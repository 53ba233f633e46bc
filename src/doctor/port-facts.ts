/** Which ports can be had, found out by having them for a moment. */
import { type AddressInfo, createServer } from 'node:net';
import { messageOf } from '../shared/core/errors.ts';
import { findPortHolder, type PortHolder } from './port-holder.ts';

export interface PortFacts {
  readonly purpose: 'coordinator' | 'metrics' | 'local workers';
  readonly host: string;
  /** 0 asked for any. */
  readonly port: number;
  /** Whether the user named it, so that no other will do. */
  readonly askedFor: boolean;
  readonly free: boolean;
  /** Why it is not free. */
  readonly problem?: string;
  /** Who has it, where that can be known. */
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

/** @returns the port, which the system has chosen if 0 was asked for */
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
