import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { serverUrl } from '../../shared/core/server-url.ts';
import { createBoundedServer } from '../../shared/transport/http-guard.ts';
import type { OwnMetrics } from './own-metrics.ts';

export interface OwnEndpoint {
  readonly url: string;
  /** Ends keep-alive connections rather than waiting for them. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves a worker's metrics at `/metrics`, application and process on one page.
 *
 * @param place where to listen; port 0 is any free one
 * @throws bad-input when the port cannot be used
 */
export async function serveOwnMetrics(
  place: { readonly port: number; readonly host: string },
  { application, process }: Pick<OwnMetrics, 'application' | 'process'>,
): Promise<OwnEndpoint> {
  const server = createBoundedServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found; there is /metrics\n');
      return;
    }
    Promise.all([application.metrics(), process.metrics()]).then(
      (pages) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(pages.join('\n')),
      (error: unknown) => response.writeHead(500).end(`the metrics could not be read: ${messageOf(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        badInput(
          `--worker-metrics ${place.port}: cannot listen on ${place.host}: ${messageOf(error)}; ` +
            'choose another port, or 0 for any free one',
          error,
        ),
      ),
    );
    server.listen({ ...place, exclusive: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: serverUrl({ host: place.host, port }, '/metrics'),
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}
