/** A real run, watched by the real Prometheus and left with the real Pushgateway: what they know of it is what it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dashboards } from '../../../deploy/grafana/dashboards/dashboards.ts';
import type { Panel } from '../../../deploy/grafana/dashboards/panel.ts';
import { statusQuery } from '../../../deploy/grafana/dashboards/run-status.ts';
import { startMetricsServer } from '../../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { createMetrics } from '../../../src/coordinator/metrics/metrics.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';
import type { Summary } from '../../../src/economics/record/summary.ts';
import { allChosen, asked, askedStatus, statusesIn } from '../../support/dashboard-query.ts';
import { eventually } from '../../support/eventually.ts';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { lastLedgerRows } from '../../support/ledger-lines.ts';
import { idleStream } from '../../support/live-run.ts';
import { needs } from '../../support/machine-parts.ts';
import { type Prometheus, type Series, startPrometheus, startPushgateway } from '../../support/monitoring.ts';
import { observedRun, observeShortRun } from '../../support/observed-run.ts';
import { killAll, start } from '../../support/pennygrad.ts';
import { readSummary } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { describe } = await needs('prometheus', 'pushgateway');

/** Evaluated as often as this test scrapes. */
const rules = ['recording.yml', 'alerts.yml'].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../../deploy/prometheus/rules/${name}`, import.meta.url)), 'utf8').replace(
    'interval: 5s',
    'interval: 1s',
  ),
);
const out = join(temporaryFolder(), 'run');
const closing: (() => Promise<void>)[] = [];
const killedOut = join(temporaryFolder(), 'killed');
const price = 0.36;
/** So many that a fast machine, too, is scraped often enough while they last. */
const epochs = 6;
let prometheus: Prometheus;
let summary: Summary;
/** Unix seconds at which the run was over. */
let ended: number;
/** The run that is killed meanwhile; its workers have the same names. */
let killedId: string;
/** Unix seconds at which both runs were training, and at which the killed one was missed. */
let bothTraining: number;
let oneKilled: number;

async function statuses(job = 'pennygrad', time?: number) {
  return statusesIn(await prometheus.query(askedStatus('1s', job), time));
}

/**
 * Both train, and were scraped so often that there are rates, with their workers; the small one has finished an epoch.
 * What is there for 3 s before any time is there for 4 s before a time of the panels' queries, a second apart.
 */
async function areBothTraining(runId: string): Promise<boolean> {
  const training = await prometheus.query('rate(pennygrad_steps_total{job="pennygrad"}[3s]) > 0');
  const working = await prometheus.query('rate(pennygrad_worker_samples_total{run_id!=""}[3s]) > 0');
  const epochs = await prometheus.query(`pennygrad_last_epoch_cost_usd{run_id="${killedId}"}`);
  const ids = new Set(training.map(({ metric }) => metric.run_id));
  return ids.has(runId) && ids.has(killedId) && working.length === 4 && epochs.length > 0;
}

async function runIdAt(host: string): Promise<string> {
  const [, id = ''] =
    (await (await fetch(`http://${host}/metrics`)).text()).match(/pennygrad_run_info\{.*run_id="([^"]+)"/) ?? [];
  return id;
}

async function observeSynthetic(runId: string, ...events: readonly RunEvent[]) {
  const metrics = createMetrics({ ...observedRun, runId });
  for (const event of events) metrics.observe(event);
  return startMetricsServer({ port: 0, host: '127.0.0.1', metrics, live: idleStream() });
}

beforeAll(async () => {
  const gateway = await startPushgateway();
  // A run with GPUs that never was, for what this machine has none of.
  const synthetic = await startMetricsServer({
    port: 0,
    host: '127.0.0.1',
    metrics: observeShortRun(),
    live: idleStream(),
  });
  const starting = await observeSynthetic('r2');
  const failed = await observeSynthetic('r3', { type: 'ended', status: 'failed', code: 'diverged' });
  const killed = start([
    ...['train', '--dataset', writeIdxFolder(2_000, 100), '--model', 'softmax', '--epochs', '99999'],
    ...['--price', '7.2', '--budget-usd', '100', '--verbose', '--out', killedOut],
    ...['--metrics-port', '0', '--worker-metrics', '0'],
  ]);
  const run = start([
    ...['train', '--model', 'mlp', '--epochs', String(epochs), '--price', String(price), '--verbose', '--out', out],
    ...['--metrics-port', '0', '--worker-metrics', '0', '--pushgateway', gateway.url],
  ]);
  const endpoints = async (started: typeof run) => {
    const urls = await Promise.all([
      started.waitFor(/metrics at (http:\S+)/),
      started.waitFor(/\[w0\] metrics of this worker at (http:\S+)/),
      started.waitFor(/\[w1\] metrics of this worker at (http:\S+)/),
    ]);
    const [coordinator = '', ...workers] = urls.map(([, url = '']) => new URL(url).host);
    return { coordinator, workers };
  };
  const [ofRun, ofKilled] = await Promise.all([endpoints(run), endpoints(killed)]);
  prometheus = await startPrometheus(
    [
      { job: 'pennygrad', targets: [ofRun.coordinator, ofKilled.coordinator] },
      { job: 'pennygrad-worker', targets: [...ofRun.workers, ...ofKilled.workers] },
      { job: 'pushed', targets: [new URL(gateway.url).host], honorLabels: true },
      { job: 'synthetic', targets: [synthetic, starting, failed].map(({ port }) => `127.0.0.1:${port}`) },
    ],
    rules,
  );
  closing.push(gateway.stop, synthetic.close, starting.close, failed.close, prometheus.stop);
  killedId = await runIdAt(ofKilled.coordinator);
  const runId = await runIdAt(ofRun.coordinator);
  await eventually('both runs train, and one has finished an epoch', () => areBothTraining(runId));
  bothTraining = Date.now() / 1000;
  killed.child.kill('SIGKILL');
  await eventually('the killed run is missed', async () => (await statuses())[killedId] === 'gone');
  oneKilled = Date.now() / 1000;
  const { code, stderr } = await run.exit;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  ended = Date.now() / 1000;
  summary = readSummary(out);
  // What was pushed has to be scraped, and the rules to be evaluated after that.
  await eventually(
    'the end of the run is scraped and recorded',
    async () => {
      const [ending] = await prometheus.query(`pennygrad_run_ended{status="completed", ${pushed()}}[5m]`);
      const recorded = await prometheus.query(`timestamp(run_id:pennygrad_cost_usd:sum{run_id="${summary.run_id}"})`);
      const since = ending?.values[0]?.time;
      return since !== undefined && recorded.length > 0 && lastOf(recorded) > since;
    },
    30_000,
  );
}, 180_000);
afterAll(async () => {
  killAll();
  await Promise.all(closing.map((close) => close()));
});

const lastOf = ([series]: readonly Series[]) => series?.values.at(-1)?.value ?? Number.NaN;
const sum = (series: readonly Series[]) => series.reduce((total, one) => total + lastOf([one]), 0);
const sumAt = (series: readonly Series[], scrape: number) =>
  series.reduce((total, { values }) => total + (values[scrape]?.value ?? Number.NaN), 0);
/** Matchers of the series as scraped from the run itself, and of those that it pushed. */
const scraped = () => `job="pennygrad", instance=~".+:.+", run_id="${summary.run_id}"`;
const pushed = () => `job="pennygrad", instance!~".+:.+", run_id="${summary.run_id}"`;

describe('the cost that Prometheus knows', () => {
  it.each([
    ['which the run pushed when it ended', pushed],
    ['which the run waited for somebody to scrape', scraped],
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
    const billed = await prometheus.query(`last_over_time(pennygrad_billed_usd_total{${scraped()}}[5m])`);
    expect(billed).toHaveLength(2);
    const spent = await prometheus.query(`last_over_time(pennygrad_worker_seconds_total{${scraped()}}[5m])`);
    for (const { worker_id, billed_usd, seconds_by_category } of summary.workers) {
      expect(lastOf(billed.filter(({ metric }) => metric.worker === worker_id))).toBeCloseTo(billed_usd, 9);
      for (const [category, seconds] of Object.entries(seconds_by_category)) {
        const known = spent.filter(({ metric }) => metric.worker === worker_id && metric.category === category);
        expect(lastOf(known), `${worker_id} ${category}`).toBeCloseTo(seconds, 6);
      }
    }
    const bills = await prometheus.query(`pennygrad_billed_usd_total{${scraped()}}[5m]`);
    for (const { values } of bills) {
      const sorted = values.map(({ value }) => value).sort((a, b) => a - b);
      expect(values.map(({ value }) => value)).toEqual(sorted);
    }
  });

  it('was foretold while it rose', async () => {
    // Halfway through, whatever the machine did meanwhile: no more than that can be asked of a pace.
    const [foretold] = await prometheus.query(`pennygrad_projected_cost_usd{${scraped()}}[5m]`);
    const values = foretold?.values.map(({ value }) => value) ?? [];
    const halfway = values[Math.floor(values.length / 2)] ?? Number.NaN;
    expect(halfway / summary.cost_usd_total).toBeGreaterThan(0.5);
    expect(halfway / summary.cost_usd_total).toBeLessThan(2);
    const [left] = await prometheus.query(`last_over_time(pennygrad_projected_remaining_seconds{${scraped()}}[5m])`);
    expect(left?.values.at(-1)?.value).toBe(0);
  });

  it('never fell, and rose by the price of the time', async () => {
    // Recorded as scraped: no extrapolation.
    const selector = `pennygrad_cost_usd_total{${scraped()}}`;
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
    const late = (2 * price * 2.5) / 3600;
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
    expect(lastOf(await prometheus.query(`pennygrad_steps_total{${pushed()}}`))).toBe(summary.steps);
    expect(lastOf(await prometheus.query(`pennygrad_samples_total{${pushed()}}`))).toBe(epochs * 60_000);
    expect(lastOf(await prometheus.query(`pennygrad_accuracy_ratio{split="test", ${pushed()}}`))).toBe(
      summary.test_accuracy,
    );
  });
});

describe("a worker's own endpoint", () => {
  it('tells what the worker did', async () => {
    const ofRun = `run_id="${summary.run_id}"`;
    const samples = await prometheus.query(`last_over_time(pennygrad_worker_samples_total{${ofRun}}[5m])`);
    expect(samples.map(({ metric }) => metric.worker).sort()).toEqual(['w0', 'w1']);
    expect(sum(samples)).toBeGreaterThan(0);
    expect(sum(samples)).toBeLessThanOrEqual(epochs * 60_000);
    const memory = await prometheus.query(
      `last_over_time(pennygrad_worker_memory_bytes{kind="resident", ${ofRun}}[5m])`,
    );
    for (const one of memory) expect(lastOf([one])).toBeGreaterThan(50e6);
    expect(await prometheus.query(`last_over_time(process_cpu_seconds_total{worker="w1", ${ofRun}}[5m])`)).toHaveLength(
      1,
    );
  });
});

describe('the rules', () => {
  it('are all evaluated without an error, and nothing alerted of the run that completed', async () => {
    const body = (await (await fetch(`${prometheus.url}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string }[] }[] };
    };
    const evaluated = body.data.groups.flatMap(({ rules: inGroup }) => inGroup);
    expect(evaluated).toHaveLength(20);
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    const firing = `ALERTS{alertstate="firing", run_id="${summary.run_id}"}`;
    expect(await prometheus.query(`last_over_time(${firing}[5m])`)).toEqual([]);
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

describe('the status on the dashboards', () => {
  it('tells runs that train from one that was killed and one that completed', async () => {
    const { run_id } = summary;
    expect(await statuses('pennygrad', bothTraining)).toEqual({ [run_id]: 'training', [killedId]: 'training' });
    expect(await statuses('pennygrad', oneKilled)).toEqual({ [run_id]: 'training', [killedId]: 'gone' });
    expect(await statuses()).toEqual({ [run_id]: 'completed', [killedId]: 'gone' });
  });

  it('knows a completed run by what a scrape saw, too, after its metrics have vanished', async () => {
    const ofScraped = statusQuery.replaceAll('job=~"$job"', scraped());
    const isMissed = async () => (await prometheus.query(`pennygrad_run_info{${scraped()}}`)).length === 0;
    await eventually('Prometheus misses the run', isMissed);
    const series = await prometheus.query(asked(ofScraped, '1s', ''));
    expect(statusesIn(series)).toEqual({ [summary.run_id]: 'completed' });
  });

  it('tells a run that starts from one that trains and one that failed', async () => {
    expect(await statuses('synthetic')).toEqual({ r1: 'training', r2: 'starting', r3: 'failed' });
  });
});

describe.each(dashboards)('the dashboard "$title"', ({ rows }) => {
  const panels = rows.flatMap((row) => row.panels);
  const queries = panels.flatMap((panel) => panel.queries.map((query) => ({ ...panel, ...query })));
  const runsOf = (needs: Panel['needs']) => (needs === 'gpu' ? ['r1'] : [summary.run_id, killedId]);
  const jobOf = (needs: Panel['needs']) => (needs === 'gpu' ? 'synthetic' : 'pennygrad');

  it.each(queries)('$title: $legend', async ({ kind, needs, sumOfRuns, expr, legend }) => {
    const ask = async (run: string) => {
      const query = asked(expr, '1s', jobOf(needs), run);
      const series = await prometheus.queryRange(query, ended - summary.train_seconds - 10, ended + 5, 1);
      // Prometheus adds in any order: the last digit varies.
      const rounded = (values: Series['values']) =>
        values
          .filter(({ value }) => !Number.isNaN(value))
          .map(({ time, value }) => ({ time, value: Number(value.toPrecision(12)) }));
      return new Map(series.map(({ metric, values }) => [JSON.stringify(metric), rounded(values)]));
    };
    const [together, ...each] = await Promise.all([ask(allChosen), ...runsOf(needs).map(ask)]);
    const series = [...(together ?? [])].map(([labels, values]) => ({ metric: JSON.parse(labels), values }));
    // A share of none is no number. The unit tests of the metrics have runs that were interrupted.
    if (needs === 'interruption') return expect([...(together?.keys() ?? [])]).toHaveLength(2);
    expect(series.flatMap(({ values }) => values).length).toBeGreaterThan(0);
    if (sumOfRuns) return expectSums(series, each);

    // With all runs chosen, each has the series that it has alone.
    const alone = new Map(each.flatMap((ofRun) => [...ofRun]));
    if (needs !== 'gpu') expect(together).toEqual(alone);
    for (const [index, run] of runsOf(needs).entries()) {
      const ofRun = series.filter(({ metric }) => metric.run_id === run);
      expect(ofRun).toHaveLength(each[index]?.size ?? Number.NaN);
      if (needs !== 'budget' || run === killedId) expect(ofRun.length, run).toBeGreaterThan(0);
      if (legend.includes('{{worker}}') && needs !== 'gpu') {
        expect(new Set(ofRun.map(({ metric }) => metric.worker)), run).toEqual(new Set(['w0', 'w1']));
      }
    }
    // What the legend names, the series have, and it tells them apart.
    for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
      for (const { metric } of series) expect(metric[label], label).toMatch(/./);
    }
    const names = series.map(({ metric }) => legend.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? ''));
    expect(new Set(names).size).toBe(series.length);
    // Pushed and gone: there is no present.
    if (kind === 'now') expect(await prometheus.query(asked(expr, '1s', jobOf(needs)))).toEqual([]);
  });

  /** At each time at which there is a sum, it is that of the runs. */
  function expectSums(
    series: readonly Pick<Series, 'values'>[],
    each: readonly ReadonlyMap<string, Series['values']>[],
  ): void {
    expect(series).toHaveLength(1);
    const sums = new Map<number, number>();
    for (const { time, value } of each.flatMap((ofRun) => [...ofRun.values()].flat())) {
      sums.set(time, (sums.get(time) ?? 0) + value);
    }
    const told = series.flatMap(({ values }) => values);
    expect(told).toHaveLength(sums.size);
    for (const { time, value } of told) expect(value).toBeCloseTo(sums.get(time) ?? Number.NaN, 9);
  }
});

it('the total of a run stays on the dashboards when it has ended, and is its cost', async () => {
  const [spent] = dashboards.flatMap(({ rows }) =>
    rows.flatMap(({ panels }) => panels.filter(({ title }) => title === 'Spent')),
  );
  const costs = await prometheus.query(asked(spent?.queries[0].expr ?? '', '1s', 'pennygrad'));
  expect(lastOf(costs.filter(({ metric }) => metric.run_id === summary.run_id))).toBeCloseTo(summary.cost_usd_total, 9);
  expect(lastOf(costs.filter(({ metric }) => metric.run_id === killedId))).toBeGreaterThan(0);
  expect(costs).toHaveLength(2);
});
