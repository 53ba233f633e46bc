import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { parseEndpoint } from '../core/endpoint.ts';
import { badInput } from '../core/errors.ts';

/** The version of the internet protocol: ZeroMQ must be told whether an address may be one of IPv6. */
export type IpFamily = 4 | 6;

/**
 * Finds out by which protocol an endpoint is reached. A name with addresses of both kinds is reached by IPv4. ZeroMQ
 * looks for a host that does not exist without end, and prints a warning each time.
 * @param endpoint `tcp://HOST:PORT`, or another that ZeroMQ takes
 * @throws PennygradError `bad-input` that names the host if it has no address
 */
export async function ipFamilyOf(endpoint: string): Promise<IpFamily> {
  const parsed = parseEndpoint(endpoint);
  if (parsed === undefined || parsed.transport === 'ipc') return 4;
  const { host } = parsed;
  if (isIPv6(host)) return 6;
  // The name of a network interface is an address to listen on.
  if (host === '*' || isIPv4(host) || networkInterfaces()[host] !== undefined) return 4;
  try {
    const addresses = await lookup(host, { all: true });
    return addresses.some(({ family }) => family === 4) ? 4 : 6;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw badInput(`there is no host called ${host} (${code})`, error);
  }
}
