/** What a run costs that nobody gave a price: a documented default, called assumed wherever it shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { readJsonLines, readSummary } from '../support/run-folder.ts';
import { parseSamples, withoutRun } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterAll(killAll);

const dataset = writeIdxFolder(600, 50);
const quick = ['train', '--dataset', dataset, '--model', 'softmax', '--epochs', '1'];
/** USD per hour of a vCPU, as data/cpu-prices.csv has it for aws/c7a/on-demand. */
const vcpu = 0.05132;

it('is assumed by the threads of each worker, and said in the terminal, the files, the metrics and the report', async () => {
  const out = join(temporaryFolder(), 'run');
  const job = start([
    ...[...quick, '--worker', 'threads=2', '--worker', 'price=0.5', '--worker', 'gpu=aws/c7g/on-demand'],
    ...['--budget-usd', '9', '--metrics-port', '0', '--out', out],
  ]);
  const [, url = ''] = await job.waitFor(/metrics at (http:\S+)/);
  // The run waits until a scrape has seen its end.
  let scrape = '';
  while (!scrape.includes('pennygrad_run_ended{')) scrape = await (await fetch(url)).text();
  const { code, stdout } = await job.exit;
  expect(code).toBe(0);

  const assumed = 'assumed, not given: 2 vCPUs at aws/c7a/on-demand (2026-02) for w0; ';
  expect(stdout).toContain(
    `price ${assumed.replace('; ', '')}; --budget-usd 9 counts it; --price USD_PER_HOUR sets it`,
  );
  expect(stdout).toContain(`The price is ${assumed}`);
  expect(stdout).toContain('partly assumed cost');
  const { workers } = readSummary(out);
  expect(
    workers.map(({ price_usd_per_hour, price_assumed, threads }) => [price_usd_per_hour, price_assumed, threads]),
  ).toEqual([
    [2 * vcpu, '2 vCPUs at aws/c7a/on-demand', 2],
    [0.5, undefined, 1],
    [0.03625, undefined, 1],
  ]);
  const [first] = workers;
  expect(first?.price_source).toContain('github.com/aws/karpenter-provider-aws');
  expect(first?.cost_usd).toBeCloseTo((2 * vcpu * (first?.alive_seconds ?? 0)) / 3600, 12);
  const lines = readJsonLines(join(out, 'ledger.jsonl')).filter(({ cause }) => cause === 'end');
  expect(lines.map(({ worker, price_assumed }) => [worker, price_assumed])).toEqual(
    expect.arrayContaining([
      ['w0', true],
      ['w1', undefined],
      ['w2', undefined],
    ]),
  );
  const samples = withoutRun(parseSamples(scrape));
  expect(['w0', 'w1'].map((worker) => samples.get(`pennygrad_worker_price_assumed{worker="${worker}"}`))).toEqual([
    1, 0,
  ]);
  expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('2 vCPUs at aws/c7a/on-demand');
});

it('is none with --price none', async () => {
  const out = join(temporaryFolder(), 'run');
  const { code, stdout } = await run([...quick, '--price', 'none', '--metrics-port', '0', '--out', out]);
  expect(code).toBe(0);
  expect(stdout).toContain('Cost: no worker has a price; --price USD_PER_HOUR gives one');
  expect(stdout).not.toContain('assumed');
  const { price_usd_per_hour, cost_usd_total } = readSummary(out);
  expect({ price_usd_per_hour, cost_usd_total }).toEqual({ price_usd_per_hour: undefined, cost_usd_total: 0 });
});
