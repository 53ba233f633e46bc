/** `ledger.jsonl`: the accounts of a run, a line a worker each time they are drawn up, every figure cumulative. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { billedUsd, bookedSeconds, bookedUsd, ledgerCategories } from '../../economics/ledger/ledger.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
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
  /** Null when none was given: the worker then counts as free. */
  price_usd_per_hour: amount.nullable(),
  /** The price holds from here until the worker's next line with another one; what was before is booked at its price. */
  price_since: z.iso.datetime(),
  seconds: byCategory,
  usd: byCategory,
  cost_usd: amount,
  /** Lives of the worker's process, each a rental of its own. Lines of older versions have neither this nor the next. */
  rentals: z.int().nonnegative().optional(),
  /** What all of them are billed, each at the price and by the rule of its time, as if the last ended here. */
  billed_usd: amount.optional(),
});
export type LedgerLine = z.infer<typeof lineSchema>;

/** The lines of an event, in the file's words. */
export function ledgerLines(event: LedgerEvent, nowUnixMs: number): readonly LedgerLine[] {
  const { cause, step, epoch, runSeconds } = event;
  return event.entries.map(({ workerId, rank, samples, account, priceSinceUnixMs }) => ({
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
    price_since: new Date(priceSinceUnixMs).toISOString(),
    seconds: account.seconds,
    usd: account.usd,
    cost_usd: bookedUsd(account),
    rentals: account.rentals,
    billed_usd: billedUsd(account),
  }));
}

/** Written at once, and not when there are many: they are what is left of a run that is killed. */
export function appendLedger(file: string, event: LedgerEvent, nowUnixMs: number): void {
  const lines = ledgerLines(event, nowUnixMs).map((line) => `${JSON.stringify(line)}\n`);
  appendFileSync(file, lines.join(''));
}

/**
 * A ledger as a run left it. A last line that was cut off when the run was killed is removed from the file, so that
 * more can be appended.
 * @returns undefined where there is no file
 * @throws bad-input naming the line and the field
 */
export function readLedger(file: string): readonly LedgerLine[] | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => parseLine(line, `${file} line ${index + 1}`));
  if (whole !== text) writeFileSync(file, whole);
  return lines;
}

/**
 * What a worker's account holds after its last line. Where an older version wrote it, all that was is taken for one
 * rental that is billed what it cost: the least that it can have been.
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
