/** What the programs of ranks and hubs share. */
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { messageOf } from '../../shared/core/errors.ts';

/** Every collective sums two vectors: as generation 0 the barrier's, as generation 1 the one that is measured. */
export function vectorLengths(floats: number): readonly number[] {
  return [1, floats];
}

/** From which deadlines on sockets follow, as from `--timeout` in a run. */
export const timeoutSeconds = 60;

/**
 * Runs a program until its input ends, which is when the benchmark is gone. An error ends it, with its message as the last
 * line on stderr.
 * @param json the program's argument
 */
export async function runProgram<Schema extends z.ZodType>(
  json: string | undefined,
  schema: Schema,
  program: (argument: z.output<Schema>) => Promise<void>,
): Promise<void> {
  lines.on('close', () => process.exit());
  try {
    await program(schema.parse(JSON.parse(json ?? '')));
  } catch (error) {
    endWith(messageOf(error));
  }
}

export function endWith(reason: string): never {
  console.error(reason);
  process.exit(1);
}

const lines = createInterface({ input: process.stdin });
const unread = lines[Symbol.asyncIterator]();

/** Waits for the benchmark's next message. */
export async function hear<Schema extends z.ZodType>(schema: Schema): Promise<z.output<Schema>> {
  const { value } = await unread.next();
  return schema.parse(JSON.parse(value ?? ''));
}

export function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
