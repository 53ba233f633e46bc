import { expect, test } from 'vitest';
import type { CountedRun } from '../../../../src/economics/costs/run-state.ts';
import { nothingSpent } from '../../../../src/economics/costs/spent.ts';
import { describeUnmeasured, unmeasuredRuns } from '../../../../src/economics/costs/unmeasured-runs.ts';

const spent = (costUsd: number) => ({ ...nothingSpent, costUsd, billedUsd: 2 * costUsd });

test('runs that did not complete are counted, and one sentence names them', () => {
  const counted = new Map<string, CountedRun>([
    ['runs/a', { runId: 'runs/a', status: 'completed' }],
    ['runs/b', { runId: 'runs/b', status: 'failed' }],
    ['runs/c', { runId: 'runs/c', status: 'killed' }],
    ['runs/d', { runId: 'runs/d', status: 'failed' }],
  ]);
  const costs = new Map([
    ['runs/a', spent(5)],
    ['runs/b', spent(0.25)],
    ['runs/c', spent(0.5)],
  ]);
  const runs = unmeasuredRuns(counted, (folder) => costs.get(folder));
  expect(runs.map(({ folder, costUsd, billedUsd }) => [folder, costUsd, billedUsd])).toEqual([
    ['runs/b', 0.25, 0.5],
    ['runs/c', 0.5, 1],
    ['runs/d', 0, 0],
  ]);
  expect(describeUnmeasured(runs)).toEqual([
    '3 runs that failed or were killed cost $0.75, billed $1.50: ' +
      'runs/b (failed) $0.25, runs/c (killed) $0.50, runs/d (failed) $0.00',
  ]);
});

test('one run, many runs, and none', () => {
  expect(describeUnmeasured([])).toEqual([]);
  const run = { folder: 'runs/a', status: 'interrupted', costUsd: 1, billedUsd: 1 } as const;
  expect(describeUnmeasured([run])[0]).toMatch(/^1 run that was interrupted cost \$1\.00/);
  const twenty = Array.from({ length: 20 }, (_, index) => ({ ...run, folder: `runs/${index}` }));
  expect(describeUnmeasured(twenty)[0]).toMatch(/runs\/19 \(interrupted\) \$1\.00$/);
  const many = Array.from({ length: 25 }, (_, index) => ({ ...run, folder: `runs/${index}` }));
  expect(describeUnmeasured(many)[0]).toMatch(
    /^25 runs that were interrupted cost \$25\.00.*runs\/19 \(interrupted\) \$1\.00, 5 more$/,
  );
});
