/** Stragglers in real processes: found by what they compute, shown everywhere, dropped on request. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, killAll, type Running, run, start } from '../support/pennygrad.ts';
import { readJsonLines, readSummary } from '../support/run-folder.ts';
import { parseSamples, withoutRun } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const dataset = writeIdxFolder(2000, 100);

afterEach(killAll);

function train(...args: readonly string[]): { readonly out: string; readonly job: Running } {
  const out = join(temporaryFolder(), 'run');
  const job = start([
    ...['train', '--dataset', dataset, '--backend', 'wasm', '--model', 'cnn', '--batch-size', '64'],
    ...['--epochs', '9999', '--price', '0.35', '--metrics-port', '0', '--timeout', '60', '--out', out, ...args],
  ]);
  return { out, job };
}

/** The series of the metrics endpoint. */
async function openMetrics(job: Running): Promise<() => Promise<ReadonlyMap<string, number>>> {
  const [, url = ''] = await job.waitFor(/metrics at (http:\S+?\/metrics)/);
  return async () => withoutRun(parseSamples(await (await fetch(url)).text()));
}

describe('stragglers', () => {
  it('are found among equals, and dropped as far as the run can do without them; equal workers on a busy machine are none', async () => {
    // Only time that they compute is stretched, so waiting for the processor makes all alike. A hundredth of the speed is slow
    // on any machine: beside 20 busy processes a twentieth was down to a third of the others' speed, and nobody was dropped.
    const uneven = train(
      ...['--workers', '3:4', '--drop-stragglers', '2x', '--json'],
      ...['--worker', 'count=2', '--worker', 'duty=0.01,id=slow-a', '--worker', 'duty=0.01,id=slow-b'],
    );
    // Beside the other run, seven workers share the machine.
    const even = train('--workers', '3');
    const [metrics, evenMetrics] = [await openMetrics(uneven.job), await openMetrics(even.job)];

    const [, dropped = ''] = await uneven.job.waitFor(
      /worker (slow-[ab]) has left: in 8 of the last \d+ spans of 1 s or longer a sample took it at least \d/,
    );
    const kept = dropped === 'slow-a' ? 'slow-b' : 'slow-a';
    await uneven.job.waitFor(new RegExp(`worker ${kept} is not dropped: .*2 of at least 3 workers would be left`));
    // It left in order, so nobody starts it again.
    await eventually('its process is gone', () => childrenOf(uneven.job.child.pid ?? 0).length === 3);
    const series = await metrics();
    expect(series.get(`pennygrad_worker_straggler{worker="${kept}"}`)).toBe(1);
    expect(series.get(`pennygrad_worker_slowdown_ratio{worker="${kept}"}`)).toBeGreaterThan(1.5);
    expect(series.has(`pennygrad_worker_straggler{worker="${dropped}"}`)).toBe(false);
    expect(series.get('pennygrad_worker_straggler{worker="w0"}')).toBe(0);
    await eventually('its interruption is over', async () => {
      return (await metrics()).get('pennygrad_interruptions_total{reason="dropped"}') === 1;
    });

    const ofEven = await evenMetrics();
    for (const id of ['w0', 'w1', 'w2']) expect(ofEven.get(`pennygrad_worker_straggler{worker="${id}"}`)).toBe(0);
    expect(even.job.output()).not.toContain('straggler');

    for (const { job } of [uneven, even]) job.child.kill('SIGINT');
    const { code, stdout } = await uneven.job.exit;
    expect(code).toBe(130);
    const told = stdout.split('\n').filter((line) => line.startsWith('{"event":"straggler"'));
    expect(told.map((line) => JSON.parse(line)).slice(0, 2)).toMatchObject([
      { worker_id: expect.stringMatching(/^slow-/), is_straggler: true, slowdown: expect.any(Number) },
      { worker_id: expect.stringMatching(/^slow-/), is_straggler: true, slowdown: expect.any(Number) },
    ]);
    const summary = readSummary(uneven.out);
    expect(summary.departed_workers).toMatchObject([{ worker_id: dropped, left: 'dropped' }]);
    const interruptions = readJsonLines(join(uneven.out, 'metrics.jsonl')).filter(
      ({ type }) => type === 'interruption',
    );
    expect(interruptions).toMatchObject([{ worker_id: dropped, reason: 'dropped', lost_steps: 0 }]);
    // Every sample counts once.
    expect((await run(['audit', uneven.out])).code).toBe(0);
    await even.job.exit;
  });

  it('cannot be dropped from a run that needs all its workers', async () => {
    const { code, stderr } = await run(['train', '--dataset', dataset, '--workers', '2', '--drop-stragglers', '3']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'pennygrad: --drop-stragglers 3x needs --workers MIN:MAX with MIN below MAX: --workers 2 keeps all of them\n',
    );
  });
});
