/** Machines that are taken away while a run trains on them, really: what that costs, and what is left of the run. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { lastLedgerRows } from '../support/ledger-lines.ts';
import { killAll, start } from '../support/pennygrad.ts';
import { readJsonLines, readSummary } from '../support/run-folder.ts';
import { parseSamples, withoutRun } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

it('a preempted worker drains, comes back without using up a restart, and what that cost is told', async () => {
  const out = join(temporaryFolder(), 'run');
  const job = start([
    ...['train', '--dataset', writeIdxFolder(12_000, 100), '--model', 'mlp', '--backend', 'wasm', '--epochs', '100000'],
    ...['--workers', '1:2', '--restarts', '0', '--price', '3.6', '--metrics-port', '0', '--out', out],
    // By this seed w0 has its first notices after 12, 20 and 56 s of a life, the later ones for a machine on which it starts
    // slowly, and w1 none for 162 s.
    ...['--simulate-preemptions', 'rate=120/h,notice=60s,seed=471350'],
  ]);
  const [, url = ''] = await job.waitFor(/(http:\/\/127\.0\.0\.1:\d+\/metrics)/);
  await job.waitFor(/worker w0 is preempted, as simulated: it has 1 min 00 s to leave/);
  // Where the machine is slow, the first notices come before it trains.
  await job.waitFor(/training goes on with w1: [\s\S]*training goes on with w0, w1: all 2 workers are ready/);
  const scraped = withoutRun(parseSamples(await (await fetch(url)).text()));
  job.child.kill('SIGINT');
  const { code, stdout, stderr } = await job.exit;
  expect(code).toBe(130);
  expect(stdout + stderr).not.toMatch(/started again|lost worker/);

  const lines = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'interruption');
  expect(lines[0]).toMatchObject({ worker_id: 'w0', reason: 'preempted', lost_steps: 0 });
  expect(scraped.get('pennygrad_interruptions_total{reason="preempted"}')).toBe(1);
  expect(scraped.get('pennygrad_interruption_wasted_usd_total')).toBeCloseTo(Number(lines[0]?.wasted_usd), 9);
  expect(scraped.get('pennygrad_interruption_recovery_seconds_count')).toBe(1);

  const { interruptions, workers, departed_workers = [], ...summary } = readSummary(out);
  expect(interruptions?.by_reason.preempted?.count).toBe(lines.length);
  expect(summary.effective_usd_per_hour).toBeGreaterThan(summary.paid_usd_per_hour ?? Number.NaN);
  expect(summary.paid_usd_per_hour).toBeCloseTo(3.6, 6);
  const all = [...workers, ...departed_workers];
  expect(all.map(({ worker_id }) => worker_id).sort()).toEqual(['w0', 'w1']);
  expect(all.find(({ worker_id }) => worker_id === 'w0')?.rentals).toBeGreaterThan(1);
  const booked = [...lastLedgerRows(out).values()].map(({ seconds: { wasted = 0, idle = 0 } }) => wasted + idle);
  expect(interruptions?.wasted_seconds).toBeLessThanOrEqual(booked.reduce((a, b) => a + b) + 1e-9);
  expect(await auditRun(out)).toMatchObject({ proved: true, problems: [] });
});
