/**
 * Reads the two messages that every step takes, as their schemas in `messages.ts` do: a vote of each worker, and an assignment to
 * each. For a vote a schema of Zod takes 1.6 µs where this takes 0.1, and allocates more.
 */
import { maxRunLength, maxSeconds, protocolVersion } from './limits.ts';
import type { CoordinatorMessage, MessageOf, Usage, WorkerMessage } from './messages.ts';

type Vote = MessageOf<WorkerMessage, 'vote'>;
type Assignment = MessageOf<CoordinatorMessage, 'assign'>;
/** What a decoder made of a map with some keys. */
type Fields<Message> = { readonly [Field in keyof Message]?: unknown };

/** @returns the vote; undefined for one with a field that few have, for whatever the schema refuses, and for other messages */
export function readVote(value: object): Vote | undefined {
  const fields: Fields<Vote> = value;
  const { v, run, type, generation, step, attempt, samples, lossSum, correct } = fields;
  if (type !== 'vote' || v !== protocolVersion || !isRun(run)) return undefined;
  if (!hasFields(fields, 10)) return undefined;
  if (!isCount(generation) || !isCount(step) || !isCount(attempt)) return undefined;
  if (!isCount(samples) || !isCount(correct) || typeof lossSum !== 'number') return undefined;
  const usage = readUsage(fields.usage);
  if (usage === undefined) return undefined;
  return { v, run, type, generation, step, attempt, samples, lossSum, correct, usage };
}

/** @returns the assignment; undefined for one with an offset, for whatever the schema refuses, and for other messages */
export function readAssignment(value: object): Assignment | undefined {
  const fields: Fields<Assignment> = value;
  const { v, run, type, generation, step, attempt, epoch, from, to, globalBatch } = fields;
  if (type !== 'assign' || v !== protocolVersion || !isRun(run) || !hasFields(fields, 10)) return undefined;
  if (!isCount(generation) || !isCount(step) || !isCount(attempt) || !isCount(epoch)) return undefined;
  if (!isCount(from) || !isCount(to) || !isCount(globalBatch) || globalBatch === 0) return undefined;
  return { v, run, type, generation, step, attempt, epoch, from, to, globalBatch };
}

function readUsage(value: unknown): Usage | undefined {
  if (!isMap(value) || !hasFields(value, 2)) return undefined;
  const { seconds, bytes }: Fields<Usage> = value;
  if (!isMap(seconds) || !isMap(bytes) || !hasFields(seconds, 7) || !hasFields(bytes, 2)) return undefined;
  const { load, compute, communicate, wait, apply, evaluate, idle }: Fields<Usage['seconds']> = seconds;
  if (!isSeconds(load) || !isSeconds(compute) || !isSeconds(communicate) || !isSeconds(wait)) return undefined;
  if (!isSeconds(apply) || !isSeconds(evaluate) || !isSeconds(idle)) return undefined;
  const { sent, received }: Fields<Usage['bytes']> = bytes;
  if (!isCount(sent) || !isCount(received)) return undefined;
  return { seconds: { load, compute, communicate, wait, apply, evaluate, idle }, bytes: { sent, received } };
}

/** Whatever has others, optional or new ones, is left to the schema. */
function hasFields(value: object, count: number): boolean {
  return Object.keys(value).length === count;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRun(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxRunLength;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= maxSeconds;
}
