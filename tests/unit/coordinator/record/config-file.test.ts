import { expect, test } from 'vitest';
import { writeConfig } from '../../../../src/coordinator/record/config-file.ts';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { member } from '../../../support/observed-run.ts';

const generation = (number: number, ...ranks: readonly number[]): RunEvent => ({
  type: 'generation',
  number,
  parameterCount: 10,
  reason: 'ready',
  members: ranks.map((rank) => member(rank)),
});

test('the configuration of a run names every worker that was a member once, whoever has left', () => {
  const written: unknown[] = [];
  const observe = writeConfig({ write: (_, content) => written.push(JSON.parse(String(content))) }, { seed: 5 });
  observe({ type: 'listening', endpoint: 'tcp://127.0.0.1:5555' });
  observe(generation(1, 0, 1));
  observe({
    ...generation(2, 0),
    members: [
      { ...member(0), workerId: 'w1', rank: 0 },
      { ...member(1), workerId: 'w2' },
    ],
  } as RunEvent);
  const workers = (config: unknown) =>
    (config as { workers: readonly { worker_id: string; rank: number }[] }).workers.map((worker) => [
      worker.worker_id,
      worker.rank,
    ]);
  const [begun, first, second] = written;
  expect(begun).toEqual({ seed: 5 });
  expect(workers(first)).toEqual([
    ['w0', 0],
    ['w1', 1],
  ]);
  // With the rank that each had last.
  expect(workers(second)).toEqual([
    ['w0', 0],
    ['w1', 0],
    ['w2', 1],
  ]);
});
