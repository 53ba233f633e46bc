/** A running candidate: a process that trains on request and sleeps in between. */
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { type Answer, answerSchema, parseMessage, type Ready, type Request, readySchema } from './messages.ts';
import { type Command, killGroup, listenToLastLine, type Processes } from './processes.ts';

export interface RunningCandidate extends Ready {
  /** @throws Error with the reason if the process ends, gives an invalid answer or misses the deadline */
  measure(request: Request): Promise<Answer>;
  /** Ends the process. A second call does nothing. */
  stop(): void;
}

/**
 * Starts a candidate and waits until it is ready.
 * @param graceSeconds limit for the start, and for an answer beyond the requested seconds
 */
export async function startCandidate(
  processes: Processes,
  command: Command,
  graceSeconds: number,
): Promise<RunningCandidate> {
  const child = processes.start(command);
  const lastWords = listenToLastLine(child);
  const failedToStart = new Promise<never>((_, reject) => child.once('error', reject));
  failedToStart.catch(() => {});
  // `close` comes after the last output has been read.
  const closed = new Promise((resolve) => child.once('close', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const stop = () => killGroup(child);

  async function nextMessage<Schema extends z.ZodType>(schema: Schema): Promise<z.output<Schema>> {
    for (;;) {
      const { done, value } = await lines.next();
      if (done) {
        await closed;
        throw new Error(lastWords() ?? 'its process ended without an error message');
      }
      // Libraries may print other lines. Messages are JSON objects.
      if (value.startsWith('{')) return parseMessage(schema, value);
    }
  }

  async function receive<Schema extends z.ZodType>(schema: Schema, seconds: number): Promise<z.output<Schema>> {
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
  }

  return {
    ...(await receive(readySchema, graceSeconds)),
    stop,
    async measure(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return receive(answerSchema, request.seconds + graceSeconds);
    },
  };
}
