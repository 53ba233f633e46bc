/** `ledger.jsonl`: one line per worker each time the accounts are drawn up. Every figure is cumulative. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { billedUsd, bookedSeconds, bookedUsd, ledgerCategories } from '../../economics/ledger/ledger.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { type LedgerEntry, type LedgerEvent, ledgerCauses } from '../run-events.ts';

const amount = z.number().nonnegative();
const byCategory = z.record(z.enum(ledgerCategories), amount);

const lineSchema = z.object({
  cause: z.enum(ledgerCauses),
  /** When the line was written: ISO 8601, UTC. */
  time: z.iso.datetime(),
  worker: z.string(),
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
export type LedgerLine = z.infer<typeof lineSchema>;

/** The file's lines for one event. */
export function ledgerLines(event: LedgerEvent, nowUnixMs: number): readonly LedgerLine[] {
  const { cause, step, epoch, runSeconds } = event;
  return event.entries.map(({ workerId, rank, samples, account, priceAssumed, priceSinceUnixMs }) => ({
    cause,
    time: new Date(nowUnixMs).toISOString(),
    worker: workerId,
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

/**
 * Reads the ledger of an earlier run. A last line that was cut off by a kill is removed from the file, so that more can
 * be appended.
 * @returns undefined where there is no file
 * @throws bad-input naming the line and the field
 */
export function readLedger(file: string): readonly LedgerLine[] | undefined {
  if (!existsSync(file)) return undefined;
  const text = readBoundedText(file, fileLimits.log);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => parseLine(line, `${file} line ${index + 1}`));
  if (whole !== text) writeFileSync(file, whole);
  return lines;
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
    priceSinceUnixMs: Date.parse(line.price_since),
  };
}

function parseLine(line: string, where: string): LedgerLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw badInput(`${where}: ${messageOf(error)}`, error);
  }
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badInput(`${where}: ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
}
