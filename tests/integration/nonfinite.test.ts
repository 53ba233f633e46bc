/** Steps that are not finite, with real processes: what stops a run, and what is skipped. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { epochOrder } from '../../src/shared/core/sampling.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Eight steps an epoch. */
const trainCount = 400;
const batchSize = 50;
const folder = writeIdxFolder(trainCount, 50);
const settings = [
  ...['--dataset', folder, '--model', 'softmax', '--backend', 'cpu', '--deterministic', '--seed', '7'],
  ...['--batch-size', String(batchSize), '--epochs', '2', '--metrics-port', '0', '--price', '1'],
];
const orders = [0, 1].map((epoch) => epochOrder(7, epoch, trainCount));
/** In the third step of the first epoch. */
const poisoned = orders[0]?.[2 * batchSize + 20] as number;
const poisonedSteps = orders.map((order, epoch) => 8 * epoch + Math.floor(order.indexOf(poisoned) / batchSize) + 1);
const preloaded = pathToFileURL(fileURLToPath(new URL('../support/poisoned-engine.mjs', import.meta.url))).href;
const env = { NODE_OPTIONS: `--import=${preloaded}`, POISONED_IMAGE: String(poisoned) };

afterEach(killAll);

const weightsOf = (out: string) => sha256(readFileSync(join(lastCheckpoint(out), 'weights.bin')));

describe('a step that is not finite', () => {
  it('stops a run before it is applied; the checkpoint before is whole, and the run goes on from it', async () => {
    const out = join(temporaryFolder(), 'run');
    // What Adam holds is restored by the cpu engine within rounding only.
    const sgd = ['train', ...settings, '--optimizer', 'sgd', '--lr', '0.1'];
    const failed = await run([...sgd, '--workers', '2', '--checkpoint-every', '1', '--out', out], { env });
    expect(failed.code).toBe(3);
    const position = 2 * batchSize + 20;
    const found =
      /worker (w\d) \(rank (\d), .* became NaN at step 3, on positions (\d+) to (\d+) of epoch 1 \(training image/.exec(
        failed.stderr,
      );
    const [worker, rank, from, to] = found?.slice(1) ?? [];
    expect(worker, failed.stderr).toBe(`w${rank}`);
    expect(Number(from)).toBeLessThanOrEqual(position);
    expect(Number(to)).toBeGreaterThanOrEqual(position);
    expect(readdirSync(join(out, 'checkpoints'))).toContain('step-2');
    expect(readSummary(out)).toMatchObject({ status: 'failed', steps: 2 });
    // On engines that are in order.
    expect((await run(['train', '--resume', out, '--workers', '1'])).code).toBe(0);
    const whole = join(temporaryFolder(), 'whole');
    expect((await run([...sgd, '--workers', '1', '--out', whole])).code).toBe(0);
    expect(weightsOf(out)).toBe(weightsOf(whole));
  });

  it('is skipped by any number of workers alike, and stays skipped when the run is resumed', async () => {
    const whole = join(temporaryFolder(), 'whole');
    const skipping = ['train', ...settings, '--skip-nonfinite'];
    const alone = await run([...skipping, '--workers', '1', '--out', whole], { env });
    expect(alone.code, alone.stderr).toBe(0);
    expect(alone.stdout).toMatch(
      /step 3 was skipped: worker w0 \(rank 0\): the loss became NaN on positions 100 to 149 of/,
    );
    expect(alone.stdout).toContain('2 of 16 steps were skipped as not finite');

    const out = join(temporaryFolder(), 'run');
    expect((await run([...skipping, '--workers', '2', '--steps', '5', '--out', out], { env })).code).toBe(0);
    expect(readSummary(out)).toMatchObject({ steps: 5, skipped_steps: 1 });
    expect((await run(['train', '--resume', out, '--steps', '16'], { env })).code).toBe(0);
    for (const folder of [whole, out]) {
      expect(readSummary(folder)).toMatchObject({ steps: 16, skipped_steps: 2 });
      const lines = readJsonLines(join(folder, 'metrics.jsonl'));
      const skipped = lines.filter((line) => line.type === 'step' && line.skipped === true);
      expect(skipped.map(({ step, loss }) => [step, loss])).toEqual(poisonedSteps.map((step) => [step, null]));
      for (const { loss } of lines.filter(({ type }) => type === 'epoch')) expect(loss).toBeGreaterThan(0);
      const audit = await auditRun(folder);
      expect(audit).toMatchObject({ proved: true, skippedSteps: 2, skippedSamples: 2 * batchSize, problems: [] });
      expect(audit.epochs[0]).toMatchObject({ once: trainCount - batchSize, skipped: batchSize, missing: 0 });
    }
    expect(weightsOf(out)).toBe(weightsOf(whole));
  });

  it('again and again stops a run that skips', async () => {
    const out = join(temporaryFolder(), 'run');
    // Fifty steps an epoch: the test pass after it would find the divergence, too.
    const diverging = [
      '--dataset',
      folder,
      '--optimizer',
      'sgd',
      '--lr',
      '1e30',
      '--batch-size',
      '8',
      '--metrics-port',
      '0',
    ];
    const { code, stderr } = await run(['train', ...diverging, '--skip-nonfinite', '--out', out]);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /neither were the 16 before it, which --skip-nonfinite skipped: worker w\d .*; try a smaller --lr/,
    );
    expect(readSummary(out)).toMatchObject({ status: 'failed', skipped_steps: 16 });
  });
});
