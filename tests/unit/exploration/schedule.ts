/** A schedule: a run, and what befalls it. Drawn from a seed, and small enough to be read. */
import type { LossPolicy } from '../../../src/settings/membership-settings.ts';
import type { AllReduceOfRun } from '../../../src/shared/collectives/registry.ts';
import { createRandom, type Random } from '../../../src/shared/core/random.ts';
import { localWorkload, smallWorkload, usualWorkload, type Workload } from './plain-loop.ts';

export interface Schedule {
  /** What delays and computing times are drawn from. */
  readonly seed: number;
  readonly workload: Workload;
  readonly min: number;
  readonly max: number;
  /** Workers that come at first. */
  readonly workers: number;
  readonly onLoss: LossPolicy;
  readonly checksumEvery: number;
  readonly checkpointEvery: number | undefined;
  /** The workers are processes of this host: their ends are reported, and they may be started again. */
  readonly isLocal: boolean;
  /** On how many hosts the workers are, if they may read each other's gradients; undefined: they may not. */
  readonly hosts?: 1 | 2 | 4 | undefined;
  /** How these sum them; mesh unless given. With `auto` they measure their links between hosts. */
  readonly allReduce?: AllReduceOfRun | undefined;
  /** Workers of two hosts cannot reach each other. */
  readonly areWalled?: true | undefined;
  /** How gradients are compressed, if they are. */
  readonly compression?: 'bf16' | 'int8' | undefined;
  /** The longest chunk of a state, in floats: 1 cuts the state of the two parameters. Travels whole unless given. */
  readonly chunkFloats?: number | undefined;
  readonly faults: readonly Fault[];
}

/**
 * Before that message is delivered; before a coordinator sends that message, in the middle of what it does; or so many
 * milliseconds after the beginning.
 */
export type Moment = { readonly message: number } | { readonly sent: number } | { readonly ms: number };

export type Fault = { readonly at: Moment } & (
  | { readonly kind: 'kill'; readonly worker: number; readonly losesLastWords: boolean; readonly returns: boolean }
  | { readonly kind: 'cut'; readonly worker: number }
  | {
      readonly kind: 'partition' | 'freeze' | 'slow-link' | 'slow-engine';
      readonly worker: number;
      readonly ms: number;
    }
  | { readonly kind: 'hang' | 'throw' | 'drain'; readonly worker: number }
  | { readonly kind: 'join' }
  | { readonly kind: 'freeze-coordinator'; readonly ms: number }
  /** It is killed, and another one resumes its run so much later. Workers of its host end with it, and are started anew. */
  | { readonly kind: 'crash-coordinator'; readonly ms: number; readonly losesLastWords: boolean }
);

/** `--timeout` of all runs, in seconds. */
export const timeoutSeconds = 5;

/** States travel in chunks in one run of so many. */
const chunkedEvery = 3;
/** Workers make updates of their own in one usual run of so many. */
const localEvery = 3;
/** So many are drawn in `npm test`. */
export const manySchedules = 10_000;

/** Separates what is drawn for the schedule from what the run draws. */
const scheduleStream = 1;

/** Messages of a usual run that nothing befalls, about, and of a small one. */
const [usualMessages, fewMessages] = [180, 110];
const usualMs = 150;
/** As many messages begin a generation. */
const closeMessages = 24;

export function drawSchedule(seed: number): Schedule {
  const random = createRandom(seed, scheduleStream);
  const workers = 1 + random.integer(4);
  const max = workers + random.integer(2);
  // What a fault can meet, it meets in a small run as well.
  const isUsual = random.integer(4) === 0;
  const workload = !isUsual ? smallWorkload : seed % localEvery === 0 ? localWorkload : usualWorkload;
  const allReduce = ([undefined, 'mesh-two-shot', 'ring', undefined, 'auto'] as const)[Math.floor(seed / 8) % 5];
  const mayCompress = allReduce === undefined && workload !== localWorkload;
  return {
    seed,
    workload,
    min: 1 + random.integer(workers),
    max,
    workers,
    onLoss: pick(random, ['continue', 'continue', 'continue', 'wait', 'fail']),
    checksumEvery: 1 + random.integer(3),
    checkpointEvery: pick(random, [undefined, undefined, 1 + random.integer(5)]),
    isLocal: random.integer(2) === 0,
    hosts: ([1, 1, 2, undefined, 1, 4, 2, undefined] as const)[seed % 8],
    allReduce,
    areWalled: seed % 8 === 2 ? true : undefined,
    compression: mayCompress ? (['int8', undefined, 'bf16'] as const)[seed % 3] : undefined,
    chunkFloats: seed % chunkedEvery === 0 ? 1 : undefined,
    faults: drawFaults(random, workers, isUsual ? usualMessages : fewMessages),
  };
}

/** Half of them follow on another at once: what mends one loss is what the next must not break. */
function drawFaults(random: Random, workers: number, messages: number): readonly Fault[] {
  const faults: Fault[] = [];
  for (let left = random.integer(5); left > 0; left--) {
    const before = faults.at(-1)?.at;
    const isNext = before !== undefined && 'message' in before && random.integer(2) === 0;
    const at = isNext ? { message: before.message + random.integer(closeMessages) } : drawMoment(random, messages);
    faults.push(drawFault(random, workers, at));
  }
  return faults;
}

/** Long enough for half of them to be given up. */
function drawPause(random: Random): number {
  return Math.round(pick(random, [20, 300, 2000, 3500, 8000]) * (0.5 + random.float()));
}

function drawFault(random: Random, workers: number, at: Moment): Fault {
  // Newcomers are further workers.
  const worker = random.integer(workers + 1);
  const kind = pick(random, [
    'kill',
    'kill',
    'cut',
    'partition',
    'freeze',
    'slow-link',
    'slow-engine',
    'hang',
    'throw',
    'drain',
    'join',
    'join',
    'freeze-coordinator',
    'crash-coordinator',
    'crash-coordinator',
  ] as const);
  switch (kind) {
    case 'kill':
      return { at, kind, worker, losesLastWords: random.integer(2) === 0, returns: random.integer(2) === 0 };
    case 'partition':
    case 'freeze':
    case 'slow-engine':
      return { at, kind, worker, ms: drawPause(random) };
    case 'slow-link':
      return { at, kind, worker, ms: 5 + random.integer(100) };
    case 'freeze-coordinator':
      return { at, kind, ms: drawPause(random) };
    case 'crash-coordinator':
      return { at, kind, ms: drawPause(random), losesLastWords: random.integer(2) === 0 };
    case 'join':
      return { at, kind };
    default:
      return { at, kind, worker };
  }
}

function drawMoment(random: Random, messages: number): Moment {
  if (random.integer(3) > 0) return { message: random.integer(messages) };
  if (random.integer(2) === 0) return { sent: random.integer(messages / 2) };
  return { ms: random.integer(pick(random, [usualMs, usualMs, 5000])) };
}

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random.integer(values.length)] as Value;
}

/** The schedule with one fault less, in each way that there is. */
export function simpler(schedule: Schedule): readonly Schedule[] {
  const { faults } = schedule;
  return faults.map((_, left) => ({ ...schedule, faults: faults.filter((_, index) => index !== left) }));
}
