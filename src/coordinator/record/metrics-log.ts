/**
 * Reads `metrics.jsonl`: what a run did up to the step that it is resumed from. The checkpoint is what counts, so lines that
 * are damaged or missing are named and left out; they do not keep a run from going on.
 */

import { z } from 'zod';
import type { EpochTotals } from '../../economics/record/epoch-totals.ts';
import type { Fleet } from '../../economics/record/fleet-change.ts';
import { type Interruption, interruptionReasons } from '../../economics/record/interruption.ts';
import type { EpochRecord } from '../../economics/record/run-record.ts';
import { describeRanges, missingUpTo, type Range, type ReadLine, readLines } from '../../run-folder/json-lines.ts';
import { printable } from '../../shared/core/printable.ts';
import { sumOf } from '../../shared/core/sums.ts';

/** JSON has no NaN, so a diverged loss is written as null. */
const loss = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const text = z.string().overwrite(printable);
const count = z.int().nonnegative();
const figures = {
  loss,
  accuracy: z.number(),
  samples: count,
  seconds: z.number().nonnegative(),
  /** Cost of all workers in these seconds. Older versions did not write it. */
  cost_usd: z.number().nonnegative().optional(),
};
/** Steps and epochs count from 1 in the file. */
const stepLine = z.object({
  type: z.literal('step'),
  step: count,
  epoch: count,
  ...figures,
  /** Left out where it is as in the step before. Older versions did not write it. */
  worker_samples: z.record(text, count).optional(),
  /** That committed it, where that is not the one before it in the file. */
  generation: count.optional(),
  /** No replica applied it: it was not finite. */
  skipped: z.literal(true).optional(),
});
const epochLine = z.object({
  type: z.literal('epoch'),
  epoch: count,
  test_loss: loss,
  test_accuracy: z.number(),
  evaluate_seconds: z.number().nonnegative(),
  ...figures,
});
const line = z.discriminatedUnion('type', [
  stepLine,
  epochLine,
  z.object({ type: z.literal('shares'), step: count }),
  z.object({ type: z.literal('resume'), step: count, gaps: z.array(text).optional() }),
  /** The run was resumed: its coordinator was lost after so many steps, and had last booked at that time. */
  z.object({ type: z.literal('cut-off'), step: count, time: z.iso.datetime() }),
  z.object({
    type: z.literal('interruption'),
    step: count,
    worker_id: text,
    reason: z.enum(interruptionReasons),
    recovery_seconds: z.number().nonnegative().optional(),
    wasted_seconds: z.number().nonnegative(),
    wasted_usd: z.number().nonnegative(),
    lost_steps: count,
  }),
  z.object({
    type: z.literal('fleet'),
    step: count,
    /** Older versions did not write it. */
    generation: count.optional(),
    workers: z.array(
      z.object({
        worker_id: text,
        backend: text,
        device: text,
        gpu: text.optional(),
        emulated_speed: z.number().optional(),
        price_usd_per_hour: z.number().nonnegative().optional(),
        price_assumed: text.optional(),
      }),
    ),
  }),
]);

export interface MetricsHistory {
  /** Samples and seconds of the steps that are in the file. */
  readonly samples: number;
  readonly trainSeconds: number;
  /** Of these steps, those that were skipped as not finite. */
  readonly skippedSteps: number;
  /** How many of the last kept steps were skipped, one after another. */
  readonly skippedInRow: number;
  /** Whole epochs with their test passes. */
  readonly epochs: readonly EpochRecord[];
  /** The epoch that was begun and has no result. */
  readonly openEpoch: EpochTotals | undefined;
  /** The fleet of each sitting, in order. Older versions did not write them. */
  readonly fleets: readonly Fleet[];
  /** In the order of their ends. Older versions did not write them. */
  readonly interruptions: readonly Interruption[];
  /** Losses of a coordinator from which the run has not recovered, in order. Older versions did not write them. */
  readonly cutOffs: readonly RecordedCutOff[];
  /** The last step of the run as it went on in the end. */
  readonly position: number;
  /** The highest step in the file, whether it was saved or not. */
  readonly lastStep: number;
  /** The generation that committed the step; 0 where the file does not tell. */
  readonly generation: number;
  /** The last generation that has begun; 0 where the file does not tell. */
  readonly lastGeneration: number;
  /** Samples that each worker has trained; undefined where the file does not tell. */
  readonly samplesByWorker: ReadonlyMap<string, number> | undefined;
  /** All whole lines. */
  readonly whole: string;
  /** The lines of saved steps: each step once. */
  readonly kept: string;
  /** Steps that are kept and not in the file. */
  readonly missing: readonly Range[];
  /** What is missing of the file, in words. */
  readonly gaps: readonly string[];
  /** What earlier resumptions said was missing. */
  readonly earlierGaps: readonly string[];
}

export interface RecordedCutOff {
  readonly time: string;
  /** Committed steps. */
  readonly steps: number;
  /** Those of them that the next coordinator did not go on from; 0 if it did not come to that. */
  readonly lostSteps: number;
}

/** The line of a coordinator that was lost, as the next one writes it. */
export function cutOffLine({ time, steps }: Pick<RecordedCutOff, 'time' | 'steps'>): string {
  return `${JSON.stringify({ type: 'cut-off', step: steps, time })}\n`;
}

/**
 * @param text the file's content; a last line that was cut off by a kill is ignored
 * @param position steps to be kept, the steps in an epoch, and up to which step epochs count as tested: all, unless given
 */
export function readMetrics(
  text: string,
  {
    step: savedStep,
    perEpoch,
    testedStep = savedStep,
  }: { readonly step: number; readonly perEpoch: number; readonly testedStep?: number },
): MetricsHistory {
  const { lines, damaged } = readLines(text, line);
  const { steps, epochs: lastOfEpoch, position } = follow(lines, perEpoch);
  const kept = lines.filter((read) => {
    const { entry } = read;
    switch (entry.type) {
      case 'step':
        return entry.step >= 1 && entry.step <= savedStep && steps.get(entry.step)?.read === read;
      case 'resume':
        return entry.step <= savedStep;
      // They have cost money, even if none of the steps was saved.
      case 'cut-off':
      case 'fleet':
      case 'interruption':
        return true;
      // The first step with these shares may be the one after the last saved step.
      case 'shares':
        return entry.step <= savedStep + 1;
      // An epoch that --steps cut short is continued.
      case 'epoch':
        return entry.epoch * perEpoch <= testedStep && lastOfEpoch.get(entry.epoch) === read;
      default:
        return entry satisfies never;
    }
  });
  const keptSteps = kept.flatMap(({ entry }) => (entry.type === 'step' ? [entry] : []));
  const epochs = kept.flatMap(({ entry }) => (entry.type === 'epoch' ? [entry] : []));
  const missing = missingUpTo(savedStep, steps.keys());
  const tested = new Set(epochs.map(({ epoch }) => epoch));
  const present = Math.ceil(savedStep / perEpoch);
  const openSteps = tested.has(present) ? [] : keptSteps.filter(({ epoch }) => epoch === present);
  const appliedSteps = openSteps.filter(({ skipped }) => skipped === undefined);
  const skippedSamples = sumOf(openSteps.map(({ samples, skipped }) => (skipped === undefined ? 0 : samples)));
  return {
    samples: sumOf(keptSteps.map(({ samples }) => samples)),
    trainSeconds: sumOf(keptSteps.map(({ seconds }) => seconds)),
    skippedSteps: keptSteps.filter(({ skipped }) => skipped !== undefined).length,
    skippedInRow: countSkippedInRow(keptSteps, savedStep),
    epochs: epochs.map(({ epoch, accuracy, samples, seconds, ...tested }) => ({
      epoch: epoch - 1,
      loss: tested.loss,
      accuracy,
      samples,
      seconds,
      testLoss: tested.test_loss,
      testAccuracy: tested.test_accuracy,
      evaluateSeconds: tested.evaluate_seconds,
      usd: tested.cost_usd,
    })),
    openEpoch:
      openSteps.length === 0
        ? undefined
        : {
            epoch: (openSteps[0]?.epoch ?? 1) - 1,
            samples: sumOf(openSteps.map(({ samples }) => samples)),
            skippedSamples: skippedSamples === 0 ? undefined : skippedSamples,
            lossSum: sumOf(appliedSteps.map((entry) => entry.loss * entry.samples)),
            correct: sumOf(appliedSteps.map(({ accuracy, samples }) => Math.round(accuracy * samples))),
            seconds: sumOf(openSteps.map(({ seconds }) => seconds)),
            usd: openSteps.every(({ cost_usd }) => cost_usd !== undefined)
              ? sumOf(openSteps.map(({ cost_usd = 0 }) => cost_usd))
              : undefined,
          },
    fleets: kept.flatMap(({ entry }) => (entry.type === 'fleet' ? [fleetOf(entry)] : [])),
    interruptions: kept.flatMap(({ entry }) => (entry.type === 'interruption' ? [interruptionOf(entry)] : [])),
    cutOffs: openCutOffs(lines),
    position,
    lastStep: lines.reduce((most, { entry }) => (entry.type === 'step' ? Math.max(most, entry.step) : most), 0),
    generation: steps.get(savedStep)?.generation ?? 0,
    lastGeneration: lines.reduce(
      (most, { entry }) => (entry.type === 'fleet' ? Math.max(most, entry.generation ?? 0) : most),
      0,
    ),
    samplesByWorker: addWorkerSamples([...steps].flatMap(([step, known]) => (step <= savedStep ? known : []))),
    whole: lines.map(({ source }) => `${source}\n`).join(''),
    kept: keptText(kept, savedStep),
    missing,
    gaps: describeGaps({
      damaged,
      steps: missing,
      epochs: missingUpTo(present - 1, tested),
    }),
    earlierGaps: lines.flatMap(({ entry }) => (entry.type === 'resume' ? (entry.gaps ?? []) : [])),
  };
}

function countSkippedInRow(steps: readonly z.output<typeof stepLine>[], lastStep: number): number {
  const before = steps.findLastIndex(
    ({ step, skipped }, index) => skipped === undefined || step !== lastStep - (steps.length - 1 - index),
  );
  return steps.length - 1 - before;
}

/** A generation begins before it is known from which step it goes on: a fleet that has no step yet begins with the next. */
function keptText(kept: readonly Read[], savedStep: number): string {
  const lastStep = kept.findLastIndex(({ entry }) => entry.type === 'step');
  const lines = kept.map(({ source, entry }, index) =>
    entry.type === 'fleet' && index > lastStep && entry.step !== savedStep
      ? JSON.stringify({ ...JSON.parse(source), step: savedStep })
      : source,
  );
  return lines.map((line) => `${line}\n`).join('');
}

type Read = ReadLine<z.output<typeof line>>;

/** A step of the run as it went on in the end, and what is known of it from the lines before. */
interface FollowedStep {
  readonly read: Read;
  /** 0 where the file does not tell. */
  readonly generation: number;
  readonly workerSamples: Readonly<Record<string, number>> | undefined;
}

/**
 * What the run came to. A line that says where it went on strikes out what came after that step. The last line of a step or
 * an epoch counts.
 */
function follow(lines: readonly Read[], perEpoch: number) {
  const steps = new Map<number, FollowedStep>();
  const epochs = new Map<number, Read>();
  let generation = 0;
  let position = 0;
  let workerSamples: FollowedStep['workerSamples'];
  for (const read of lines) {
    const { entry } = read;
    switch (entry.type) {
      case 'fleet':
        generation = entry.generation ?? 0;
        break;
      case 'resume':
        position = entry.step;
        for (const step of [...steps.keys()]) if (step > entry.step) steps.delete(step);
        for (const epoch of [...epochs.keys()]) if (epoch * perEpoch > entry.step) epochs.delete(epoch);
        break;
      case 'step':
        position = entry.step;
        workerSamples = entry.worker_samples ?? workerSamples;
        steps.set(entry.step, { read, generation: entry.generation ?? generation, workerSamples });
        break;
      case 'epoch':
        epochs.set(entry.epoch, read);
        break;
    }
  }
  return { steps, epochs, position };
}

/** A coordinator that has recovered from the loss of the one before says so with an interruption. */
function openCutOffs(lines: readonly Read[]): readonly RecordedCutOff[] {
  const open: (Omit<RecordedCutOff, 'lostSteps'> & { wentOnFrom: number | undefined })[] = [];
  for (const { entry } of lines) {
    const last = open.at(-1);
    if (entry.type === 'cut-off') open.push({ time: entry.time, steps: entry.step, wentOnFrom: undefined });
    // Whatever goes back later has another cause.
    if (entry.type === 'resume' && last !== undefined) last.wentOnFrom ??= entry.step;
    if (entry.type !== 'interruption' || entry.reason !== 'coordinator') continue;
    const over = open.findIndex(({ steps }) => steps === entry.step);
    if (over >= 0) open.splice(over, 1);
  }
  return open.map(({ time, steps, wentOnFrom = steps }) => ({
    time,
    steps,
    lostSteps: Math.max(0, steps - wentOnFrom),
  }));
}

/** @returns undefined if it is not known of every step */
function addWorkerSamples(steps: readonly FollowedStep[]): ReadonlyMap<string, number> | undefined {
  const sums = new Map<string, number>();
  for (const { workerSamples } of steps) {
    if (workerSamples === undefined) return undefined;
    for (const [worker, samples] of Object.entries(workerSamples)) {
      sums.set(worker, (sums.get(worker) ?? 0) + samples);
    }
  }
  return sums;
}

function describeGaps({ damaged, steps, epochs }: Record<'damaged' | 'steps' | 'epochs', readonly Range[]>) {
  return [
    ...(damaged.length === 0
      ? []
      : [`metrics.jsonl had damaged lines, which are left out: ${describeRanges(damaged)}`]),
    ...(steps.length === 0
      ? []
      : [`metrics.jsonl lacks steps, whose times and losses count nowhere: ${describeRanges(steps)}`]),
    ...(epochs.length === 0 ? [] : [`metrics.jsonl lacks the results of epochs: ${describeRanges(epochs)}`]),
  ];
}

function interruptionOf(entry: Extract<z.output<typeof line>, { type: 'interruption' }>): Interruption {
  const { step, worker_id, reason, recovery_seconds, wasted_seconds, wasted_usd, lost_steps } = entry;
  return {
    workerId: worker_id,
    reason,
    step,
    recoverySeconds: recovery_seconds,
    wastedSeconds: wasted_seconds,
    wastedUsd: wasted_usd,
    lostSteps: lost_steps,
  };
}

function fleetOf({ step, workers }: Extract<z.output<typeof line>, { type: 'fleet' }>): Fleet {
  const members = workers.map(({ worker_id, backend, device, gpu, emulated_speed, ...priced }) => ({
    workerId: worker_id,
    backend,
    device,
    gpu,
    emulatedSpeed: emulated_speed,
    priceUsdPerHour: priced.price_usd_per_hour,
    priceAssumed: priced.price_assumed,
  }));
  return { step, members };
}
