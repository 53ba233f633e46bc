/** What keeps a small HTTP server from being held up or misused by those who can reach it. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { isIP, type Socket } from 'node:net';

/** Enough for a browser's tabs, a few Prometheus servers and a proxy. */
const mostConnections = 64;

/** Requests of one connection that may wait for their answers. Browsers and Prometheus send one and wait. */
const mostUnanswered = 4;

/** A connection on which nothing moves for so long is closed. The live stream writes every five seconds. */
const idleMs = 60_000;

/**
 * A server whose readers can hold only so much of its memory: a connection that sends request after request and reads no
 * answers is cut off, and there are not many connections.
 */
export function createBoundedServer(answer: RequestListener): Server {
  const unanswered = new WeakMap<Socket, number>();
  const server = createServer((request, response) => {
    const { socket } = request;
    const waiting = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, waiting);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    // Requests that came with this one are still parsed, and are not answered either.
    if (waiting > mostUnanswered) socket.destroy();
    else answer(request, response);
  });
  server.maxConnections = mostConnections;
  server.setTimeout(idleMs, (socket) => socket.destroy());
  return server;
}

/**
 * Whether a request was meant for this machine. A web site can make its own name resolve to 127.0.0.1 and then read what
 * is served there from a visitor's browser ("DNS rebinding"). Its name is in the Host header then, so only names that a
 * foreign site cannot have are accepted: addresses, `localhost`, names without a dot, and the names given.
 *
 * @param host the Host header, with or without a port
 * @param names further names of this machine
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  const name = hostName(host);
  if (name === undefined) return false;
  return (
    isIP(name) !== 0 ||
    !name.includes('.') ||
    name.endsWith('.localhost') ||
    names.some((own) => own.toLowerCase() === name)
  );
}

/** The host of a Host header, in lower case, without the port and without an IPv6 address's brackets. */
function hostName(header: string | undefined): string | undefined {
  try {
    const { hostname } = new URL(`http://${header ?? ''}`);
    return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
