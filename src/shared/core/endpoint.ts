/** Addresses of the control plane, as users write them and ZeroMQ takes them. */
import { isIPv6 } from 'node:net';

export type Endpoint =
  /** `host` is a name or an address, without brackets; `*` and port `*` are only for binding. */
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number | '*' }
  | { readonly transport: 'ipc'; readonly path: string };

const highestPort = 65_535;

/**
 * Parses `tcp://HOST:PORT`, `tcp://[IPV6]:PORT` or `ipc://PATH`. ZeroMQ itself takes a port modulo 65536.
 * @returns undefined if it is none of them, or the port is out of range
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, path] = text.match(/^ipc:\/\/(.+)$/) ?? [];
  if (path !== undefined) return { transport: 'ipc', path };
  const [, bracketed, plain, digits = ''] = text.match(/^tcp:\/\/(?:\[([^\]]+)\]|([^\s/;:[\]]+)):(\d{1,5}|\*)$/) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && !isIPv6(bracketed))) return undefined;
  const port = digits === '*' ? '*' : Number(digits);
  return port === '*' || port <= highestPort ? { transport: 'tcp', host, port } : undefined;
}

/** Whether somebody can connect to the endpoint: its host and port are fixed. */
export function isConnectable(endpoint: Endpoint): boolean {
  return endpoint.transport === 'ipc' || (endpoint.host !== '*' && endpoint.port !== '*' && endpoint.port > 0);
}

/** `tcp://HOST:PORT`, with an IPv6 address in brackets. @param port `*` lets the system choose */
export function tcpEndpoint(host: string, port: number | '*'): string {
  return `tcp://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
