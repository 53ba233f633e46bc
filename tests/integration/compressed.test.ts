/** Runs whose gradients travel compressed, as real processes that are killed and go on. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { readLedgerRows } from '../support/ledger-lines.ts';
import { childrenOf, killAll, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** 400 steps an epoch. */
const folder = writeIdxFolder(19_990, 100);
const settings = [
  ...['--dataset', folder, '--model', 'softmax', '--batch-size', '50', '--seed', '7', '--metrics-port', '0'],
  ...['--backend', 'wasm', '--price', '36', '--epochs', '99999'],
];
/** The softmax model's parameters. */
const floats = 7850;

afterEach(killAll);

describe.each(['int8', 'topk:2'])('a run with --compress %s', (compress) => {
  it('goes on through the death of a worker and of its coordinator, and applies each sample once', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start([
      ...['train', ...settings, '--workers', '1:2', '--compress', compress, '--checkpoint-every', '50', '--out', out],
    ]);
    const reached = () => Math.max(0, ...readLedgerRows(out).map(({ step }) => step));
    await job.waitFor(/all-reduce mesh/);
    await eventually('steps of both', () => reached() > 60, 60_000);
    process.kill(childrenOf(job.child.pid ?? 0)[0] ?? 0, 'SIGKILL');
    await job.waitFor(/lost worker/);
    const lostAt = reached();
    await eventually('steps after the loss', () => reached() > lostAt + 60, 60_000);
    job.child.kill('SIGKILL');
    await job.exit;

    const other = await run(['train', '--resume', out, '--compress', 'bf16']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(`--compress bf16: a resumed run keeps its own (${compress})`);

    const steps = 400 * Math.ceil((reached() + 100) / 400);
    const resumed = await run(['train', '--resume', out, '--steps', String(steps)]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(readSummary(out)).toMatchObject({
      status: 'completed',
      steps,
      compression: compress,
      replicas_identical: true,
    });
    expect(await auditRun(out)).toMatchObject({ proved: true, problems: [], steps });

    const checkpoint = lastCheckpoint(out);
    const { optimizer } = JSON.parse(readFileSync(join(checkpoint, 'training.json'), 'utf8'));
    expect(optimizer).toMatchObject({ name: 'adam', compression: compress });
    // Two moments, and what has been left out so far.
    expect(statSync(join(checkpoint, 'optimizer.bin')).size).toBe(3 * floats * 4);
    const losses = readJsonLines(join(out, 'metrics.jsonl')).flatMap(({ type, loss }) =>
      type === 'step' ? [Number(loss)] : [],
    );
    const meanOf = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length;
    expect(meanOf(losses.slice(-50))).toBeLessThan(0.8 * meanOf(losses.slice(0, 10)));
  });
});
