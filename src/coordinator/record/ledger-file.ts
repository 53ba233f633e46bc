/** `ledger.jsonl`: one line per worker each time the accounts are drawn up. Every figure is cumulative. */
import { existsSync } from 'node:fs';
import { billedUsd, bookedSeconds, bookedUsd } from '../../economics/ledger/ledger.ts';
import { readLines } from '../../run-folder/json-lines.ts';
import { describeDamage, type LedgerLine, ledgerLineSchema } from '../../run-folder/ledger-line.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import type { LedgerEntry, LedgerEvent } from '../run-events.ts';

/** The text of the file's lines for one event. */
export function ledgerText(event: LedgerEvent, nowUnixMs: number): string {
  return ledgerLines(event, nowUnixMs)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

/** The file's lines for one event. */
export function ledgerLines(event: LedgerEvent, nowUnixMs: number): readonly LedgerLine[] {
  const { cause, step, epoch, runSeconds } = event;
  return event.entries.map(({ workerId, rank, samples, account, priceAssumed, priceSinceUnixMs, gpu, device }) => ({
    cause,
    time: new Date(nowUnixMs).toISOString(),
    worker: workerId,
    gpu,
    device,
    rank: rank ?? null,
    step,
    epoch: epoch === undefined ? undefined : epoch + 1,
    samples,
    run_seconds: runSeconds,
    alive_seconds: bookedSeconds(account),
    price_usd_per_hour: account.priceUsdPerHour ?? null,
    price_assumed: priceAssumed,
    price_since: new Date(priceSinceUnixMs).toISOString(),
    seconds: account.seconds,
    usd: account.usd,
    cost_usd: bookedUsd(account),
    rentals: account.rentals,
    billed_usd: billedUsd(account),
  }));
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
