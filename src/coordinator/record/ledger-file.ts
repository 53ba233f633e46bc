/** `ledger.jsonl`: one line per worker each time the accounts are drawn up. Every figure is cumulative. */
import { appendFileSync, existsSync } from 'node:fs';
import { z } from 'zod';
import { billedUsd, bookedSeconds, bookedUsd, ledgerCategories } from '../../economics/ledger/ledger.ts';
import { printable } from '../../shared/core/printable.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { type LedgerEntry, type LedgerEvent, ledgerCauses } from '../run-events.ts';
import { describeRanges, type Range, readLines } from './json-lines.ts';

const amount = z.number().nonnegative();
const byCategory = z.record(z.enum(ledgerCategories), amount);

export const ledgerLineSchema = z.object({
  cause: z.enum(ledgerCauses),
  /** When the line was written: ISO 8601, UTC. */
  time: z.iso.datetime(),
  worker: z.string(),
  /** The worker's label, `gcp/t4/spot`, which says who bills it. Older versions wrote neither this nor the next field. */
  gpu: z.string().overwrite(printable).optional(),
  /** What its engine computes on, in the engine's words. */
  device: z.string().overwrite(printable).optional(),
  /** Null for a worker that never trained. */
  rank: z.int().nonnegative().nullable(),
  /** Committed steps of the run. */
  step: z.int().nonnegative(),
  /** The epoch that ended, counted from 1. */
  epoch: z.int().positive().optional(),
  samples: z.int().nonnegative(),
  run_seconds: amount,
  alive_seconds: amount,
  /** Null when no price was given; the worker then counts as free. */
  price_usd_per_hour: amount.nullable(),
  /** Set if nobody gave that price. */
  price_assumed: z.literal(true).optional(),
  /** From when this price holds. Earlier time is booked at the price it had. */
  price_since: z.iso.datetime(),
  seconds: byCategory,
  usd: byCategory,
  cost_usd: amount,
  /** Processes the worker has had; each is a separate rental. Older versions wrote neither this nor the next field. */
  rentals: z.int().nonnegative().optional(),
  /** The bill for all rentals, each at its own price and billing rule, as if the last one ended here. */
  billed_usd: amount.optional(),
});
export type LedgerLine = z.infer<typeof ledgerLineSchema>;

/** The file's lines for one event. */
export function ledgerLines(event: LedgerEvent, nowUnixMs: number): readonly LedgerLine[] {
  const { cause, step, epoch, runSeconds } = event;
  return event.entries.map(({ workerId, rank, samples, account, priceAssumed, priceSinceUnixMs, gpu, device }) => ({
    cause,
    time: new Date(nowUnixMs).toISOString(),
    worker: workerId,
    ...(gpu === undefined ? {} : { gpu }),
    ...(device === undefined ? {} : { device }),
    rank: rank ?? null,
    step,
    ...(epoch === undefined ? {} : { epoch: epoch + 1 }),
    samples,
    run_seconds: runSeconds,
    alive_seconds: bookedSeconds(account),
    price_usd_per_hour: account.priceUsdPerHour ?? null,
    ...(priceAssumed === undefined ? {} : { price_assumed: priceAssumed }),
    price_since: new Date(priceSinceUnixMs).toISOString(),
    seconds: account.seconds,
    usd: account.usd,
    cost_usd: bookedUsd(account),
    rentals: account.rentals,
    billed_usd: billedUsd(account),
  }));
}

/** Written at once rather than in batches, so that a run that is killed leaves them. */
export function appendLedger(file: string, event: LedgerEvent, nowUnixMs: number): void {
  const lines = ledgerLines(event, nowUnixMs).map((line) => `${JSON.stringify(line)}\n`);
  appendFileSync(file, lines.join(''));
}

export interface Ledger {
  readonly lines: readonly LedgerLine[];
  /** What is missing of the file, in words. */
  readonly gaps: readonly string[];
  /** The file without what is damaged or cut off; undefined where that is nothing. */
  readonly repaired: string | undefined;
}

/** Reads the ledger of an earlier run. @returns undefined where there is no file */
export function readLedger(file: string): Ledger | undefined {
  if (!existsSync(file)) return undefined;
  const text = readBoundedText(file, fileLimits.log);
  const { lines: read, damaged } = readLines(text, ledgerLineSchema);
  const lines = read.map(({ entry }) => entry);
  const whole = read.map(({ source }) => `${source}\n`).join('');
  return {
    lines,
    gaps:
      damaged.length === 0
        ? []
        : [describeDamage(damaged, new Map(lines.map((line) => [line.worker, line.run_seconds])))],
    repaired: whole === text ? undefined : whole,
  };
}

/**
 * Every line has the totals, so one that is damaged is missed only where no later one has the worker's.
 * @param last the run's age, in seconds, in the last whole line of each worker
 */
export function describeDamage(damaged: readonly Range[], last: ReadonlyMap<string, number>): string {
  const end = Math.max(...last.values());
  const behind = [...last].filter(([, seconds]) => seconds < end);
  const missed = behind.map(([worker, seconds]) => `${(end - seconds).toFixed(1)} s of ${printable(worker)}`);
  return (
    `ledger.jsonl had damaged lines, which are left out: ${describeRanges(damaged)}; the bill ` +
    (missed.length === 0 ? 'is complete up to the last whole line' : `lacks the last ${missed.join(', ')}`)
  );
}

/**
 * A worker's account after its last line. Lines of older versions have no billing; they are taken as one rental that is
 * billed exactly its cost, the least it can have been.
 */
export function entryOf(line: LedgerLine): LedgerEntry {
  return {
    workerId: line.worker,
    rank: line.rank ?? undefined,
    samples: line.samples,
    account: {
      seconds: line.seconds,
      usd: line.usd,
      life: undefined,
      priceUsdPerHour: line.price_usd_per_hour ?? undefined,
      rentals: line.rentals ?? 1,
      endedBilledUsd: line.billed_usd ?? line.cost_usd,
    },
    priceAssumed: line.price_assumed,
    gpu: line.gpu,
    device: line.device,
    priceSinceUnixMs: Date.parse(line.price_since),
  };
}
