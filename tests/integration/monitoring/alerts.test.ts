/**
 * Alerts of real runs, by the real Prometheus: what each is about is done to a run, and it fires; nothing else does. The
 * seconds from the deed until it fired are printed.
 *
 * Alerts about a moment are watched with the rules and intervals as shipped. For those about a state that lasts minutes,
 * another Prometheus scrapes every second, and in its rules each minute is five seconds.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { needs } from '../../support/machine-parts.ts';
import { type Prometheus, type Served, startPrometheus, startPushgateway } from '../../support/monitoring.ts';
import { childrenOf, killAll, type Running, start } from '../../support/pennygrad.ts';
import { readJsonLines } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { describe } = await needs('prometheus', 'pushgateway');

const shipped = ['recording.yml', 'alerts.yml'].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../../deploy/prometheus/rules/${name}`, import.meta.url)), 'utf8'),
);
const minutesAsFiveSeconds = shipped.map((text) =>
  text
    .replace(/(\[|offset |for: )(\d+)m\b/g, (_, before: string, minutes: string) => `${before}${5 * Number(minutes)}s`)
    .replaceAll('interval: 5s', 'interval: 1s'),
);

/** What happens in the whole file, by run: every alert that is to fire, and no other does. */
const expected = {
  completes: [],
  'is interrupted': [],
  'is killed': ['RunVanished'],
  freezes: ['RunVanished'],
  'loses a worker': ['RunFailed', 'WorkerDown'],
  diverges: ['LossNotFinite', 'RunFailed'],
  'reaches its budget': ['BudgetNear', 'BudgetReached'],
  'is billed its budget': ['BudgetNear', 'BudgetReached'],
  'runs out of hours': ['BudgetReached'],
  'cannot save': ['CheckpointFailing'],
  'waits for a worker': ['Stalled'],
  'trains side by side': ['BudgetWillNotSuffice'],
  'has a slow worker': ['EfficiencyLow', 'PriceMissing', 'Straggler'],
  'shuffles more than it computes': ['DataStarved'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type Name = keyof typeof expected;
const slow: readonly Name[] = [
  'waits for a worker',
  'trains side by side',
  'has a slow worker',
  'shuffles more than it computes',
];

interface WatchedRun {
  readonly job: Running;
  readonly id: string;
  readonly prometheus: Prometheus;
}

const folder = temporaryFolder();
const small = writeIdxFolder(2_000, 200);
const ports = new Map<Name, number>();
const runs = new Map<Name, WatchedRun>();
/** Unix time in seconds at which something was done to a run: that it was started, at first. */
const deeds = new Map<Name, number>();
const table: { alert: string; run: string; seconds: number; rules: string }[] = [];
const closing: Served[] = [];
let asShipped: Prometheus;
let quick: Prometheus;
let gateway: Served;

/** An alert follows its cause within 90 s; on a machine that does much else, scrapes fail and conditions begin anew. */
const patienceMs = 200_000;

const unixSeconds = () => Date.now() / 1000;
const outOf = (name: Name) => join(folder, name);

/** Starts a run. It is watched from its beginning. */
async function begin(name: Name, args: readonly string[], dataset = small): Promise<WatchedRun> {
  const port = ports.get(name);
  const given = ['--dataset', dataset, '--metrics-port', String(port), '--out', outOf(name), '--timeout', '600'];
  deeds.set(name, unixSeconds());
  const job = start([...args, ...given]);
  await job.waitFor(/metrics at (http:\S+)/);
  const { run_id: id } = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as { run_id: string };
  const run = { job, id, prometheus: slow.includes(name) ? quick : asShipped };
  runs.set(name, run);
  return run;
}

function runOf(name: Name): WatchedRun {
  const run = runs.get(name);
  if (run === undefined) throw new Error(`no run that ${name}`);
  return run;
}

/** Waits until a run trains, and has been scraped so often that it would wait for a scrape of its end. */
async function training(name: Name): Promise<number> {
  const { id, job, prometheus } = runOf(name);
  const isScraped = async () =>
    (await prometheus.query(`count_over_time(pennygrad_run_info{run_id="${id}"}[5m]) > 1`)).length > 0 &&
    (await prometheus.query(`pennygrad_steps_total{run_id="${id}"} > 0`)).length > 0;
  await eventually(`the run that ${name} is scraped while it trains`, isScraped, patienceMs);
  return job.child.pid ?? 0;
}

function kill(name: Name, pid: number, signal: NodeJS.Signals): void {
  deeds.set(name, unixSeconds());
  process.kill(pid, signal);
}

/** Waits until an alert of a run fires, and notes how long after the deed that was. @returns the workers that it names */
async function fires(alert: string, name: Name): Promise<readonly (string | undefined)[]> {
  const { id, prometheus } = runOf(name);
  const query = `ALERTS{alertname="${alert}", alertstate="firing", run_id="${id}"}[10m]`;
  let found = await prometheus.query(query);
  const isFiring = async () => {
    found = await prometheus.query(query);
    return found.length > 0;
  };
  await eventually(`${alert} of the run that ${name}`, isFiring, patienceMs);
  const first = Math.min(...found.map(({ values }) => values[0]?.time ?? Number.NaN));
  const rules = prometheus === quick ? 'a minute is 5 s' : 'as shipped';
  table.push({ alert, run: name, seconds: Math.round(first - (deeds.get(name) ?? Number.NaN)), rules });
  return found.map(({ metric }) => metric.worker).sort();
}

/** When a run had spent so much, by its ledger. */
function spentAt(name: Name, usd: number): number {
  const spent = new Map<unknown, number>();
  for (const { worker, time, cost_usd } of readJsonLines(join(outOf(name), 'ledger.jsonl'))) {
    spent.set(worker, Number(cost_usd));
    if ([...spent.values()].reduce((sum, one) => sum + one, 0) >= usd) return Date.parse(String(time)) / 1000;
  }
  return Number.NaN;
}

/** When a run's accounts were closed. */
function endedAt(name: Name): number {
  return Date.parse(String(readJsonLines(join(outOf(name), 'ledger.jsonl')).at(-1)?.time)) / 1000;
}

beforeAll(async () => {
  for (const name of Object.keys(expected) as Name[]) ports.set(name, await freePort());
  const targets = (isSlow: boolean) =>
    [...ports].filter(([name]) => slow.includes(name) === isSlow).map(([, port]) => `127.0.0.1:${port}`);
  gateway = await startPushgateway();
  asShipped = await startPrometheus(
    [
      { job: 'pennygrad', targets: targets(false) },
      { job: 'pushgateway', targets: [new URL(gateway.url).host], honorLabels: true },
    ],
    shipped,
    '5s',
  );
  quick = await startPrometheus([{ job: 'pennygrad', targets: targets(true) }], minutesAsFiveSeconds);
  closing.push(gateway, asShipped, quick);
});
afterAll(async () => {
  killAll();
  await Promise.all(closing.map(({ stop }) => stop()));
  console.table(table);
});

describe('the alerts', { timeout: 2 * patienceMs }, () => {
  const endless = ['train', '--epochs', '99999'];
  const softmax = [...endless, '--model', 'softmax'];
  // Workers that sleep most of the time: the run lasts, and leaves the processor to others.
  const light = [...softmax, '--worker', 'duty=0.02,count=2'];
  const table = join(folder, 'prices.yaml');
  writeFileSync(table, '- {gpu: T4, provider: RunPod, usd_per_hour: 3600, date: 2020-01, pricing: spot}\n');
  const billed = ['--prices', table, '--worker', 'gpu=runpod/t4/spot,duty=0.02'];

  async function beginSlow(): Promise<void> {
    const slower = ['--worker', 'duty=0.02', '--worker', 'count=2', '--balance', 'off', '--price', 'none'];
    // Each worker orders all of the samples, and a pixel in two classes is learned nearly as fast, by four workers at once.
    const tiny = writeIdxFolder(60_000, 20, 1, 2);
    await Promise.all([
      begin('trains side by side', [...endless, '--price', '1', '--budget-usd', '1']),
      begin('has a slow worker', [...endless, ...slower]),
      begin('shuffles more than it computes', [...softmax, '--batch-size', '60000', '--workers', '4'], tiny),
    ]);
  }

  it('stay silent for a run that completes, while others are killed, freeze, and wait', async () => {
    const [completes] = await Promise.all([
      begin('completes', ['train', '--model', 'softmax', '--epochs', '30']),
      begin('is interrupted', light),
      begin('is killed', light),
      begin('freezes', light),
      begin('waits for a worker', ['coordinator', '--workers', '2', '--bind', 'tcp://127.0.0.1:*']),
      // Two dollars a second.
      begin('reaches its budget', [...light, '--price', '3600', '--budget-usd', '130']),
      // A dollar a second. It stops some seconds before its bill reaches the budget, more of them on a busy machine; a fifth
      // of the budget is left for a scrape and an evaluation before that.
      begin('is billed its budget', [...softmax, ...billed, '--budget-usd', '90', '--budget-basis', 'billed']),
      begin('runs out of hours', [...softmax, '--worker', 'duty=0.02', '--price', '1', '--budget-hours', '0.01']),
    ]);
    const [, endpoint = ''] = await runOf('waits for a worker').job.waitFor(/--connect (tcp:\S+)/);
    start(['worker', '--connect', endpoint, '--id', 'early', '--dataset', small]);
    kill('is interrupted', await training('is interrupted'), 'SIGINT');
    kill('is killed', await training('is killed'), 'SIGKILL');
    kill('freezes', await training('freezes'), 'SIGSTOP');
    expect((await completes.job.exit).code).toBe(0);
    expect((await runOf('is interrupted').job.exit).code).toBe(130);
  });

  it('name a worker that is lost, and no other, and the run that fails of it', async () => {
    await begin('loses a worker', [...light, '--on-loss', 'fail']);
    const pid = await training('loses a worker');
    kill('loses a worker', childrenOf(pid)[1] ?? 0, 'SIGKILL');
    const [, worker] = await runOf('loses a worker').job.waitFor(/worker (w[01]) .*killed by SIGKILL/);
    expect(await fires('WorkerDown', 'loses a worker')).toEqual([worker]);
    await fires('RunFailed', 'loses a worker');
  });

  it('say that a budget is nearly spent, and when it is', async () => {
    const name = 'reaches its budget';
    const { job } = runOf(name);
    expect((await job.exit).code).toBe(5);
    deeds.set(name, spentAt(name, 0.8 * 130));
    await fires('BudgetNear', name);
    deeds.set(name, endedAt(name));
    await fires('BudgetReached', name);
  });

  it.each(['is billed its budget', 'runs out of hours'] as const)('say it of a run that %s', async (name) => {
    expect((await runOf(name).job.exit).code).toBe(5);
    deeds.set(name, endedAt(name));
    await fires('BudgetReached', name);
  });

  it('fire for a run that cannot write its checkpoints, until it can', async () => {
    // The next but one test waits for their alerts, which take most of a minute.
    const beginning = beginSlow();
    const name = 'cannot save';
    const { job, id, prometheus } = await begin(name, light);
    const pid = await training(name);
    const checkpoints = join(outOf(name), 'checkpoints');
    deeds.set(name, unixSeconds());
    renameSync(checkpoints, `${checkpoints}-away`);
    // What is called so now is no folder, not even for root.
    writeFileSync(checkpoints, '');
    await fires('CheckpointFailing', name);
    rmSync(checkpoints);
    renameSync(`${checkpoints}-away`, checkpoints);
    const isOver = async () =>
      (await prometheus.query(`ALERTS{alertname="CheckpointFailing", run_id="${id}"}`)).length === 0;
    await eventually('the alert is over', isOver, patienceMs);
    process.kill(pid, 'SIGINT');
    expect((await job.exit).code).toBe(130);
    await beginning;
  });

  it('fire for a run that diverges before anybody scrapes it, from what it pushes', async () => {
    const diverging = ['train', '--optimizer', 'sgd', '--lr', '1e30', '--pushgateway', gateway.url];
    const { job } = await begin('diverges', diverging);
    expect((await job.exit).code).toBe(3);
    deeds.set('diverges', spentAt('diverges', 0));
    await fires('LossNotFinite', 'diverges');
    await fires('RunFailed', 'diverges');
  });

  it('name a slower worker and not one of two alike, low efficiency, missing prices, a short budget and starved data', async () => {
    expect(await fires('PriceMissing', 'has a slow worker')).toEqual(['w0', 'w1', 'w2']);
    expect(await fires('Straggler', 'has a slow worker')).toEqual(['w0']);
    await fires('EfficiencyLow', 'has a slow worker');
    await fires('BudgetWillNotSuffice', 'trains side by side');
    await fires('DataStarved', 'shuffles more than it computes');
  });

  it('fire for a run that was killed, one that froze, and one whose worker waits for another', async () => {
    await fires('RunVanished', 'is killed');
    await fires('RunVanished', 'freezes');
    await fires('Stalled', 'waits for a worker');
  });

  it.each(Object.entries(expected) as [Name, readonly string[]][])(
    'no others fired for the run that %s',
    async (name, alerts) => {
      const { id, prometheus } = runOf(name);
      const all = await prometheus.query(`count_over_time(ALERTS{alertstate="firing", run_id="${id}"}[10m])`);
      expect([...new Set(all.map(({ metric }) => metric.alertname))].sort()).toEqual(alerts);
    },
  );
});
