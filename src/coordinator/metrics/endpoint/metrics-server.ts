import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { Registry } from 'prom-client';
import { badInput, codeOf, messageOf } from '../../../shared/core/errors.ts';
import { serverUrl } from '../../../shared/core/server-url.ts';
import { createBoundedServer, isOwnHost } from '../../../shared/transport/http-guard.ts';
import type { LiveStream } from '../../live/live-stream.ts';
import { readPageFile } from '../../live/page-files.ts';
import type { Metrics } from '../metrics.ts';

/** The port used when none is asked for, if it is free. */
export const defaultMetricsPort = 9464;

/** Characters of a reader's user agent that are kept. */
const longestAgent = 100;

export interface MetricsServerOptions {
  /** Undefined: the default port, or any free one if that is taken. 0: any free port. */
  readonly port: number | undefined;
  readonly host: string;
  readonly metrics: Pick<Metrics, 'application' | 'process' | 'health'>;
  /** The stream for the live page at `/`. */
  readonly live: LiveStream;
  /** Names of this machine, by which browsers may ask for the live page; addresses and names without a dot always may. */
  readonly ownNames?: readonly string[];
  /** Called for every request for `/metrics`. @param reader the client's address and user agent */
  readonly onScrape?: (reader: string, response: ServerResponse) => void;
}

export interface MetricsServer {
  readonly port: number;
  /** The URL of `/metrics` for a browser on this machine. */
  readonly url: string;
  /** Set when the default port was taken: says so, and how to choose another. */
  readonly warning?: string | undefined;
  /** Ends the live stream first. Does not wait for idle connections. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves the live page at `/`, its stream at `/events`, `/metrics` and `/healthz` over HTTP.
 *
 * @throws bad-input when the given port is taken or not permitted, or the host is not an address of this machine
 */
export async function startMetricsServer({
  port,
  host,
  metrics,
  live,
  ownNames = [],
  onScrape,
}: MetricsServerOptions): Promise<MetricsServer> {
  const names = [host, ...ownNames];
  const server = createBoundedServer((request, response) => {
    // Monitoring finds its targets by any name. The live page says more, and to browsers.
    if (!['/metrics', '/healthz'].includes(pathOf(request)) && !isOwnHost(request.headers.host, names)) {
      return send(response, request, text(403, `${refusal(names)}\n`));
    }
    if (request.method === 'GET' && pathOf(request) === '/events') return live.connect(response);
    if (request.method === 'GET' && pathOf(request) === '/metrics') onScrape?.(readerOf(request), response);
    answer(request, metrics).then(
      (reply) => send(response, request, reply),
      (error: unknown) => send(response, request, text(500, `could not be read: ${messageOf(error)}\n`)),
    );
  });
  const warning = await listenSomewhere(server, port, host);
  let closed: Promise<void> | undefined;
  const { port: chosen } = server.address() as AddressInfo;
  return {
    port: chosen,
    url: serverUrl({ host, port: chosen }, '/metrics'),
    warning,
    close() {
      closed ??= live.close().then(() => closeServer(server));
      return closed;
    },
  };
}

function refusal(names: readonly string[]): string {
  const known = names.filter((name) => isIP(name) === 0).map((name) => `, ${name}`);
  return `ask for this page by an IP address, localhost${known.join('')} or a name without a dot; a proxy can set the Host header`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** @returns a warning when the default port was taken */
async function listenSomewhere(server: Server, port: number | undefined, host: string): Promise<string | undefined> {
  try {
    await listen(server, port ?? defaultMetricsPort, host);
    return undefined;
  } catch (error) {
    if (port !== undefined || codeOf(error) !== 'EADDRINUSE') throw explain(error, port ?? defaultMetricsPort, host);
  }
  await listen(server, 0, host);
  const { port: chosen } = server.address() as AddressInfo;
  return `port ${defaultMetricsPort} is in use, metrics are at port ${chosen}; choose one with --metrics-port`;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function explain(error: unknown, port: number, host: string): Error {
  const other = 'choose another port, or 0 for any that is free';
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return badInput(`--metrics-port ${port}: already in use on ${host}; ${other}`, error);
    case 'EACCES':
      return badInput(`--metrics-port ${port}: this user may not listen on it; ${other}`, error);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return badInput(
        `--metrics-host ${host}: not an address of this machine; 127.0.0.1 and 0.0.0.0 always are`,
        error,
      );
    default:
      return badInput(`--metrics-port ${port} on ${host}: cannot be listened on: ${messageOf(error)}`, error);
  }
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? url;
}

/** Two readers with the same address and user agent cannot be told apart and count as one. */
function readerOf({ socket, headers }: IncomingMessage): string {
  return `${socket.remoteAddress} ${headers['user-agent']?.slice(0, longestAgent)}`;
}

async function answer(
  request: IncomingMessage,
  { application, process, health }: MetricsServerOptions['metrics'],
): Promise<Reply> {
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD\n');
  const path = pathOf(request);
  switch (path) {
    case '/metrics': {
      const body = `${await application.metrics()}\n${await process.metrics()}`;
      return { status: 200, contentType: Registry.PROMETHEUS_CONTENT_TYPE, body };
    }
    case '/healthz':
      return { status: 200, contentType: 'application/json', body: `${JSON.stringify(health.read())}\n` };
    default: {
      const file = await readPageFile(path);
      return file === undefined
        ? text(404, 'not found; there are /, /events, /metrics and /healthz\n')
        : { status: 200, ...file };
    }
  }
}

function text(status: number, body: string): Reply {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

function send(response: ServerResponse, { method }: IncomingMessage, reply: Reply): void {
  const { status, contentType, body, headers } = reply;
  response.writeHead(status, {
    ...headers,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(method === 'HEAD' ? undefined : body);
}
