import { expect, test } from 'vitest';
import { type CostQuestion, reportCosts } from '../../../../src/economics/costs/cost-report.ts';
import { createCostTally } from '../../../../src/economics/costs/cost-tally.ts';
import type { CountedRun } from '../../../../src/economics/costs/run-state.ts';
import { type AccountLine, nothingSpent } from '../../../../src/economics/costs/spent.ts';
import { byCategory } from '../../../../src/economics/ledger/ledger.ts';
import { renderCosts } from '../../../../src/report/costs/cost-table.ts';

/** The only line of a worker that computed for 100 s at $36 an hour, a cent a second. It is billed for two minutes. */
const oneLine: AccountLine = {
  time: '2026-11-03T10:00:00Z',
  worker: 'w0',
  gpu: 'gcp/t4/spot',
  samples: 1000,
  alive_seconds: 100,
  price_usd_per_hour: 36,
  seconds: byCategory((category) => (category === 'compute' ? 100 : 0)),
  usd: byCategory((category) => (category === 'compute' ? 1 : 0)),
  cost_usd: 1,
  billed_usd: 1.2,
};

const runs = new Map<string, CountedRun>([
  ['runs/free', { runId: 'r-free', status: 'failed' }],
  ['runs/a', { runId: 'r-a', status: 'completed' }],
]);

function report(asked: Partial<CostQuestion>, line: Partial<AccountLine> = {}) {
  const question = { by: 'run', folders: ['runs'], sinceUnixMs: undefined, ...asked } as const;
  const tally = createCostTally(question.sinceUnixMs);
  const run = tally.run('runs/a');
  run.add({ ...oneLine, ...line });
  run.end();
  return reportCosts({ tally, runs, problems: ['runs/b: no ledger'] }, question);
}

test('a report of all time has a row for each run, with how it ended, also for one that cost nothing', () => {
  const { rows, total, ...rest } = report({});
  expect(rows.map(({ run, runId, status, spent }) => [run, runId, status, spent.costUsd, spent.billedUsd])).toEqual([
    ['runs/free', 'r-free', 'failed', 0, 0],
    ['runs/a', 'r-a', 'completed', 1, 1.2],
  ]);
  expect(total).toEqual({
    ...nothingSpent,
    aliveSeconds: 100,
    samples: 1000,
    costUsd: 1,
    billedUsd: 1.2,
    seconds: oneLine.seconds,
    usd: oneLine.usd,
  });
  const [folders, problems] = [['runs'], ['runs/b: no ledger']];
  expect(rest).toEqual({ by: 'run', folders, since: undefined, runs: 2, notes: [], problems });
});

const day = 'days are those of UTC; a rental, and every started unit of it, is billed on the day on which it begins';

test('a report since a day leaves out runs that have cost nothing since', () => {
  const since = report({ sinceUnixMs: Date.UTC(2026, 10, 3) });
  expect(since.rows.map(({ run }) => run)).toEqual(['runs/a']);
  expect(since.runs).toBe(1);
  expect([since.since, since.notes]).toEqual(['2026-11-03T00:00:00.000Z', [day]]);
  const later = report({ sinceUnixMs: Date.UTC(2026, 10, 4) });
  expect([later.rows, later.total.costUsd]).toEqual([[], 0]);
});

test('rows of another grouping are those of the tally, and have no end', () => {
  const { rows, notes } = report({ by: 'worker' });
  expect(rows.map(({ run, runId, worker, status, spent }) => [run, runId, worker, status, spent.costUsd])).toEqual([
    ['runs/a', 'r-a', 'w0', undefined, 1],
  ]);
  expect(notes).toEqual([]);
});

test('notes say what a reader must know: assumed prices, missing prices, days, what is rounded up', () => {
  expect(report({ by: 'day' }).notes).toEqual([day]);
  expect(report({}, { price_assumed: true }).notes).toEqual([
    '$1.00 of the accrued cost rests on prices that nobody gave, and that are assumed',
  ]);
  expect(report({}, { price_usd_per_hour: null }).notes).toEqual([
    '1 min 40 s of workers without a price count as free',
  ]);
  expect(report({ by: 'category' }).notes).toEqual(['billed: $1.20; what providers round up belongs to no category']);
  // Billed by the second, nothing is rounded up.
  expect(report({ by: 'category' }, { billed_usd: 1 }).notes).toEqual([]);
});

test('a table without runs says since when there is none, to the second', () => {
  const none = report({ sinceUnixMs: Date.UTC(2026, 10, 4, 12, 0, 0, 7) });
  expect(renderCosts(none, { columns: 80, colour: false })).toBe(
    'no run in runs cost anything since 2026-11-04T12:00:00Z',
  );
});
