/** Reads what a run cost from its folder, whatever became of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decideRunState, type RunState } from '../economics/costs/run-state.ts';
import { hasFallen } from '../economics/costs/spent.ts';
import type { Summary } from '../economics/record/summary.ts';
import { hasSummary, readSummary } from '../economics/record/summary-file.ts';
import { messageOf } from '../shared/core/errors.ts';
import { formatUsd } from '../shared/core/number-format.ts';
import { sumOf } from '../shared/core/sums.ts';
import { forEachLine } from '../shared/files/file-lines.ts';
import { addToRanges, describeRanges, parseLine } from './json-lines.ts';
import { describeDamage, type LedgerLine, ledgerLineSchema } from './ledger-line.ts';
import { readConfigured } from './run-config.ts';
import { lockStateOf } from './run-lock.ts';

export interface RunCosts {
  readonly state: RunState;
  /** What could not be read, and so is not counted: a line each. */
  readonly problems: readonly string[];
}

/** No line that a run writes is nearly as long, in bytes. */
const longestLine = 64 * 1024;

/** How far the ledger may be from the summary, as a fraction: both add up the same figures. */
const roundingTolerance = 1e-6;

/**
 * Reads a ledger of any size line by line.
 * @param onLine is called for each line that can be read, with the worker's label and device even in ledgers of older
 *   versions, as far as `config.json` has them
 */
export async function readRunCosts(
  folder: string,
  nowUnixMs: number,
  onLine: (line: LedgerLine) => void,
): Promise<RunCosts> {
  const { summary, unreadable } = summaryOf(folder);
  // Check the lock first: a run that ends while we read is then reported as running, never as killed.
  const lock = lockStateOf(folder, nowUnixMs);
  const { problems, costUsd, lastCause } = await readLedgerLines(folder, onLine);
  const hasLedger = existsSync(join(folder, 'ledger.jsonl'));
  const missing = describeMissing(costUsd, summary);
  const gap = hasLedger ? missing : `has no ledger.jsonl; ${describeUncounted(summary)}`;
  return {
    state: decideRunState({ lock, summary: summary?.status, lastCause: missing === undefined ? lastCause : undefined }),
    problems: [...problems, ...unreadable, ...(gap === undefined ? [] : [`${folder}: ${gap}`])],
  };
}

/** @returns also why it cannot be read, if it is there */
function summaryOf(folder: string): { readonly summary: Summary | undefined; readonly unreadable: readonly string[] } {
  try {
    return { summary: readSummary(folder), unreadable: [] };
  } catch (error) {
    return { summary: undefined, unreadable: hasSummary(folder) ? [messageOf(error)] : [] };
  }
}

interface ReadLedger {
  readonly problems: readonly string[];
  /** The sum of the workers' last lines. */
  readonly costUsd: number;
  /** Undefined where there is no line, or the last one is damaged. */
  readonly lastCause: string | undefined;
}

async function readLedgerLines(folder: string, onLine: (line: LedgerLine) => void): Promise<ReadLedger> {
  const file = join(folder, 'ledger.jsonl');
  if (!existsSync(file)) return { problems: [], costUsd: 0, lastCause: undefined };
  const { workers: known } = readConfigured(folder);
  const last = new Map<string, LedgerLine>();
  const damaged: [from: number, to: number][] = [];
  const fallen: [from: number, to: number][] = [];
  const problems: string[] = [];
  let lastCause: string | undefined;
  try {
    await forEachLine(file, longestLine, (text, number) => {
      if (text === '') return;
      const line = text === undefined ? undefined : parseLine(text, ledgerLineSchema);
      lastCause = line?.cause;
      if (line === undefined) return addToRanges(damaged, number);
      if (hasFallen(last.get(line.worker), line)) {
        lastCause = undefined;
        return addToRanges(fallen, number);
      }
      last.set(line.worker, line);
      onLine(line.device === undefined ? { ...line, ...known.get(line.worker) } : line);
    });
  } catch (error) {
    problems.push(messageOf(error));
  }
  if (damaged.length > 0) {
    const ages = new Map([...last].map(([worker, { run_seconds }]) => [worker, run_seconds]));
    problems.push(`${folder}: ${describeDamage(damaged, ages)}`);
  }
  if (fallen.length > 0) {
    const lines = describeRanges(fallen);
    problems.push(
      `${folder}: ledger.jsonl has totals that fall, and the lines in which they do are left out: ${lines}`,
    );
  }
  return { problems, costUsd: sumOf([...last.values()].map(({ cost_usd }) => cost_usd)), lastCause };
}

/** What the ledger lacks, if the summary shows that it lacks something. A run that was resumed has more than its summary. */
function describeMissing(costUsd: number, summary: Summary | undefined): string | undefined {
  const { cost_usd_total: expected } = summary ?? { cost_usd_total: 0 };
  if (expected - costUsd <= roundingTolerance * expected) return undefined;
  return `the ledger has ${formatUsd(costUsd)} of the ${formatUsd(expected)} in summary.json; the rest is not counted`;
}

/** What a run without a ledger is not counted with: a summary has no accounts of single workers, which costs are counted by. */
function describeUncounted(summary: Summary | undefined): string {
  if (summary === undefined) return 'its cost is not known, and not counted';
  return `the ${formatUsd(summary.cost_usd_total)} in summary.json are not counted`;
}
