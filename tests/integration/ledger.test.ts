/** A real run's ledger against what the kernel says of its workers, and a budget that falls in the middle of an epoch. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { fallen, type LedgerRow, readLedgerRows, sumOf } from '../support/ledger-lines.ts';
import { type Exit, killAll, run, start } from '../support/pennygrad.ts';
import { type Lifetime, watchChildren } from '../support/process-lifetimes.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const out = join(temporaryFolder(), 'run');
// Two workers at a dollar a second each: the budget lasts some ten seconds, which is no whole number of epochs.
const budget = 20;
let exit: Exit;
let lifetimes: readonly Lifetime[] = [];
let rows: readonly LedgerRow[] = [];

beforeAll(async () => {
  const job = start([
    ...['train', '--dataset', writeIdxFolder(50_000, 100), '--epochs', '9', '--backend', 'wasm'],
    ...['--price', '3600', '--budget-usd', String(budget), '--out', out, '--metrics-port', '0'],
  ]);
  const watch = watchChildren(job.child.pid ?? 0);
  exit = await job.exit;
  lifetimes = watch.stop().filter(({ command }) => command.includes('worker'));
  rows = readLedgerRows(out);
});
afterAll(killAll);

describe('the ledger', () => {
  it('has the lifetimes that the kernel saw, within 1 %', () => {
    expect(lifetimes).toHaveLength(2);
    for (const { command, startedAt, endedAt = Number.NaN } of lifetimes) {
      const worker = command[command.indexOf('--id') + 1];
      const last = rows.findLast((row) => row.worker === worker);
      expect(last?.cause).toBe('end');
      expect(Math.abs((last?.alive_seconds ?? 0) / (endedAt - startedAt) - 1), worker).toBeLessThan(0.01);
    }
  });

  it('sums to the time alive in every line, and to its price', () => {
    for (const { seconds, usd, alive_seconds, cost_usd } of rows) {
      expect(sumOf(seconds)).toBeCloseTo(alive_seconds, 6);
      expect(sumOf(usd)).toBeCloseTo(cost_usd, 6);
      expect(cost_usd).toBeCloseTo(alive_seconds, 6);
    }
  });

  it('never falls, and leaves little unexplained', () => {
    expect(fallen(rows)).toEqual([]);
    expect(rows.map(({ cause }) => cause)).toEqual(expect.arrayContaining(['begin', 'interim', 'checkpoint', 'end']));
    const end = rows.filter(({ cause }) => cause === 'end');
    for (const { seconds, alive_seconds } of end) {
      expect(seconds.compute).toBeGreaterThan(0);
      expect(seconds.communicate).toBeGreaterThan(0);
      expect(seconds.startup).toBeGreaterThan(0);
      expect((seconds.other ?? 0) / alive_seconds).toBeLessThan(0.1);
    }
  });

  it('is what the summary says', () => {
    const summary = readSummary(out);
    const end = rows.filter(({ cause }) => cause === 'end');
    expect(summary.cost_usd_total).toBeCloseTo(
      end.reduce((sum, { cost_usd }) => sum + cost_usd, 0),
      9,
    );
    for (const { worker_id, alive_seconds, seconds_by_category } of summary.workers) {
      const row = end.find(({ worker }) => worker === worker_id);
      expect(alive_seconds).toBe(row?.alive_seconds);
      expect(seconds_by_category).toEqual(row?.seconds);
    }
  });
});

describe('a budget', () => {
  it('ends the run resumably, with exit code 5, and says how to go on', () => {
    expect(exit.code).toBe(5);
    expect(exit.stderr).toMatch(/--budget-usd 20 is reached after step \d+; the checkpoint has it/);
    const [, more] = exit.stderr.match(/to resume: pennygrad train --resume \S+ --budget-usd (\S+)\n/) ?? [];
    const { status, cost_usd_total: spent, epochs, interrupted_epoch } = readSummary(out);
    expect(Number(more)).toBeGreaterThanOrEqual(2 * spent);
    expect(Number(more)).toBeLessThan(1.1 * 2 * spent);
    // In the middle of an epoch; of which one is the machine's speed.
    expect(status).toBe('interrupted');
    expect(interrupted_epoch?.epoch).toBe(epochs.length + 1);
  });

  it('that start-up uses up trains no step, says how to go on to programs too, and lets the run go on', async () => {
    const folder = join(temporaryFolder(), 'run');
    const first = await run([
      ...['train', '--dataset', writeIdxFolder(640, 16), '--model', 'softmax', '--epochs', '1', '--workers', '1'],
      ...['--price', '3600', '--budget-usd', '0.01', '--budget-hours', '9', '--out', folder, '--metrics-port', '0'],
      '--json',
    ]);
    expect(first.code).toBe(5);
    const { steps, cost_usd_total } = readSummary(folder);
    expect(steps).toBe(0);
    // The hours last.
    const [, more] = first.stderr.match(/to resume: pennygrad train --resume \S+ --budget-usd (\S+)\n/) ?? [];
    expect(Number(more)).toBeGreaterThanOrEqual(2 * cost_usd_total);
    const second = await run(['train', '--resume', folder, '--budget-usd', String(1000 * Number(more))]);
    expect(second.code).toBe(0);
    expect(readSummary(folder)).toMatchObject({ status: 'completed', steps: 10 });
  });

  it('is not overspent by more than the step that workers had already begun', () => {
    const last = rows.at(-1)?.step ?? 0;
    const costAt = (time: number) =>
      rows.filter(({ run_seconds }) => run_seconds === time).reduce((sum, { cost_usd }) => sum + cost_usd, 0);
    const moments = [...new Set(rows.map(({ run_seconds }) => run_seconds))];
    const reached = moments.find((time) => costAt(time) >= budget) ?? Number.NaN;
    const atThatTime = rows.find(({ run_seconds }) => run_seconds === reached);
    expect(last).toBeGreaterThan(0);
    expect(last - (atThatTime?.step ?? 0)).toBeLessThanOrEqual(1);
    expect(readSummary(out).cost_usd_total).toBeGreaterThanOrEqual(budget);
  });
});
