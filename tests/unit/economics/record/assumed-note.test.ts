import { expect, it } from 'vitest';
import { describeAssumed } from '../../../../src/economics/record/assumed-note.ts';

const given = { worker_id: 'g' };
const assumed = (worker_id: string, price_assumed = '1 vCPU at a/b/c') => ({
  worker_id,
  price_assumed,
  price_date: '2026-02',
});
const fleet = (count: number) => Array.from({ length: count }, (_, index) => assumed(`w${index}`));

it.each([
  ['no worker', [], undefined],
  ['only given prices', [given], undefined],
  ['every worker alike', fleet(2), 'assumed, not given: 1 vCPU at a/b/c (2026-02) for every worker'],
  ['some', [given, ...fleet(2)], 'assumed, not given: 1 vCPU at a/b/c (2026-02) for w0, w1'],
  ['many of more', [given, ...fleet(6)], 'assumed, not given: 1 vCPU at a/b/c (2026-02) for 6 workers'],
  [
    'unlike ones',
    [assumed('w0'), { worker_id: 'w1', price_assumed: 'x/t4/on-demand' }],
    'assumed, not given: 1 vCPU at a/b/c (2026-02) for w0; x/t4/on-demand for w1',
  ],
] as const)('says of %s whose price nobody gave, and from what it is assumed', (_, workers, note) => {
  expect(describeAssumed(workers)).toBe(note);
});
