/** An HTTP server on this machine that misbehaves to order. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How to answer a request for a path. */
export type Answer = (response: ServerResponse) => void;

export interface MirrorServer {
  /** Of the server's root, with a slash at the end. */
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** @param answers by path without the first slash; other paths get 404 */
export async function startMirror(answers: Readonly<Record<string, Answer>>): Promise<MirrorServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').slice(1);
    requests.push(path);
    (answers[path] ?? status(404))(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, requests, close: () => closeServer(server) };
}

/** Of a server that was there and is gone: connections are refused. */
export async function unreachableUrl(): Promise<string> {
  const server = await startMirror({});
  await server.close();
  return server.url;
}

export const whole =
  (bytes: Uint8Array): Answer =>
  (response) => {
    response.setHeader('content-length', bytes.length);
    response.end(bytes);
  };

export const status =
  (code: number): Answer =>
  (response) => {
    response.statusCode = code;
    response.end('<html>not here</html>');
  };

/** Announces all and hangs up after a part. */
export const truncated =
  (bytes: Uint8Array, sent: number): Answer =>
  (response) => {
    response.setHeader('content-length', bytes.length);
    response.write(bytes.subarray(0, sent), () => response.destroy());
  };

/** Sends a part and then nothing, with the connection open. */
export const stalled =
  (bytes: Uint8Array, sent: number): Answer =>
  (response) => {
    response.setHeader('content-length', bytes.length);
    response.write(bytes.subarray(0, sent));
  };

/** Accepts the request and never answers. */
export const silent: Answer = () => {};

/** Sends so many bytes at a time, with a pause in between; no length announced. */
export const dripping =
  (bytes: Uint8Array, bytesAtOnce: number, pauseMs: number): Answer =>
  (response) => {
    let sent = 0;
    const timer = setInterval(() => {
      response.write(bytes.subarray(sent, sent + bytesAtOnce));
      sent += bytesAtOnce;
      if (sent < bytes.length) return;
      clearInterval(timer);
      response.end();
    }, pauseMs);
    response.on('close', () => clearInterval(timer));
  };

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
