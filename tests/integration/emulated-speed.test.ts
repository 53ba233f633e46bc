/** A worker that stands for a slower one, in a process of its own. Its share is a measurement: it has the machine for itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run } from '../support/pennygrad.ts';
import { readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

describe('a worker that stands for a slower one', () => {
  it('gets less of a run whose shares follow speed, and every record says what it is', async () => {
    const out = join(temporaryFolder(), 'run');
    const { code, stdout, stderr } = await run([
      ...['train', '--dataset', writeIdxFolder(333, 60), '--backend', 'wasm', '--model', 'cnn', '--batch-size', '128'],
      ...['--worker', 'duty=0.25,id=slow', '--worker', 'id=fast', '--epochs', '999', '--steps', '60'],
      ...['--timeout', '60', '--out', out, '--metrics-port', '0'],
    ]);
    expect(stderr.replace(/.*share \d+ cores.*\n/, '')).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/worker slow, .*\), emulated at 25 % speed\n/);
    expect(stdout).toContain('Worker slow was emulated at 25 % speed');
    expect(stdout).not.toMatch(/fast.*emulated/);

    const summary = readSummary(out);
    expect(summary.workers.map((worker) => [worker.worker_id, worker.emulated_speed])).toEqual([
      ['fast', undefined],
      ['slow', 0.25],
    ]);
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(config.workers[0]).not.toHaveProperty('emulated_speed');
    expect(config.workers[1]).toMatchObject({ worker_id: 'slow', emulated_speed: 0.25 });

    // Four to one on idle cores; how close it gets on others, the scheduler decides.
    const shares = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'shares');
    const [fast = 0, slow = 0] = (shares.at(-1)?.shares ?? []) as readonly number[];
    expect(fast / slow).toBeGreaterThan(1.5);
    // Neither its waiting nor its share changes what it computes.
    expect(summary.replicas_identical).toBe(true);
  });
});
