import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { createDeferred } from '../core/deferred.ts';
import { parseEndpoint } from '../core/endpoint.ts';
import type { IpFamily } from './ip-family.ts';

/**
 * The address of this host by which it reaches an endpoint: whoever is there can mostly reach this host by it. Nothing is sent:
 * connecting a UDP socket only looks the route up.
 * @param endpoint `tcp://HOST:PORT`
 * @returns undefined where it is a loopback address, or there is no route
 */
export async function localAddressTowards(endpoint: string, family: IpFamily): Promise<string | undefined> {
  const parsed = parseEndpoint(endpoint);
  if (parsed?.transport !== 'tcp' || parsed.port === '*') return undefined;
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const { promise: connected, resolve, reject } = createDeferred<void>();
  try {
    socket.connect(parsed.port, parsed.host, (error?: Error) => (error === undefined ? resolve() : reject(error)));
    await connected;
    const { address } = socket.address();
    return isLoopback(address) ? undefined : address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith('127.') : address === '::1';
}
