import { z } from 'zod';
import { budgetBases } from '../../shared/core/budget-basis.ts';
import { printable } from '../../shared/core/printable.ts';
import { ledgerCategories } from '../ledger/ledger.ts';
import { interruptionReasons } from './interruption.ts';
import { runStatuses } from './run-record.ts';

/** A summary may be of somebody else's run, and is printed. */
const text = z.string().overwrite(printable);
const count = z.int().nonnegative();
const nonnegative = z.number().nonnegative();
const ratio = z.number().min(0).max(1);
/** Mean cross-entropy in nats; null where training diverged, since JSON has no NaN. */
const loss = z.number().nullable();

const byCategory = z.record(z.enum(ledgerCategories), nonnegative);

/** Why a worker is no longer in the run; absent where it still was when the run ended. */
const left = z.enum(interruptionReasons).optional();

const interruptionTotals = {
  count,
  /** Time of all workers that the ledger booked as wasted or idle because of them, and what it cost. */
  wasted_seconds: nonnegative,
  wasted_usd: nonnegative,
  /** Committed steps that nobody had any more, and that were trained again. */
  lost_steps: count,
};

const epochSummarySchema = z.strictObject({
  /** Counts from 1. */
  epoch: z.int().positive(),
  loss,
  accuracy: ratio,
  test_loss: loss,
  test_accuracy: ratio,
  /** Training alone. `samples_per_second` and `cost_usd` (each second at the price of its time) refer to these seconds. */
  seconds: nonnegative,
  evaluate_seconds: nonnegative,
  samples: count,
  samples_per_second: nonnegative,
  cost_usd: nonnegative,
  /** Set if `--steps` ended the epoch before all its samples were trained on. It was tested nevertheless. */
  cut_short: z.literal(true).optional(),
});

const billingSchema = z.strictObject({
  provider: text,
  granularity_seconds: nonnegative,
  minimum_seconds: nonnegative,
  source: text,
  date: text,
});

const workerSummarySchema = z.strictObject({
  worker_id: text,
  rank: count,
  backend: text,
  /** What the engine computes on, in the engine's words. */
  device: text,
  /** Threads of the CPU that it computed on. Left out where a GPU computed, and by older versions. */
  threads: z.int().positive().optional(),
  host: text,
  samples: count,
  alive_seconds: nonnegative,
  /** Gradients and the optimizer's update. */
  compute_seconds: nonnegative,
  communicate_seconds: nonnegative,
  wait_seconds: nonnegative,
  load_seconds: nonnegative,
  /** Each as a fraction of the four together, which are the worker's time in steps. */
  compute_share: ratio,
  communicate_share: ratio,
  wait_share: ratio,
  load_share: ratio,
  /** Set for a worker that emulated a slower one: its speed as a fraction of its own. */
  emulated_speed: z.number().positive().max(1).optional(),
  /** Absent when the worker has no price, which counts as free. */
  price_usd_per_hour: nonnegative.optional(),
  /** Set if the price was looked up. */
  price_source: text.optional(),
  price_date: text.optional(),
  /** Set if nobody gave a price: what it was assumed from. Such a cost is an assumption, not a measurement. */
  price_assumed: text.optional(),
  /** The worker's label in lower case. Older versions kept it as it was typed. */
  gpu: text.toLowerCase().optional(),
  /**
   * What the provider would bill: every life of the process is a rental of its own. By the second where no rule is known.
   */
  billed_usd: nonnegative,
  /**
   * Lives of the worker's process: more than one if the run was resumed. Older versions billed them as one and left this
   * out.
   */
  rentals: count.optional(),
  /** The rule by which the last rental is billed; absent where none is known. */
  billing: billingSchema.optional(),
  /** Price × time alive, each second at the price of its time. */
  cost_usd: nonnegative,
  /** From the ledger; they sum to `alive_seconds` and `cost_usd`. */
  seconds_by_category: byCategory,
  cost_usd_by_category: byCategory,
  left,
});

/** The epoch in which the run ended: trained in part, or not tested. */
const interruptedEpochSchema = epochSummarySchema.omit({
  test_loss: true,
  test_accuracy: true,
  evaluate_seconds: true,
  cut_short: true,
});

/** A member of an earlier generation that was not in the last one. */
const departedWorkerSchema = z.strictObject({
  ...workerSummarySchema.pick({
    worker_id: true,
    backend: true,
    device: true,
    gpu: true,
    emulated_speed: true,
    price_usd_per_hour: true,
    price_assumed: true,
    samples: true,
    alive_seconds: true,
    rentals: true,
    cost_usd: true,
    billed_usd: true,
    seconds_by_category: true,
    cost_usd_by_category: true,
  }).shape,
  /** Absent where it left before the run was resumed. */
  left,
});

const interruptionsSchema = z.strictObject({
  ...interruptionTotals,
  /** From a loss to the next committed step, or part of a test pass; null where the run never went on. */
  recovery_seconds_p50: nonnegative.nullable(),
  recovery_seconds_p95: nonnegative.nullable(),
  by_reason: z.partialRecord(z.enum(interruptionReasons), z.strictObject(interruptionTotals)),
  /** The latest 20, in the order of their ends. */
  last: z
    .array(
      z.strictObject({
        worker_id: text,
        reason: z.enum(interruptionReasons),
        /** Committed steps when it happened. */
        step: count,
        recovery_seconds: nonnegative.nullable(),
        wasted_seconds: nonnegative,
        wasted_usd: nonnegative,
        lost_steps: count,
      }),
    )
    .readonly(),
});

/** The format of `summary.json` in a run's folder. Times are in seconds, costs in USD. */
export const summarySchema = z.strictObject({
  run_id: text,
  version: text,
  status: z.enum(runStatuses),
  /** Why the run did not complete. */
  reason: text.optional(),
  /** ISO 8601, UTC. */
  started_at: z.iso.datetime(),
  dataset: z.strictObject({
    name: text,
    train: count,
    test: count,
    source: text,
    /** By the IDX name of the uncompressed file. */
    sha256: z.record(text, text),
    /** Set if the generated stand-in was used: why the real data was not available. */
    fallback_reason: text.optional(),
  }),
  model: z.strictObject({ name: text, parameters: count }),
  /** The workers' engines, joined by `+` where they differ. */
  backend: text,
  world_size: count,
  /** Samples of a step: of all its updates where workers make several of their own. */
  global_batch_size: z.int().positive(),
  /** Updates that each worker made of its own in a step; absent where all made each together. */
  local_steps: z.int().min(2).optional(),
  seed: z.int(),
  /** Set if the run was asked for the same bits with any workers. */
  deterministic: z.literal(true).optional(),
  /** How gradients were compressed, as `--compress` takes it; absent where they travelled as they are, and in older versions. */
  compression: text.optional(),
  /** What the run might take; absent where no budget was set, and in older versions. `basis` says what `usd` limits. */
  budget: z
    .strictObject({ usd: z.number().positive(), hours: z.number().positive(), basis: z.enum(budgetBases) })
    .partial({ usd: true, hours: true })
    .optional(),
  steps: count,
  /** Of these, the steps that `--skip-nonfinite` skipped; absent where there is none, and in older versions. */
  skipped_steps: count.optional(),
  epochs: z.array(epochSummarySchema).readonly(),
  interrupted_epoch: interruptedEpochSchema.optional(),
  /**
   * Set if no whole epoch was trained: what one would take at the run's mean rate and price. Extrapolated from so many
   * samples, not measured. Older versions left it out.
   */
  extrapolated_epoch: z.strictObject({ samples: count, seconds: nonnegative, cost_usd: nonnegative }).optional(),
  /** The members of the last generation: the fleet of the run. */
  workers: z.array(workerSummarySchema).readonly(),
  /** Members of earlier generations; absent where there were none. Older versions left it out. */
  departed_workers: z.array(departedWorkerSchema).readonly().optional(),
  /** What broke off the work of the run, and what that cost; absent where nothing did. */
  interruptions: interruptionsSchema.optional(),
  /**
   * Set if the workers, engines, labels or prices changed, while the run trained or when it was resumed: the latest 100. Rates and shares then belong to no single
   * fleet, and `workers` and prices are the latest ones.
   */
  fleet_changes: z
    .array(z.strictObject({ step: count, change: text }))
    .readonly()
    .optional(),
  /**
   * What was lost of the run's files before it was resumed, in words. Rates, times and epochs are of what is left; `steps`
   * are all.
   */
  gaps: z.array(text).readonly().optional(),
  /** From the last test pass; null when there was none. */
  test_accuracy: ratio.nullable(),
  train_seconds: nonnegative,
  samples_per_second: nonnegative,
  /** From the start of the coordinator's process to the first commit; null when there was none. */
  seconds_to_first_step: nonnegative.nullable(),
  /** The coordinator's CPU time during training steps, as a fraction of one core. */
  coordinator_cpu_share: nonnegative,
  /** All workers together; absent when none has a price. */
  price_usd_per_hour: nonnegative.optional(),
  /**
   * What an hour of useful work of a worker cost: the cost of all that ever trained, over the hours in which they computed
   * steps that stayed. `paid_usd_per_hour` is the same cost over the hours that they lived: the list price, where that did
   * not change. Absent where nothing was trained or paid, and in older versions.
   */
  effective_usd_per_hour: nonnegative.optional(),
  paid_usd_per_hour: nonnegative.optional(),
  /** Cost of all workers that were ever in the run, including start-up, test passes and saving. */
  cost_usd_total: nonnegative,
  billed_usd_total: nonnegative,
  /** The part of `cost_usd_total` for workers not in `workers`: departed ones, and those that left before training. */
  former_workers_cost_usd: nonnegative,
  /** The part of `billed_usd_total` for these workers. Older versions left it out. */
  former_workers_billed_usd: nonnegative.optional(),
  /**
   * Rentals in `billed_usd_total`: lives of all workers' processes, including former workers. Older versions left it out.
   */
  rentals: count.optional(),
  /** Time and cost from the start of the run until these test accuracies were reached; null where they were not. */
  time_to_accuracy: z
    .array(z.strictObject({ accuracy: ratio, seconds: nonnegative.nullable(), cost_usd: nonnegative.nullable() }))
    .readonly(),
  /** Whether all replicas were bit-identical at the end; null when the run ended before they were compared. */
  replicas_identical: z.boolean().nullable(),
  /**
   * ‖a − b‖ / ‖a‖ for rank 0's parameters a and the parameters b furthest from them. Different engines round the same
   * update differently; replicas with the same engine, device and CPU are always identical.
   */
  replicas_difference: nonnegative.nullable(),
});

export type Summary = z.infer<typeof summarySchema>;
export type EpochSummary = Summary['epochs'][number];
export type WorkerSummary = Summary['workers'][number];
