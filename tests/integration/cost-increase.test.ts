/**
 * What a run cost, told three ways: by the real Prometheus, which scraped it and knows nothing else, by `summary.json`
 * and by `ledger.jsonl`. And a run that nobody comes to scrape any more can be told not to wait.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../src/economics/record/summary.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { type LedgerRow, lastLedgerRows } from '../support/ledger-lines.ts';
import { needs } from '../support/machine-parts.ts';
import { type Prometheus, type Series, startPrometheus } from '../support/monitoring.ts';
import { type Exit, killAll, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterAll(killAll);

const withPrometheus = await needs('prometheus');

withPrometheus.describe('increase() over a run', () => {
  const out = join(temporaryFolder(), 'run');
  let prometheus: Prometheus;
  let exit: Exit;
  let summary: Summary;
  let ledger: ReadonlyMap<string, LedgerRow>;

  // With scrapes every 0.2 s increase() may be off by 0.1 s at the beginning and as much at the end (docs/observability.md):
  // 1 % of a run of 20 s, which lasts as long as its budget: two workers at a dollar a second each.
  beforeAll(async () => {
    const port = await freePort();
    prometheus = await startPrometheus([{ job: 'pennygrad', targets: [`127.0.0.1:${port}`] }], [], '200ms');
    // Prometheus is there before the runs that it watches; its first scrape comes seconds after it listens.
    await eventually('Prometheus scrapes', async () => (await prometheus.query('up')).length > 0);
    const run = start([
      ...['train', '--dataset', writeIdxFolder(20_000, 200), '--model', 'mlp', '--epochs', '99999', '--price', '3600'],
      ...['--budget-usd', '44', '--metrics-port', String(port), '--out', out],
    ]);
    exit = await run.exit;
    // Before Prometheus finds nobody there, a question would be answered as if the run went on.
    const isGone = async () => (await prometheus.query('up == 0')).length > 0;
    await eventually('Prometheus misses the run', isGone);
    summary = readSummary(out);
    ledger = lastLedgerRows(out);
  });
  afterAll(() => prometheus.stop());

  async function increase(label: string): Promise<ReadonlyMap<string, number>> {
    const series = await prometheus.query(
      `sum by (${label}) (increase(pennygrad_cost_usd_total{job="pennygrad"}[2m]))`,
    );
    return new Map(series.map(({ metric, values }) => [metric[label] ?? '', values.at(-1)?.value ?? Number.NaN]));
  }
  const within = (known: number | undefined, told: number) =>
    told === 0 ? known === 0 : Math.abs((known ?? Number.NaN) / told - 1) < 0.01;

  it('waited for the last scrape after the summary was printed', () => {
    expect(exit.code).toBe(5);
    expect(exit.stdout).toMatch(/files of this run: .*\nwaiting up to \d s for the next scrape of \/metrics/);
    expect(summary.cost_usd_total).toBeGreaterThan(40);
  });

  it('is what summary.json and ledger.jsonl say, by worker, within 1 %', async () => {
    const known = await increase('worker');
    expect([...known.keys()].sort()).toEqual(['w0', 'w1']);
    for (const { worker_id, cost_usd } of summary.workers) {
      const [told, line] = [known.get(worker_id), ledger.get(worker_id)?.cost_usd ?? Number.NaN];
      expect(within(told, cost_usd), `${told} of ${cost_usd}`).toBe(true);
      expect(within(told, line), `${told} of ${line}`).toBe(true);
    }
  });

  it('and so it is by category', async () => {
    const known = await increase('category');
    const totals = (accounts: readonly Readonly<Record<string, number>>[]) =>
      [...known.keys()].map(
        (name) => [name, accounts.reduce((sum, usd) => sum + (usd[name] ?? Number.NaN), 0)] as const,
      );
    for (const accounts of [
      summary.workers.map(({ cost_usd_by_category: usd }) => usd),
      [...ledger.values()].map(({ usd }) => usd),
    ]) {
      expect(known.size).toBe(Object.keys(accounts[0] ?? {}).length);
      for (const [name, told] of totals(accounts)) {
        expect(within(known.get(name), told), `${name}: ${known.get(name)} of ${told}`).toBe(true);
      }
    }
  });

  it('because the first scrape saw 0 and the last one the end', async () => {
    const series: readonly Series[] = await prometheus.query('pennygrad_cost_usd_total{job="pennygrad"}[2m]');
    expect(series.length).toBe(18);
    for (const { metric, values } of series) {
      expect(values[0]?.value).toBe(0);
      const { worker = '', category = '' } = metric;
      expect(values.at(-1)?.value).toBeCloseTo(ledger.get(worker)?.usd[category] ?? Number.NaN, 9);
    }
  });
});

/** What somebody is told who opens the live page now. */
async function firstState(events: URL): Promise<unknown> {
  const response = await fetch(events);
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const data = text.match(/^event: state\ndata: (.*)\n\n/m)?.[1];
    if (data !== undefined) return JSON.parse(data);
  }
  return undefined;
}

describe('the wait for the last scrape', () => {
  it('comes after the summary, with everything still served, and Ctrl-C ends it with the exit code of the run', async () => {
    const run = start([
      ...[
        'train',
        '--dataset',
        writeIdxFolder(2_000, 200),
        '--model',
        'softmax',
        '--workers',
        '1',
        '--epochs',
        '99999',
      ],
      ...['--price', '3600', '--budget-usd', '6', '--metrics-port', '0', '--json'],
    ]);
    const [, url = ''] = await run.waitFor(/metrics at (http:[^\s"]+)/);
    const scrape = () => fetch(url).then((response) => response.text());
    // Another will be due so long after the end that nobody need hurry: the time between these two is what the run waits.
    await scrape();
    await sleep(5_000);
    await scrape();
    await run.waitFor(/waiting up to \d+ s for the next scrape/);
    const lines = run.output().split('\n');
    const [summary, waiting] = lines.filter((line) => line.startsWith('{')).slice(-2);
    const told = JSON.parse(summary ?? '') as Summary;
    expect(told).toMatchObject({ event: 'summary', status: 'interrupted' });
    expect(JSON.parse(waiting ?? '')).toMatchObject({ event: 'log', line: expect.stringMatching(/^waiting/) });
    expect(await (await fetch(new URL('/healthz', url))).json()).toMatchObject({ status: 'ended' });
    expect(await firstState(new URL('/events', url))).toMatchObject({
      stage: { name: 'interrupted' },
      cost: { usd: expect.closeTo(told.cost_usd_total, 9) },
    });
    run.child.kill('SIGINT');
    const { code } = await run.exit;
    expect(code).toBe(5);
  });
});
