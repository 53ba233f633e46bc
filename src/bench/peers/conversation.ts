/** A process that is talked to: a JSON object a line, on its standard input and output. */
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { parseMessage } from './messages.ts';
import { type Command, killGroup, listenToLastLine, type Processes } from './processes.ts';

/**
 * How long a start may take, or an answer beyond what was asked for: the start of PyTorch on a busy machine, a step of the
 * slowest engine with a large batch, or some sums of the longest vector.
 */
export const graceSeconds = 180;

export interface Conversation {
  /**
   * The next message. Whoever is late is stopped.
   * @param seconds it may take
   * @throws Error with the reason if the process ends, says something else or is late
   */
  receive<Schema extends z.ZodType>(schema: Schema, seconds: number): Promise<z.output<Schema>>;
  send(message: object): void;
  /** Ends the process. A second call does nothing. */
  stop(): void;
  /** Rejects with the reason when the process has ended, or could not start. */
  readonly ended: Promise<never>;
}

export function startConversation(processes: Processes, command: Command): Conversation {
  const child = processes.start(command);
  const lastWords = listenToLastLine(child);
  const failedToStart = new Promise<never>((_, reject) => child.once('error', reject));
  // `close` comes after the last output has been read.
  const closed = new Promise<never>((_, reject) =>
    child.once('close', () => reject(new Error(lastWords() ?? 'its process ended without an error message'))),
  );
  const ended = Promise.race([failedToStart, closed]);
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const stop = () => killGroup(child);

  async function nextMessage<Schema extends z.ZodType>(schema: Schema): Promise<z.output<Schema>> {
    for (;;) {
      const { done, value } = await lines.next();
      if (done) return closed;
      // Libraries may print other lines. Messages are JSON objects.
      if (value.startsWith('{')) return parseMessage(schema, value);
    }
  }

  return {
    ended,
    stop,
    send: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
    async receive(schema, seconds) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
      });
      try {
        return await Promise.race([nextMessage(schema), failedToStart, late]);
      } catch (error) {
        stop();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
