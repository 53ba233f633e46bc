import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { needs } from '../../support/machine-parts.ts';
import { type Series, startPrometheus, startPushgateway } from '../../support/monitoring.ts';
import { killAll, run, start } from '../../support/pennygrad.ts';
import { readSummary } from '../../support/run-folder.ts';
import { parseSamples } from '../../support/scrape.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const train = (...args: string[]) => run(['train', '--workers', '1', '--epochs', '1', '--metrics-port', '0', ...args]);

afterEach(killAll);

/** Those of docs/observability.md: the cost of each run, what was spent within a time, and the price an hour. */
const [, section = ''] = readFileSync(
  fileURLToPath(new URL('../../../docs/observability.md', import.meta.url)),
  'utf8',
).split('\n## Cost, from Prometheus\n');
const queries = [...section.matchAll(/```promql\n([^`]*)```/g)].map(([, query = '']) => query);

const lastValues = (series: readonly Series[]) => series.map(({ values }) => values.at(-1)?.value);

const withPushgateway = await needs('pushgateway');
withPushgateway.it('a run that diverges leaves word of it: the loss that no scrape could have seen', async () => {
  const gateway = await startPushgateway();
  onTestFinished(gateway.stop);
  const args = ['--dataset', writeIdxFolder(200, 50), '--model', 'mlp', '--optimizer', 'sgd', '--lr', '1e30'];
  expect((await train(...args, '--pushgateway', gateway.url)).code).toBe(3);
  const samples = [...parseSamples(await (await fetch(`${gateway.url}/metrics`)).text())];
  const sampleOf = (name: string, label: string) =>
    samples.find(([series]) => series.startsWith(`${name}{`) && series.includes(label))?.[1];
  expect(sampleOf('pennygrad_run_ended', 'status="failed"')).toBe(1);
  expect(sampleOf('pennygrad_loss', 'split="train"')).toBeNaN();
  // It found the loss and left: it is not lost.
  expect(sampleOf('pennygrad_worker_up', 'worker="w0"')).toBeUndefined();
});

it('a gateway that is not there takes nothing from the run but a warning', async () => {
  const args = ['--dataset', writeIdxFolder(200, 50), '--model', 'softmax', '--pushgateway', 'http://127.0.0.1:1'];
  const { code, stdout, stderr } = await train(...args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/test accuracy/);
  expect(stderr).toMatch(
    /warning: --pushgateway http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*; is a Pushgateway running there\?/,
  );
});

const withBoth = await needs('prometheus', 'pushgateway');
withBoth.it(
  'Prometheus adds up runs that share a port or a host, are resumed, or are both scraped and pushed',
  async () => {
    const folder = temporaryFolder();
    const gateway = await startPushgateway();
    const port = await freePort();
    const prometheus = await startPrometheus([
      { job: 'pennygrad', targets: [`127.0.0.1:${port}`] },
      { job: 'pushgateway', targets: [new URL(gateway.url).host], honorLabels: true },
    ]);
    onTestFinished(() => Promise.all([gateway.stop(), prometheus.stop()]).then(() => {}));
    const [costOfEach = '', spentWithin = '', perHour = ''] = queries;
    const valuesOf = async (query: string) =>
      new Map((await prometheus.query(query)).map(({ metric, values }) => [metric.run_id, values.at(-1)?.value]));
    // A dollar a second. The worker sleeps most of the time, and leaves the processor to others.
    const worker = ['--worker', 'duty=0.02', '--price', '3600'];
    const costly = ['train', ...worker, '--model', 'softmax', '--epochs', '99999'];
    const data = writeIdxFolder(2_000, 100);
    const begin = (name: string, usd: number, ...args: string[]) =>
      start([...costly, '--dataset', data, '--budget-usd', String(usd), '--out', join(folder, name), ...args]);
    const scraped = ['--metrics-port', String(port)];
    const pushed = ['--pushgateway', gateway.url];
    const end = async (run: ReturnType<typeof start>) => expect((await run.exit).code).toBe(5);
    const summaryOf = (name: string) => readSummary(join(folder, name));
    await eventually('Prometheus scrapes', async () => (await prometheus.query('up')).length > 1);

    await end(begin('resumed', 4, ...scraped, ...pushed));
    const { run_id: resumedId, cost_usd_total: before } = summaryOf('resumed');
    await eventually(
      'the push is scraped',
      async () => (await prometheus.query('pennygrad_run_ended')).length > 0,
      30_000,
    );
    const between = Date.now() / 1000;
    await Promise.all([
      end(begin('between', 4, ...scraped)),
      end(begin('only pushed', 3, '--metrics-port', '0', ...pushed)),
      end(begin('only pushed as well', 3, '--metrics-port', '0', ...pushed)),
    ]);
    const resumed = start(['train', '--resume', join(folder, 'resumed'), '--budget-usd', '16', ...scraped, ...pushed]);
    const isBurning = async () => (await valuesOf(perHour)).get(resumedId) === 3600;
    await eventually('the resumed run costs money by the hour', isBurning);
    expect(await valuesOf(perHour)).toEqual(new Map([[resumedId, 3600]]));
    await end(resumed);

    const runs = ['resumed', 'between', 'only pushed', 'only pushed as well'].map(summaryOf);
    const total = runs.reduce((sum, { cost_usd_total }) => sum + cost_usd_total, 0);
    const isGone = async () => (await prometheus.query('up{job="pennygrad"} == 0')).length > 0;
    await eventually('Prometheus misses the run', isGone);
    const costs = await valuesOf(costOfEach.replace('1d', '10m'));
    expect([...costs.keys()].sort()).toEqual(runs.map(({ run_id }) => run_id).sort());
    for (const { run_id, cost_usd_total } of runs) expect(costs.get(run_id)).toBeCloseTo(cost_usd_total, 9);
    const [all] = await prometheus.query(`sum(${costOfEach.replace('1d', '10m')})`);
    expect(all?.values[0]?.value).toBeCloseTo(total, 8);
    // Those that ended have been scraped once more, from the gateway: they cost nothing an hour, and no worker is up.
    expect(await prometheus.query(perHour)).toEqual([]);
    expect(await prometheus.query('pennygrad_worker_up')).toEqual([]);
    expect(lastValues(await prometheus.query('pennygrad_world_size'))).toEqual([0, 0, 0]);

    const asked = Date.now() / 1000;
    const within = spentWithin.replaceAll('1d', `${Math.ceil((asked - between) * 1000)}ms`).replace('90d', '10m');
    const [spent] = await prometheus.query(within, asked);
    expect(before).toBeGreaterThan(4);
    expect(spent?.values[0]?.value).toBeCloseTo(total - before, 8);
  },
);
