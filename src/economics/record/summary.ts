import { z } from 'zod';
import { ledgerCategories } from '../ledger/ledger.ts';
import { runStatuses } from './run-record.ts';

const count = z.int().nonnegative();
const nonnegative = z.number().nonnegative();
const ratio = z.number().min(0).max(1);
/** Mean cross-entropy in nats; null where training diverged, since JSON has no NaN. */
const loss = z.number().nullable();

const byCategory = z.record(z.enum(ledgerCategories), nonnegative);

const epochSummarySchema = z.strictObject({
  /** Counts from 1. */
  epoch: z.int().positive(),
  loss,
  accuracy: ratio,
  test_loss: loss,
  test_accuracy: ratio,
  /** Training alone; `samples_per_second` and `cost_usd`, at the prices of their time, are of these seconds. */
  seconds: nonnegative,
  evaluate_seconds: nonnegative,
  samples: count,
  samples_per_second: nonnegative,
  cost_usd: nonnegative,
  /** `--steps` ended it before its samples were through; it was tested all the same. Absent of a whole one. */
  cut_short: z.literal(true).optional(),
});

const billingSchema = z.strictObject({
  provider: z.string(),
  granularity_seconds: nonnegative,
  minimum_seconds: nonnegative,
  source: z.string(),
  date: z.string(),
});

const workerSummarySchema = z.strictObject({
  worker_id: z.string(),
  rank: count,
  backend: z.string(),
  /** What the engine computes on, in its own words. */
  device: z.string(),
  host: z.string(),
  samples: count,
  alive_seconds: nonnegative,
  /** Gradients and the optimizer's update. */
  compute_seconds: nonnegative,
  communicate_seconds: nonnegative,
  wait_seconds: nonnegative,
  load_seconds: nonnegative,
  /** Shares of the four together, which is the worker's time in steps. */
  compute_share: ratio,
  communicate_share: ratio,
  wait_share: ratio,
  load_share: ratio,
  /** Of a worker that only stood for a slower one: its speed, as a part of its own. Absent of a real one. */
  emulated_speed: z.number().positive().max(1).optional(),
  /** Absent when the worker has no price: it then counts as free. */
  price_usd_per_hour: nonnegative.optional(),
  /** Of a price that was looked up; absent for one that was given. */
  price_source: z.string().optional(),
  price_date: z.string().optional(),
  /** The label that the worker was given, in small letters: older versions kept those that were typed. */
  gpu: z.string().toLowerCase().optional(),
  /** What its provider would bill; every life of its process is a rental of its own. By the second where no rule is known. */
  billed_usd: nonnegative,
  /** Lives of its process: more than one where the run went on with it. Absent of older versions, which billed them as one. */
  rentals: count.optional(),
  /** The rule that its last rental is billed by; absent where none is known. */
  billing: billingSchema.optional(),
  /** Price × time alive; where the price changed when the run was resumed, each time at its price. */
  cost_usd: nonnegative,
  /** As the ledger has them: they sum to `alive_seconds` and to `cost_usd`. */
  seconds_by_category: byCategory,
  cost_usd_by_category: byCategory,
});

/** An epoch that the run ended in: trained in part, or not tested. */
const interruptedEpochSchema = epochSummarySchema.omit({
  test_loss: true,
  test_accuracy: true,
  evaluate_seconds: true,
  cut_short: true,
});

/** The file `summary.json` of a run's folder. Times are in seconds, costs in USD. */
export const summarySchema = z.strictObject({
  run_id: z.string(),
  version: z.string(),
  status: z.enum(runStatuses),
  /** Why the run did not complete. */
  reason: z.string().optional(),
  /** ISO 8601, UTC. */
  started_at: z.iso.datetime(),
  dataset: z.strictObject({
    name: z.string(),
    train: count,
    test: count,
    source: z.string(),
    /** Of each uncompressed file, by its IDX name. */
    sha256: z.record(z.string(), z.string()),
    /** Why this is the generated stand-in and not the real data. */
    fallback_reason: z.string().optional(),
  }),
  model: z.strictObject({ name: z.string(), parameters: count }),
  /** The engines of the workers, joined by `+` where they differ. */
  backend: z.string(),
  world_size: count,
  global_batch_size: z.int().positive(),
  seed: z.int(),
  steps: count,
  epochs: z.array(epochSummarySchema).readonly(),
  interrupted_epoch: interruptedEpochSchema.optional(),
  workers: z.array(workerSummarySchema).readonly(),
  /**
   * Where the run went on with other workers, engines, labels or prices: rates and shares are then those of no single
   * fleet, and `workers` and prices are the last ones. Absent where it did not.
   */
  fleet_changes: z
    .array(z.strictObject({ step: count, change: z.string() }))
    .readonly()
    .optional(),
  /** Of the last test pass; null when there was none. */
  test_accuracy: ratio.nullable(),
  train_seconds: nonnegative,
  samples_per_second: nonnegative,
  /** From the start of the coordinator's process to the first commit; null when there was none. */
  seconds_to_first_step: nonnegative.nullable(),
  /** What the coordinator took of one core while steps were trained. */
  coordinator_cpu_share: nonnegative,
  /** Of all workers together; absent when none has a price. */
  price_usd_per_hour: nonnegative.optional(),
  /** Start-up, test passes and saving included; of all workers there ever were. */
  cost_usd_total: nonnegative,
  billed_usd_total: nonnegative,
  /** Of `cost_usd_total`, what workers cost that are not in `workers`: they left before training, or the run was resumed without them. */
  former_workers_cost_usd: nonnegative,
  /** Of `billed_usd_total`, what they are billed. Absent of older versions, which left it out. */
  former_workers_billed_usd: nonnegative.optional(),
  /** What `billed_usd_total` is billed for: lives of processes, those of former workers too. Absent of older versions. */
  rentals: count.optional(),
  /** Time of the run and its cost to these test accuracies, start-up and test passes included; null: not reached. */
  time_to_accuracy: z
    .array(z.strictObject({ accuracy: ratio, seconds: nonnegative.nullable(), cost_usd: nonnegative.nullable() }))
    .readonly(),
  /** Whether all replicas ended the same, bit for bit; null when the run ended before they were compared. */
  replicas_identical: z.boolean().nullable(),
  /**
   * How far apart they ended: ‖a − b‖ / ‖a‖ of rank 0's parameters and those furthest from them. Engines that differ
   * round the same update differently; replicas of the same engine, device and CPU are always identical.
   */
  replicas_difference: nonnegative.nullable(),
});

export type Summary = z.infer<typeof summarySchema>;
export type EpochSummary = Summary['epochs'][number];
export type WorkerSummary = Summary['workers'][number];
