/** Prices from the table, through real processes: the command that shows them, and runs that use them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { readLedgerRows } from '../support/ledger-lines.ts';
import { killAll, run } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

it('prices as they were on a day, for people and for machines', async () => {
  const args = ['prices', '--gpu', 'h100', '--provider', 'AWS', '--on', '2025-06-01'];
  const { stdout, code } = await run([...args, '--json']);
  expect(code).toBe(0);
  const { prices } = JSON.parse(stdout);
  expect(prices.map(({ label, usd_per_hour }: Record<string, unknown>) => [label, usd_per_hour])).toEqual([
    ['aws/h100/capacity-block', 4.9162],
    ['aws/h100/on-demand', 12.29],
  ]);
  const shown = await run([...args, '--history']);
  expect(shown.stdout).toMatch(/aws\/h100\/on-demand +\$12\.29 +pre-2025-06/);
  expect(shown.stdout).toMatch(/aws\/h100\/on-demand +\$12\.29 +█+ \$12\.29/);
  const report = join(temporaryFolder(), 'h100.html');
  expect((await run([...args, '--html', report])).stdout).toContain(`report: ${report}`);
  const page = readFileSync(report, 'utf8');
  expect(page).toContain('"id":"prices-h100"');
  expect(page).toContain('AWS Price List, EC2 us-east-1, version 20260924211011');
  // Of later days nothing, of other providers nothing.
  expect(page).not.toMatch(/2026-\d\d|gcp\/h100/);
});

it('a day before the first price has none, and an undated price is of no past day', async () => {
  const early = await run(['prices', '--gpu', 'h100', '--history', '--on', '2016-01-01']);
  expect(early.stdout).toBe('There is no price from 2016-01-01 or before; the first is from 2023-05\n');
  const now = await run(['prices', '--gpu', 'h100', '--provider', 'runpod', '--history']);
  expect(now.stdout).toMatch(/runpod\/h100\/spot +\$2\.49 +undated/);
  expect(now.stdout).toMatch(/--worker gpu=runpod\/h100\/on-demand$/m);
});

it('an unknown GPU is refused with those that are known', async () => {
  const { stderr, code } = await run(['prices', '--gpu', 'h10']);
  expect(code).toBe(2);
  expect(stderr).toBe(
    "pennygrad: --gpu must be one that has a price: a100, a10g, c3, c7a, c7g, c7i, ccx, cx, dsv5, e2, h100, h200, k80, l4, n2, t4, v100; got 'h10'\n",
  );
});

it('workers cost what their labels do, and the run says by which source', async () => {
  const out = join(temporaryFolder(), 'run');
  const table = join(temporaryFolder(), 'mine.yaml');
  writeFileSync(table, '- {gpu: T4, provider: Lambda, usd_per_hour: 36, date: 2020-01, source: an offer}\n');
  const { stdout, code } = await run([
    ...['train', '--dataset', writeIdxFolder(64, 16), '--model', 'softmax', '--epochs', '1', '--out', out],
    ...['--metrics-port', '0', '--prices', table, '--price', '0.01'],
    ...['--worker', 'gpu=Lambda/T4/on-demand', '--worker', 'gpu=Box,price=0.35', '--worker', 'backend=wasm'],
  ]);
  expect(code).toBe(0);
  const looked = { price_usd_per_hour: 36, price_source: 'an offer', price_date: '2020-01' };
  const expected = [
    { worker_id: 'w0', gpu: 'lambda/t4/on-demand', ...looked },
    { worker_id: 'w1', gpu: 'box', price_usd_per_hour: 0.35 },
    { worker_id: 'w2', price_usd_per_hour: 0.01 },
  ];
  const summary = readSummary(out);
  expect(summary.workers).toMatchObject(expected);
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).workers).toMatchObject(expected);
  expect(summary.workers[2]).not.toHaveProperty('gpu');

  // Lambda bills whole minutes: one is $0.60.
  const [billed] = summary.workers;
  const minutes = Math.ceil((billed?.alive_seconds ?? 0) / 60);
  expect(billed?.billed_usd).toBeCloseTo(0.6 * minutes, 9);
  // The report knows the user's own table as well.
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  expect(report).toContain('What these cards cost over time');
  expect(report).toContain('an offer');
  expect(stdout).toContain('Price of lambda/t4/on-demand: $36.00 an hour, 2020-01, an offer');
  // Before training, in the summary, and in the report.
  const old = /he price of lambda\/t4\/on-demand is \d+ years old or more \(2020-01\)/g;
  expect(stdout.match(old)).toHaveLength(2);
  expect(stdout.search(old)).toBeLessThan(stdout.indexOf('epoch 1/1'));
  expect(report).toMatch(old);
});

it('a run that goes on is billed for each life of each worker, at its price and with its minimum', async () => {
  const out = join(temporaryFolder(), 'run');
  const table = join(temporaryFolder(), 'mine.yaml');
  const offer = (usdPerHour: number) =>
    writeFileSync(table, `- {gpu: T4, provider: GCP, usd_per_hour: ${usdPerHour}, date: 2020-01}\n`);
  offer(36);
  const first = await run([
    ...['train', '--dataset', writeIdxFolder(640, 16), '--model', 'softmax', '--steps', '5', '--out', out],
    ...['--metrics-port', '0', '--prices', table, '--worker', 'gpu=gcp/t4/on-demand,count=2'],
  ]);
  expect(first.code).toBe(0);
  offer(72);
  const second = await run(['train', '--resume', out, '--steps', '8', '--worker', 'gpu=gcp/t4/on-demand']);
  expect(second.code).toBe(0);
  const lives = new Map<string, number[]>();
  for (const { cause, worker, alive_seconds } of readLedgerRows(out)) {
    const before = lives.get(worker) ?? [];
    if (cause === 'end') lives.set(worker, [...before, alive_seconds - before.reduce((sum, one) => sum + one, 0)]);
  }
  const bill = (seconds: number, usdPerHour: number) => (Math.max(60, Math.ceil(seconds)) * usdPerHour) / 3600;
  const [w0 = [], w1 = []] = [lives.get('w0'), lives.get('w1')];
  const stayed = bill(w0[0] ?? Number.NaN, 36) + bill(w0[1] ?? Number.NaN, 72);
  const former = bill(w1[0] ?? Number.NaN, 36);
  const summary = readSummary(out);
  expect(summary).toMatchObject({ world_size: 1, rentals: 3, workers: [{ worker_id: 'w0', rentals: 2 }] });
  expect(summary.workers[0]?.billed_usd).toBeCloseTo(stayed, 9);
  expect(summary.former_workers_billed_usd).toBeCloseTo(former, 9);
  expect(summary.billed_usd_total).toBeCloseTo(stayed + former, 9);
  expect(second.stdout).toMatch(
    /Billed \$\d+\.\d+ for 3 separate rentals; the latest ones GCP by the second, at least 60 s/,
  );
});

it('a label without a price ends the run before it begins', async () => {
  const { stderr, code } = await run(['train', '--worker', 'gpu=gcp/t5/spot']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pennygrad: no price is known for 'gcp\/t5\/spot'; similar labels: gcp\/.*\n$/);
});
