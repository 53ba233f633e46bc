/**
 * Tells other processes of this host that something has happened: a byte to whoever is connected. The sockets are UNIX sockets
 * in Linux's abstract namespace, which have no file that could be left behind. Anybody in the network namespace may connect,
 * and learns no more than that something has happened.
 */
import { connect, createServer, type Socket } from 'node:net';
import { createDeferred } from '../core/deferred.ts';

export interface Doorbell {
  ring(): void;
  /** May be called twice. */
  close(): void;
}

/** More than a run has workers; others are turned away. */
const mostConnections = 512;

/** @throws if the name is taken, or names cannot be listened to here */
export async function hangDoorbell(name: string): Promise<Doorbell> {
  const listeners = new Set<Socket>();
  const server = createServer((socket) => {
    listeners.add(socket);
    // A connection may stand for a while before it is known here. Only from now on is it told of each ring.
    socket.write('!');
    socket.on('error', () => {});
    socket.on('close', () => listeners.delete(socket));
    // Nobody who listens has anything to say.
    socket.on('data', () => socket.destroy());
  });
  server.maxConnections = mostConnections;
  const { promise: listening, resolve, reject } = createDeferred<void>();
  server.on('error', reject);
  server.listen(pathOf(name), resolve);
  await listening;
  return {
    ring() {
      // Whoever has not read the last byte will look anyway.
      for (const socket of listeners) if (socket.writableLength === 0) socket.write('!');
    },
    close() {
      server.close();
      for (const socket of listeners) socket.destroy();
    },
  };
}

/**
 * @param answerMs how long its process may stand still or compute: connections are taken for it, and nothing is said
 * @param onRung called once or more after each ring, and when the bell is gone
 * @throws if there is no such bell in this network namespace
 */
export async function hearDoorbell(name: string, answerMs: number, onRung: () => void): Promise<{ close(): void }> {
  const { promise: heard, resolve, reject } = createDeferred<void>();
  const socket = connect(pathOf(name));
  socket.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ECONNREFUSED' ? noBell() : error));
  socket.once('close', () => reject(new Error('it was hung up at once')));
  socket.once('data', () => resolve());
  socket.setTimeout(answerMs, () => socket.destroy(new Error(`its process said nothing for ${answerMs / 1000} s`)));
  await heard;
  socket.setTimeout(0);
  socket.on('data', onRung);
  socket.on('close', onRung);
  return {
    close() {
      socket.off('close', onRung);
      socket.destroy();
    },
  };
}

function noBell(): Error {
  return new Error('its process is gone, or in a network namespace of its own');
}

function pathOf(name: string): string {
  return `\0pennygrad-${name}`;
}
