/** Runs tell a Prometheus by files where they are: the shipped configuration with the real Prometheus, and real ends. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { needs } from '../../support/machine-parts.ts';
import { startConfiguredPrometheus } from '../../support/monitoring.ts';
import { killAll, type Running, run, start } from '../../support/pennygrad.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { it } = await needs('prometheus');
afterAll(killAll);

const deployed = join(temporaryFolder(), 'prometheus');
const targets = join(deployed, 'targets');
const dataset = writeIdxFolder(640, 20);
const common = ['--dataset', dataset, '--model', 'softmax', '--prometheus-targets', targets];
const endless = ['train', ...common, '--workers', '1', '--metrics-port', '0', '--epochs', '99999'];

const files = () => readdirSync(targets).filter((name) => name.endsWith('.json'));

async function addressOf(job: Running): Promise<string> {
  const [, address = ''] = await job.waitFor(/metrics at http:\/\/([\d.]+:\d+)\/metrics/);
  return address;
}

it('two runs on a host are found and forgotten, and what a killed one leaves the next run removes', async () => {
  cpSync(fileURLToPath(new URL('../../../deploy/prometheus', import.meta.url)), deployed, { recursive: true });
  const config = join(deployed, 'prometheus.yml');
  writeFileSync(config, readFileSync(config, 'utf8').replace('scrape_interval: 5s', 'scrape_interval: 1s'));
  const prometheus = await startConfiguredPrometheus(config);
  const up = async () =>
    (await prometheus.query('up{job="pennygrad"} == 1')).map(({ metric }) => metric.instance).sort();
  try {
    const both = [start(endless), start(endless)];
    const addresses = (await Promise.all(both.map(addressOf))).sort();
    await eventually('Prometheus scrapes both', async () => String(await up()) === String(addresses));
    expect(files()).toHaveLength(2);
    // The labels of the file do not stick to what is scraped.
    const [series] = await prometheus.query('up{job="pennygrad"} == 1');
    expect(Object.keys(series?.metric ?? {}).sort()).toEqual(['__name__', 'instance', 'job']);

    for (const { child } of both) child.kill('SIGINT');
    expect((await Promise.all(both.map(({ exit }) => exit))).map(({ code }) => code)).toEqual([130, 130]);
    expect(files()).toEqual([]);
    await eventually('Prometheus has forgotten both', async () => (await up()).length === 0);

    const killed = start(endless);
    await addressOf(killed);
    killed.child.kill('SIGKILL');
    await killed.exit;
    const [left] = files();
    expect(left).toMatch(/^pennygrad-.*\.json$/);
    const sweep = ['--workers', '1', '--batch-size', '64', '--repeat', '1', '--steps', '3'];
    const next = await run(['sweep', ...common, ...sweep, '--out', join(temporaryFolder(), 'sweep')]);
    expect(next.code, next.stderr).toBe(0);
    expect(files()).toEqual([]);
  } finally {
    await prometheus.stop();
  }
}, 180_000);
