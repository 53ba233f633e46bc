/** Reads `metrics.jsonl`: what a run did up to the step that it is resumed from. */

import { z } from 'zod';
import type { EpochTotals } from '../../economics/record/epoch-totals.ts';
import type { Fleet } from '../../economics/record/fleet-change.ts';
import type { EpochRecord } from '../../economics/record/run-record.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { printable } from '../../shared/core/printable.ts';

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
const stepLine = z.object({ type: z.literal('step'), step: count, epoch: count, ...figures });
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
  z.object({ type: z.literal('resume'), step: count }),
  z.object({
    type: z.literal('fleet'),
    step: count,
    workers: z.array(
      z.object({
        worker_id: text,
        backend: text,
        device: text,
        gpu: text.optional(),
        emulated_speed: z.number().optional(),
        price_usd_per_hour: z.number().nonnegative().optional(),
        price_assumed: z.string().optional(),
      }),
    ),
  }),
]);

export interface MetricsHistory {
  readonly samples: number;
  readonly trainSeconds: number;
  /** Whole epochs with their test passes. */
  readonly epochs: readonly EpochRecord[];
  /** The epoch that was begun and has no result. */
  readonly openEpoch: EpochTotals | undefined;
  /** The fleet of each sitting, in order. Older versions did not write them. */
  readonly fleets: readonly Fleet[];
  /** The highest step in the file, whether it was saved or not. */
  readonly lastStep: number;
  /** The lines of saved steps: each step once, in order. */
  readonly kept: string;
}

/**
 * @param text the file's content; a last line that was cut off by a kill is ignored
 * @param position steps that were saved, and the steps in an epoch
 * @throws bad-input naming the line and what is wrong with it
 */
export function readMetrics(
  file: string,
  text: string,
  { step: savedStep, perEpoch }: { readonly step: number; readonly perEpoch: number },
): MetricsHistory {
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((source) => source !== '')
    .map((source, index) => ({ source, entry: parseLine(source, `${file} line ${index + 1}`) }));
  const kept = lines.filter(({ entry }) => {
    switch (entry.type) {
      case 'step':
      case 'resume':
        return entry.step <= savedStep;
      // A fleet that trained has cost money, even if none of its steps was saved.
      case 'fleet':
        return true;
      // The first step with these shares may be the one after the last saved step.
      case 'shares':
        return entry.step <= savedStep + 1;
      // An epoch that --steps cut short is continued.
      case 'epoch':
        return entry.epoch * perEpoch <= savedStep;
      default:
        return entry satisfies never;
    }
  });
  const steps = kept.flatMap(({ entry }) => (entry.type === 'step' ? [entry] : []));
  const epochs = kept.flatMap(({ entry }) => (entry.type === 'epoch' ? [entry] : []));
  const openSteps = steps.filter(({ epoch }) => epoch > (epochs.at(-1)?.epoch ?? 0));
  if (steps.length !== savedStep) {
    throw badInput(`${file}: has ${steps.length} of the ${savedStep} steps of the checkpoint`);
  }
  return {
    samples: sum(steps, ({ samples }) => samples),
    trainSeconds: sum(steps, ({ seconds }) => seconds),
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
            samples: sum(openSteps, ({ samples }) => samples),
            lossSum: sum(openSteps, (entry) => entry.loss * entry.samples),
            correct: sum(openSteps, ({ accuracy, samples }) => Math.round(accuracy * samples)),
            seconds: sum(openSteps, ({ seconds }) => seconds),
            usd: openSteps.every(({ cost_usd }) => cost_usd !== undefined)
              ? sum(openSteps, ({ cost_usd = 0 }) => cost_usd)
              : undefined,
          },
    fleets: kept.flatMap(({ entry }) => (entry.type === 'fleet' ? [fleetOf(entry)] : [])),
    lastStep: lines.reduce((most, { entry }) => (entry.type === 'step' ? Math.max(most, entry.step) : most), 0),
    kept: kept.map(({ source }) => `${source}\n`).join(''),
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

function parseLine(source: string, where: string): z.output<typeof line> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw badInput(`${where}: ${messageOf(error)}`, error);
  }
  const parsed = line.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badInput(`${where}: ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
}

function sum<Item>(items: readonly Item[], amount: (item: Item) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}
