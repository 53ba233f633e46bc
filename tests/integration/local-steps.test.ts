/** `--local-steps` with real processes: what a step of several updates comes to, and that it outlasts kills and resume. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, killAll, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, lastParameters, maxDifference, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Ten steps of eight updates an epoch, the last one with five. */
const dataset = writeIdxFolder(1_540, 100);
const settings = [
  'train',
  '--dataset',
  dataset,
  '--model',
  'mlp',
  '--backend',
  'wasm',
  '--batch-size',
  '20',
  '--seed',
  '7',
];
const common = [...settings, '--metrics-port', '0', '--price', '1'];

afterEach(killAll);

const newFolder = () => join(temporaryFolder(), 'run');

async function trained(...args: readonly string[]): Promise<string> {
  const out = newFolder();
  const { code, stderr } = await run([...common, ...args, '--out', out]);
  expect(code, stderr).toBe(0);
  return out;
}

/** What the newest checkpoint holds. */
function stateOf(out: string): readonly string[] {
  return ['weights.bin', 'optimizer.bin'].map((file) => sha256(readFileSync(join(lastCheckpoint(out), file))));
}

describe('local steps', () => {
  it('of one worker come to what as many steps do where the outer update only takes over its parameters', async () => {
    const local = await trained(
      '--workers',
      '1',
      '--epochs',
      '2',
      '--local-steps',
      '8',
      '--outer-lr',
      '1',
      '--outer-momentum',
      '0',
    );
    const plain = await trained('--workers', '1', '--epochs', '2');
    expect(readSummary(plain)).toMatchObject({ steps: 154, global_batch_size: 20 });
    expect(readSummary(local)).toMatchObject({ steps: 20, global_batch_size: 160, local_steps: 8 });
    expect(maxDifference(lastParameters(local), lastParameters(plain))).toBeLessThan(1e-4);
  });

  it('go on after a kill, with a worker that comes again, and count every sample once', async () => {
    const out = newFolder();
    const job = start([
      ...common,
      '--workers',
      '2:3',
      '--local-steps',
      '8',
      '--outer-lr',
      '0.7',
      '--outer-momentum',
      '0.9',
      '--epochs',
      '99999',
      '--out',
      out,
    ]);
    await job.waitFor(/epoch 1\b/i);
    process.kill(childrenOf(job.child.pid ?? 0)[1] as number, 'SIGKILL');
    await job.waitFor(/lost worker w\d: killed by SIGKILL/);
    await job.waitFor(/training goes on with w\d, w\d, w\d: /);
    job.child.kill('SIGINT');
    expect((await job.exit).code).toBe(130);
    expect(readSummary(out)).toMatchObject({ replicas_identical: true, local_steps: 8 });
    expect(await auditRun(out)).toMatchObject({ proved: true, problems: [] });
  });

  it('go on from a checkpoint as if nothing had been', async () => {
    const own = [
      '--workers',
      '1',
      '--epochs',
      '3',
      '--local-steps',
      '8',
      '--outer-lr',
      '0.5',
      '--outer-momentum',
      '0.5',
    ];
    const whole = await trained(...own);
    const out = await trained(...own, '--steps', '13');
    const resumed = await run(['train', '--resume', out, '--steps', '30']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(stateOf(out)).toEqual(stateOf(whole));

    const other = await run(['train', '--resume', out, '--local-steps', '4']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('--local-steps 4: a resumed run keeps its own (8)');
  });

  it.each([
    [['--outer-lr', '0.5'], '--outer-lr needs --local-steps 2 or more'],
    [['--outer-momentum', '0'], '--outer-momentum needs --local-steps 2 or more'],
    [['--local-steps', '2', '--outer-momentum', '1'], "--outer-momentum must be below 1, got '1'"],
    [['--local-steps', '0'], "--local-steps must be at least 1, got '0'"],
    [['--local-steps', '2', '--deterministic'], '--local-steps 2: --deterministic sums gradients after every update'],
    [
      ['--local-steps', '10000', '--batch-size', '500'],
      '--local-steps must be at most 2097 with --batch-size 500, got 10000',
    ],
  ])('%j is refused', async (args, problem) => {
    const { code, stderr } = await run([...settings.filter((arg) => arg !== '--batch-size' && arg !== '20'), ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
  });
});
