/** A real run, watched by the real Prometheus and left with the real Pushgateway: what they know of it is what it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dashboards } from '../../deploy/grafana/dashboards/dashboards.ts';
import { startMetricsServer } from '../../src/coordinator/metrics/endpoint/metrics-server.ts';
import type { Summary } from '../../src/economics/record/summary.ts';
import { eventually } from '../support/eventually.ts';
import { lastLedgerRows } from '../support/ledger-lines.ts';
import { idleStream } from '../support/live-run.ts';
import { needs } from '../support/machine-parts.ts';
import { type Prometheus, type Series, startPrometheus, startPushgateway } from '../support/monitoring.ts';
import { observeShortRun } from '../support/observed-run.ts';
import { killAll, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { describe } = await needs('prometheus', 'pushgateway');

/** Evaluated as often as this test scrapes. */
const rules = ['recording.yml', 'alerts.yml'].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/prometheus/rules/${name}`, import.meta.url)), 'utf8').replace(
    'interval: 5s',
    'interval: 1s',
  ),
);
const out = join(temporaryFolder(), 'run');
const closing: (() => Promise<void>)[] = [];
const price = 0.36;
/** So many that a fast machine, too, is scraped often enough while they last. */
const epochs = 6;
let prometheus: Prometheus;
let summary: Summary;
/** Unix seconds at which the run was over. */
let ended: number;

beforeAll(async () => {
  const gateway = await startPushgateway();
  // A run with GPUs that never was, for what this machine has none of.
  const synthetic = await startMetricsServer({
    port: 0,
    host: '127.0.0.1',
    metrics: observeShortRun(),
    live: idleStream(),
  });
  const run = start([
    ...['train', '--model', 'mlp', '--epochs', String(epochs), '--price', String(price), '--verbose', '--out', out],
    ...['--metrics-port', '0', '--worker-metrics', '0', '--pushgateway', gateway.url],
  ]);
  const urls = await Promise.all([
    run.waitFor(/metrics at (http:\S+)/),
    run.waitFor(/\[w0\] metrics of this worker at (http:\S+)/),
    run.waitFor(/\[w1\] metrics of this worker at (http:\S+)/),
  ]);
  const [coordinator = '', ...workers] = urls.map(([, url = '']) => new URL(url).host);
  prometheus = await startPrometheus(
    [
      { job: 'pennygrad', targets: [coordinator] },
      { job: 'pennygrad-worker', targets: workers },
      { job: 'pushed', targets: [new URL(gateway.url).host], honorLabels: true },
      { job: 'synthetic', targets: [`127.0.0.1:${synthetic.port}`] },
    ],
    rules,
  );
  closing.push(gateway.stop, synthetic.close, prometheus.stop);
  const { code, stderr } = await run.exit;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  ended = Date.now() / 1000;
  summary = readSummary(out);
  // What was pushed has to be scraped, and the rules to be evaluated after that.
  await eventually(
    'the end of the run is scraped and recorded',
    async () => {
      const [ending] = await prometheus.query(`pennygrad_run_ended{status="completed", ${pushed}}[5m]`);
      const recorded = await prometheus.query(`timestamp(run_id:pennygrad_cost_usd:sum{run_id="${summary.run_id}"})`);
      const since = ending?.values[0]?.time;
      return since !== undefined && recorded.length > 0 && lastOf(recorded) > since;
    },
    30_000,
  );
}, 120_000);
afterAll(async () => {
  killAll();
  await Promise.all(closing.map((close) => close()));
});

const lastOf = ([series]: readonly Series[]) => series?.values.at(-1)?.value ?? Number.NaN;
const sum = (series: readonly Series[]) => series.reduce((total, one) => total + lastOf([one]), 0);
const sumAt = (series: readonly Series[], scrape: number) =>
  series.reduce((total, { values }) => total + (values[scrape]?.value ?? Number.NaN), 0);
/** Of the series as scraped from the run itself, not those that it pushed. */
const scraped = 'job="pennygrad", instance=~".+:.+"';
const pushed = 'job="pennygrad", instance!~".+:.+"';

describe('the cost that Prometheus knows', () => {
  it.each([
    ['which the run pushed when it ended', () => pushed],
    ['which the run waited for somebody to scrape', () => scraped],
  ])("is the summary's and the ledger's: the last value, %s", async (_, labels) => {
    const costs = await prometheus.query(`sum by (worker) (last_over_time(pennygrad_cost_usd_total{${labels()}}[5m]))`);
    expect(costs).toHaveLength(2);
    const ledger = lastLedgerRows(out);
    for (const { worker_id, cost_usd } of summary.workers) {
      const known = lastOf(costs.filter(({ metric }) => metric.worker === worker_id));
      expect(known).toBeCloseTo(cost_usd, 9);
      expect(known).toBeCloseTo(ledger.get(worker_id)?.cost_usd ?? Number.NaN, 9);
    }
    expect(sum(costs)).toBeCloseTo(summary.cost_usd_total, 9);
  });

  it("is billed as the summary and the ledger say, and the workers' time is the ledger's", async () => {
    const billed = await prometheus.query(`last_over_time(pennygrad_billed_usd_total{${scraped}}[5m])`);
    expect(billed).toHaveLength(2);
    const spent = await prometheus.query(`last_over_time(pennygrad_worker_seconds_total{${scraped}}[5m])`);
    for (const { worker_id, billed_usd, seconds_by_category } of summary.workers) {
      expect(lastOf(billed.filter(({ metric }) => metric.worker === worker_id))).toBeCloseTo(billed_usd, 9);
      for (const [category, seconds] of Object.entries(seconds_by_category)) {
        const known = spent.filter(({ metric }) => metric.worker === worker_id && metric.category === category);
        expect(lastOf(known), `${worker_id} ${category}`).toBeCloseTo(seconds, 6);
      }
    }
    const bills = await prometheus.query(`pennygrad_billed_usd_total{${scraped}}[5m]`);
    for (const { values } of bills) {
      const sorted = values.map(({ value }) => value).sort((a, b) => a - b);
      expect(values.map(({ value }) => value)).toEqual(sorted);
    }
  });

  it('was foretold while it rose', async () => {
    // Halfway through, whatever the machine did meanwhile: no more than that can be asked of a pace.
    const [foretold] = await prometheus.query(`pennygrad_projected_cost_usd{${scraped}}[5m]`);
    const values = foretold?.values.map(({ value }) => value) ?? [];
    const halfway = values[Math.floor(values.length / 2)] ?? Number.NaN;
    expect(halfway / summary.cost_usd_total).toBeGreaterThan(0.5);
    expect(halfway / summary.cost_usd_total).toBeLessThan(2);
    const [left] = await prometheus.query(`last_over_time(pennygrad_projected_remaining_seconds{${scraped}}[5m])`);
    expect(left?.values.at(-1)?.value).toBe(0);
  });

  it('never fell, and rose by the price of the time', async () => {
    // Recorded as scraped: no extrapolation.
    const selector = `pennygrad_cost_usd_total{${scraped}}`;
    const series = await prometheus.query(`${selector}[5m]`);
    for (const { values } of series) {
      for (const [index, { value }] of values.slice(1).entries()) {
        expect(value).toBeGreaterThanOrEqual(values[index]?.value ?? Number.NaN);
      }
    }
    const times = (series[0]?.values ?? []).map(({ time }) => time);
    const totals = times.map((time, index) => ({ time, total: sumAt(series, index) }));
    // Start-up is booked when it is over, and the last scrape waited for the end: what is between has a steady rate.
    const steady = totals.filter(({ total }) => total > 0).slice(0, -1);
    const [first, last] = [steady[0], steady.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no scrapes');
    const seconds = last.time - first.time;
    expect(seconds).toBeGreaterThan(3);
    // Costs are booked at commits and after test passes: a scrape may be short of the time since.
    const late = (2 * price * 1.5) / 3600;
    const owed = (2 * price * seconds) / 3600;
    expect(last.total - first.total).toBeGreaterThan(owed * 0.99 - late);
    expect(last.total - first.total).toBeLessThan(owed * 1.01 + late);

    // increase() extrapolates to the ends of its window, by half an interval at most: over a window between two scrapes
    // well inside the run that is exact for a steady rate.
    const window = Math.floor(seconds) - 2;
    const increase = sum(await prometheus.query(`increase(${selector}[${window}s])`, last.time - 0.5));
    const owedInWindow = (2 * price * window) / 3600;
    expect(increase).toBeGreaterThan(owedInWindow * 0.99 - late);
    expect(increase).toBeLessThan(owedInWindow * 1.01 + late);
  });

  it('and that of samples and steps are those of the run', async () => {
    expect(lastOf(await prometheus.query(`pennygrad_steps_total{${pushed}}`))).toBe(summary.steps);
    expect(lastOf(await prometheus.query(`pennygrad_samples_total{${pushed}}`))).toBe(epochs * 60_000);
    expect(lastOf(await prometheus.query(`pennygrad_accuracy_ratio{split="test", ${pushed}}`))).toBe(
      summary.test_accuracy,
    );
  });
});

describe("a worker's own endpoint", () => {
  it('tells what the worker did', async () => {
    const samples = await prometheus.query('last_over_time(pennygrad_worker_samples_total[5m])');
    expect(samples.map(({ metric }) => metric.worker).sort()).toEqual(['w0', 'w1']);
    expect(sum(samples)).toBeGreaterThan(0);
    expect(sum(samples)).toBeLessThanOrEqual(epochs * 60_000);
    const memory = await prometheus.query('last_over_time(pennygrad_worker_memory_bytes{kind="resident"}[5m])');
    for (const one of memory) expect(lastOf([one])).toBeGreaterThan(50e6);
    expect(await prometheus.query('last_over_time(process_cpu_seconds_total{worker="w1"}[5m])')).toHaveLength(1);
  });
});

describe('the rules', () => {
  it('are all evaluated without an error, and nothing alerted', async () => {
    const body = (await (await fetch(`${prometheus.url}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string }[] }[] };
    };
    const evaluated = body.data.groups.flatMap(({ rules: inGroup }) => inGroup);
    expect(evaluated).toHaveLength(19);
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(await prometheus.query('last_over_time(ALERTS{alertstate="firing", job="pennygrad"}[5m])')).toEqual([]);
  });

  it('record what the summary says', async () => {
    const recorded = await prometheus.query(
      `last_over_time(run_id:pennygrad_cost_usd:sum{run_id="${summary.run_id}"}[1m])`,
    );
    expect(Math.abs(lastOf(recorded) / summary.cost_usd_total - 1)).toBeLessThan(0.01);
    const perHour = await prometheus.query(
      `max_over_time(run_id:pennygrad_price_usd_per_hour:sum{run_id="${summary.run_id}"}[5m])`,
    );
    expect(lastOf(perHour)).toBeCloseTo(2 * price, 10);
  });
});

describe.each(dashboards)('the dashboard "$title"', ({ rows }) => {
  const panels = rows.flatMap((row) => row.panels);
  const queries = panels.flatMap(({ title, needs, queries: asked }) =>
    asked.map((query) => ({ title, needs, ...query })),
  );

  it.each(queries)('$title: $legend', async ({ needs, expr, legend }) => {
    const run = needs === 'gpu' ? { job: 'synthetic', id: 'r1' } : { job: 'pennygrad', id: summary.run_id };
    const query = expr.replaceAll('$job', run.job).replaceAll('$run', run.id).replaceAll('$__rate_interval', '4s');
    expect(query).not.toContain('$');
    const series = await prometheus.queryRange(query, ended - summary.train_seconds - 10, ended + 5, 1);
    const values = series.flatMap(({ values: all }) => all.filter(({ value }) => Number.isFinite(value)));
    expect(values.length).toBeGreaterThan(0);
    // What the legend names, the series have.
    for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
      for (const { metric } of series) expect(metric[label], label).toMatch(/./);
    }
    // Series that a viewer could not tell apart would be drawn as one.
    const names = series.map(
      ({ metric }) => `${metric.instance} ${legend.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '')}`,
    );
    expect(new Set(names).size).toBe(series.length);
  });
});
