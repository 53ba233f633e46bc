import type { ServerResponse } from 'node:http';
import type { Clock } from '../../shared/core/clock.ts';
import type { Timers } from '../../shared/core/timers.ts';
import { changesBetween } from '../../shared/protocol/live/live-changes.ts';
import type { LiveState } from '../../shared/protocol/live/live-state.ts';

/** Every page costs the coordinator time. */
const mostClients = 8;

export interface StreamPace {
  readonly updateMs: number;
  /** Longest time between two messages, so that a page can tell a quiet run from a lost connection. */
  readonly heartbeatMs: number;
  /** A reader that accepts nothing for this long is dropped. */
  readonly patienceMs: number;
  /** Longest time that the end of the run waits for readers to receive the last state. */
  readonly farewellMs: number;
}

const defaultPace: StreamPace = { updateMs: 250, heartbeatMs: 5_000, patienceMs: 10_000, farewellMs: 500 };

export interface LiveStream {
  /** Answers a request for `/events` with the state, followed by its changes. */
  connect(response: ServerResponse): void;
  /** Sends the last state and ends every stream. Idempotent. */
  close(): Promise<void>;
}

interface Client {
  readonly response: ServerResponse;
  /** The state that the page has. */
  sent: LiveState;
  wroteAtMs: number;
}

/**
 * Server-sent events: `state` with a LiveState, then `changes` with LiveChanges at most four times a second, and
 * `heartbeat` when nothing changes. A reader that has not yet received the last message is skipped, and later gets
 * everything that it missed in one message. So no reader makes training wait, and no queue grows.
 *
 * @param read returns the current state; only called while a page is connected
 */
export function createLiveStream(
  read: () => LiveState,
  clock: Pick<Clock, 'now'>,
  timers: Timers,
  pace: StreamPace = defaultPace,
): LiveStream {
  const { updateMs, heartbeatMs, patienceMs, farewellMs } = pace;
  const clients = new Set<Client>();
  let endUpdates: (() => void) | undefined;
  let closed: Promise<void> | undefined;

  function update(): void {
    const state = read();
    const nowMs = 1000 * clock.now();
    for (const client of clients) {
      const { response, wroteAtMs } = client;
      if (response.writableNeedDrain) {
        if (nowMs - wroteAtMs > patienceMs) response.destroy();
        continue;
      }
      const changes = changesBetween(client.sent, state);
      if (changes === undefined && nowMs - wroteAtMs < heartbeatMs) continue;
      response.write(changes === undefined ? message('heartbeat', {}) : message('changes', changes));
      client.sent = state;
      client.wroteAtMs = nowMs;
    }
  }

  function stopUpdates(): void {
    endUpdates?.();
    endUpdates = undefined;
  }

  function forget(client: Client): void {
    clients.delete(client);
    if (clients.size > 0) return;
    stopUpdates();
  }

  return {
    connect(response) {
      if (clients.size >= mostClients || closed !== undefined) {
        response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '10' });
        response.end(`${mostClients} pages are already watching this run; close one\n`);
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      const client = { response, sent: read(), wroteAtMs: 1000 * clock.now() };
      response.write(`retry: 1000\n${message('state', client.sent)}`);
      clients.add(client);
      response.on('close', () => forget(client));
      endUpdates ??= timers.every(updateMs, update);
    },
    close() {
      closed ??= sayGoodbye();
      return closed;
    },
  };

  async function sayGoodbye(): Promise<void> {
    const state = read();
    const ends = [...clients].map(({ response, sent }) => {
      const changes = changesBetween(sent, state);
      const last = changes === undefined ? '' : message('changes', changes);
      return new Promise<void>((resolve) => void response.end(last, resolve));
    });
    await new Promise<void>((resolve) => {
      const endWait = timers.after(farewellMs, resolve);
      void Promise.all(ends).then(() => {
        endWait();
        resolve();
      });
    });
    stopUpdates();
  }
}

function message(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
