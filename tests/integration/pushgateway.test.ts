import { afterEach, expect, it, onTestFinished } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { startPushgateway } from '../support/monitoring.ts';
import { killAll, run } from '../support/pennygrad.ts';
import { parseSamples } from '../support/scrape.ts';

const train = (...args: string[]) => run(['train', '--workers', '1', '--epochs', '1', '--metrics-port', '0', ...args]);

afterEach(killAll);

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
  expect(sampleOf('pennygrad_worker_up', 'worker="w0"')).toBe(0);
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
