/** A sweep of real runs: interrupted, gone on with, compared, repriced and planned from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

it('is resumable, and its runs compare', async () => {
  const out = join(temporaryFolder(), 'sweep');
  const dataset = writeIdxFolder(200, 50);
  const grid = ['--workers', '1,2', '--batch-size', '20,40', '--backend', 'cpu', '--model', 'softmax', '--repeat', '2'];
  const args = ['sweep', ...grid, '--dataset', dataset, '--price', '0.36', '--out', out];

  const first = start(args);
  await first.waitFor(/w1-cpu-b40-r1: run 2 of 8/);
  first.child.kill('SIGINT');
  const interrupted = await first.exit;
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toMatch(/interrupted with \d runs to go; to continue: pennygrad sweep --out /);
  const startedAt = readSummary(join(out, 'w1-cpu-b20-r1')).started_at;

  // Its own settings are in the folder; others are refused by name.
  const other = await run(['sweep', '--out', out, '--price', '0.72']);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('--price is 0.36 there and 0.72 here') });
  const second = await run(['sweep', '--out', out]);
  expect(second.stderr).toBe('');
  expect(second.code).toBe(0);
  expect(second.stdout).toContain('w1-cpu-b20-r1: already complete');
  expect(second.stdout).toMatch(/w2-cpu-b40-r2: run 8 of 8, about [\d.]+ s to go/);
  expect(readSummary(join(out, 'w1-cpu-b20-r1')).started_at).toBe(startedAt);
  const sweep = JSON.parse(readFileSync(join(out, 'sweep.json'), 'utf8'));
  expect(sweep.runs).toHaveLength(8);
  expect(readSummary(join(out, 'w2-cpu-b40-r2'))).toMatchObject({ status: 'completed', world_size: 2 });

  const report = join(out, 'report.html');
  const shown = await run(['compare', '--sweep', out]);
  expect(second.stdout).toContain(shown.stdout.trim());
  const quiet = await run(['sweep', '--out', out, '--quiet']);
  expect(quiet).toMatchObject({ code: 0, stderr: '', stdout: shown.stdout });
  const compared = await run(['compare', '--sweep', out, '--json', '--html', report]);
  expect(compared.stderr).toBe('');
  const { basis, points, cheapest } = JSON.parse(compared.stdout);
  expect(basis).toBe('measured');
  expect(points.map((point: { runs: string[] }) => point.runs.length)).toEqual([2, 2, 2, 2]);
  expect(points[cheapest].on_front).toBe(true);
  const two = points.find(
    (p: { workers: number; global_batch_size: number }) => p.workers === 2 && p.global_batch_size === 40,
  );
  const rates = (name: string) => [1, 2].map((round) => readSummary(join(out, `${name}-r${round}`)).samples_per_second);
  const mean = ([a = 0, b = 0]: number[]) => Math.sqrt(a * b);
  expect(two.strong.value).toBeCloseTo(mean(rates('w2-cpu-b40')) / (2 * mean(rates('w1-cpu-b40'))), 9);
  expect(two.weak.value).toBeCloseTo(mean(rates('w2-cpu-b40')) / (2 * mean(rates('w1-cpu-b20'))), 9);
  const billed = [1, 2].map((round) => readSummary(join(out, `w2-cpu-b40-r${round}`)).billed_usd_total);
  expect(two.billed_of_run_usd).toBeCloseTo(((billed[0] ?? 0) + (billed[1] ?? 0)) / 2, 12);
  expect(two.billed_of_run_usd).toBeGreaterThanOrEqual(two.cost_of_run_usd);
  expect(readFileSync(report, 'utf8')).toContain('<!doctype html>');
  expect(readFileSync(join(out, 'w1-cpu-b20-r1', 'report.html'), 'utf8')).toContain('Training loss');

  const repriced = await run(['reprice', join(out, 'w2-cpu-b40-r2'), '--set', '*=0.72', '--json']);
  const { cost_usd, measured_cost_usd } = JSON.parse(repriced.stdout);
  expect(cost_usd / measured_cost_usd).toBeCloseTo(2, 9);

  const overTime = join(out, 'over-time.html');
  const dated = await run([
    ...['reprice', join(out, 'w2-cpu-b40-r2'), '--over-time', '--gpu', 'k80,t4', '--html', overTime],
  ]);
  expect(dated.stderr).toBe('');
  expect(dated.stdout).toContain(`report: ${overTime}`);
  expect(readFileSync(overTime, 'utf8')).toMatch(/"id":"cost-k80".*"id":"cost-t4"/);
  const misplaced = await run(['reprice', join(out, 'w2-cpu-b40-r2'), '--set', '*=0.72', '--html', overTime]);
  expect(misplaced).toMatchObject({ code: 2, stderr: expect.stringContaining('--html needs --over-time') });

  expect(dated.stdout).toMatch(
    /the same epoch cost \$[\d.]+ at prices of 2016-10 and \$[\d.]+ at those of 2022-08, unchanged:\s+aws\/k80/,
  );
  const refused = async (...args: readonly string[]) => {
    const { code, stderr } = await run(['reprice', join(out, 'w2-cpu-b40-r2'), ...args]);
    return `${code} ${stderr}`;
  };
  expect(await refused('--over-time')).toMatch(
    /^2 pennygrad: --over-time needs --gpu, with one or more of a100, .*, v100\n$/,
  );
  expect(await refused('--over-time', '--gpu', 't4', '--set', 'w0=1')).toContain(
    '2 pennygrad: --set and --over-time exclude each other',
  );
  expect(await refused('--over-time', '--gpu', 't4', '--on', '2016-01-01')).toBe(
    '2 pennygrad: there is no price of t4 from 2016-01-01 or before; the first is from 2022-08-01\n',
  );
  expect(await refused('--set', 'w0= ')).toContain("2 pennygrad: --set 'w0= ': must be a price");
  expect((await run(['reprice', join(out, 'w2-cpu-b40-r2'), '--set', '*=gcp/t4/spot'])).stdout).toContain(
    'the price of gcp/t4/spot is for the card alone',
  );

  const planned = await run(['plan', '--sweep', out, '--target-seconds', '600', '--json']);
  const { models, ...plan } = JSON.parse(planned.stdout);
  expect(plan).toMatchObject({ basis: 'measured', chosen: { kind: 'cpu', basis: 'measured' } });
  // Start-up is the workers' own, which the coordinator's is added to in the time alone.
  const startups = sweep.runs.map(
    ({ folder }: { folder: string }) => readSummary(join(out, folder)).workers[0]?.seconds_by_category.startup,
  );
  expect(models[0].outside.startup_seconds).toBeLessThanOrEqual(Math.max(...startups));
  expect(models[0].cost_error.worst).toBeGreaterThan(0);
});

it('refuses by name what cannot be compared', async () => {
  const nowhere = await run(['compare', 'no-such-run']);
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('no-such-run: no such folder') });
  const nothing = await run(['compare']);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('name folders of runs, or a sweep') });
});
