/** States that are too long for one message: 21 MiB, where a frame has 4. Whoever sends a longer one is disconnected. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, killAll, run, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const side = 120;
const images = 96;
/** Weights and biases of two dense layers: 128 units, then 10 classes. */
const parameters = (side * side + 1) * 128 + (128 + 1) * 10;

afterEach(killAll);

it('reach checkpoints, a worker that was killed and comes again, and the workers of a run that is resumed', async () => {
  const out = join(temporaryFolder(), 'run');
  const settings = [
    ...['--dataset', writeIdxFolder(images, 10, side), '--model', 'mlp', '--batch-size', '8', '--epochs', '99999'],
    ...['--backend', 'wasm', '--metrics-port', '0', '--price', '3.6', '--lr', '0.0001'],
  ];
  const job = start(['train', ...settings, '--workers', '1:2', '--out', out]);
  await job.waitFor(/epoch 1\b/i);
  const [worker = 0] = childrenOf(job.child.pid ?? 0);
  process.kill(worker, 'SIGKILL');
  await job.waitFor(/training goes on with w[01]: a worker is ready/);
  await job.waitFor(/training goes on with w0, w1: all 2 workers are ready/);
  process.kill(job.child.pid ?? 0, 'SIGINT');
  expect((await job.exit).code).toBe(130);
  const before = readSummary(out);
  // The worker that came again went on from the copy.
  expect(before).toMatchObject({ model: { parameters }, replicas_identical: true });

  const steps = before.steps + 3;
  expect((await run(['train', '--resume', out, '--steps', String(steps)])).code).toBe(0);
  expect(readSummary(out)).toMatchObject({ status: 'completed', steps, replicas_identical: true });
  expect(await auditRun(out)).toMatchObject({ proved: true, problems: [], steps });
});
