/** Prices from the table, through real processes: the command that shows them, and runs that use them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, temporaryFolder } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';

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
});

it('a day before the first price has none, and an undated price is of no past day', async () => {
  const early = await run(['prices', '--gpu', 'h100', '--history', '--on', '2016-01-01']);
  expect(early.stdout).toBe('No price is known as early as 2016-01-01; the first is of 2023-05\n');
  const now = await run(['prices', '--gpu', 'h100', '--provider', 'runpod', '--history']);
  expect(now.stdout).toMatch(/runpod\/h100\/spot +\$2\.49 +undated/);
  expect(now.stdout).toMatch(/--worker gpu=runpod\/h100\/on-demand$/m);
});

it('an unknown GPU is refused with those that are known', async () => {
  const { stderr, code } = await run(['prices', '--gpu', 'h10']);
  expect(code).toBe(2);
  expect(stderr).toBe(
    "pennygrad: --gpu must be one that has a price: a100, a10g, h100, h200, k80, l4, t4, v100; got 'h10'\n",
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
  expect(stdout).toContain('Price of lambda/t4/on-demand: $36.00 an hour, 2020-01, an offer');
});

it('a label without a price ends the run before it begins', async () => {
  const { stderr, code } = await run(['train', '--worker', 'gpu=gcp/t5/spot']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pennygrad: no price is known for 'gcp\/t5\/spot'; near it: gcp\/.*\n$/);
});
