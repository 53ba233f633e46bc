import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CostGrouping, createCostTally } from '../../../../src/economics/costs/cost-tally.ts';
import type { AccountLine } from '../../../../src/economics/costs/spent.ts';
import { byCategory } from '../../../../src/economics/ledger/ledger.ts';

/** A line of a worker at $36 an hour, a cent a second, that computes half of its time; the rest is start-up. */
function line(time: string, seconds: number, more: Partial<AccountLine> = {}): AccountLine {
  const halves = byCategory((category) => (category === 'compute' || category === 'startup' ? seconds / 2 : 0));
  return {
    time: `${time}Z`,
    worker: 'w0',
    gpu: 'gcp/t4/spot',
    device: 'wasm, SIMD',
    samples: 10 * seconds,
    alive_seconds: seconds,
    price_usd_per_hour: 36,
    seconds: halves,
    usd: byCategory((category) => halves[category] / 100),
    cost_usd: seconds / 100,
    billed_usd: Math.max(60, seconds) / 100,
    ...more,
  };
}

function tallyOf(lines: readonly AccountLine[], since?: string) {
  const tally = createCostTally(since === undefined ? undefined : Date.parse(since));
  const run = tally.run('runs/a');
  for (const one of lines) run.add(one);
  run.end();
  return tally;
}

const amounts = (tally: ReturnType<typeof createCostTally>, by: CostGrouping) =>
  tally
    .parts(by)
    .map(({ spent: { costUsd, billedUsd, samples }, run: _, ...names }) => [
      ...Object.values(names),
      Number(costUsd.toFixed(9)),
      Number(billedUsd.toFixed(9)),
      samples,
    ]);

describe('a day', () => {
  const nights = [
    line('2026-11-01T23:59:30', 10),
    line('2026-11-01T23:59:59.5', 40),
    line('2026-11-02T00:00:00.5', 41),
    line('2026-11-02T00:01:00', 100),
    // Resumed two days later: another rental, of a minute at least.
    line('2026-11-04T08:00:00', 105, { billed_usd: 1.6 }),
  ];

  test('costs what the last lines of days differ by; a rental is billed on the day on which it begins', () => {
    expect(amounts(tallyOf(nights), 'day')).toEqual([
      ['2026-11-01', 0.4, 0.6, 400],
      ['2026-11-02', 0.6, 0.4, 600],
      ['2026-11-04', 0.05, 0.6, 50],
    ]);
  });

  test('since which costs count begins at its first moment', () => {
    const tally = tallyOf(nights, '2026-11-02T00:00:00Z');
    expect(amounts(tally, 'day').map(([day]) => day)).toEqual(['2026-11-02', '2026-11-04']);
    expect(tally.total().costUsd).toBeCloseTo(0.65, 12);
    expect(tally.total().seconds.compute).toBeCloseTo(32.5, 12);
    expect(tallyOf(nights, '2026-11-05T00:00:00Z').ofRun('runs/a')).toBeUndefined();
    // At the very moment of a line, which counts.
    expect(tallyOf(nights, '2026-11-02T00:01:00Z').total().costUsd).toBeCloseTo(0.64, 12);
    // In the middle of a day.
    expect(tallyOf(nights, '2026-11-02T00:00:30Z').total().costUsd).toBeCloseTo(0.64, 12);
  });
});

describe('groups', () => {
  const lines = [
    line('2026-11-01T10:00:00', 100),
    line('2026-11-01T10:00:00', 10, { worker: 'w1', gpu: 'T4', price_assumed: true }),
    line('2026-11-01T10:00:00', 1, {
      worker: 'w2',
      gpu: undefined,
      price_usd_per_hour: null,
      cost_usd: 0,
      billed_usd: 0,
    }),
    // Resumed with another card from another provider.
    line('2026-11-01T11:00:00', 150, { gpu: 'lambda/h100/on-demand' }),
  ];

  test('are by the label that the worker had at the time, dearest first', () => {
    const tally = tallyOf(lines);
    expect(amounts(tally, 'gpu').map(([gpu, usd]) => [gpu, usd])).toEqual([
      ['t4', 1.1],
      ['h100', 0.5],
      ['wasm, SIMD', 0],
    ]);
    expect(amounts(tally, 'provider').map(([provider, usd]) => [provider, usd])).toEqual([
      ['gcp', 1],
      ['lambda', 0.5],
      ['none named', 0.1],
    ]);
    expect(amounts(tally, 'worker').map(([worker, usd]) => [worker, usd])).toEqual([
      ['w0', 1.5],
      ['w1', 0.1],
      ['w2', 0],
    ]);
  });

  test('by day and by card come in their own order, whichever run was read first', () => {
    const tally = createCostTally();
    for (const [folder, day, seconds, gpu] of [
      ['runs/b', 3, 100, 'gcp/t4/spot'],
      ['runs/c', 4, 300, 'aws/a10g/spot'],
      ['runs/a', 1, 200, 'lambda/h100/on-demand'],
    ] as const) {
      const run = tally.run(folder);
      run.add(line(`2026-11-0${day}T10:00:00`, seconds, { gpu }));
      run.end();
    }
    expect(tally.parts('day').map(({ day }) => day)).toEqual(['2026-11-01', '2026-11-03', '2026-11-04']);
    expect(tally.parts('gpu').map(({ gpu }) => gpu)).toEqual(['a10g', 'h100', 't4']);
    expect(tally.parts('provider').map(({ provider }) => provider)).toEqual(['aws', 'lambda', 'gcp']);
    expect(tally.parts('worker').map(({ run }) => run)).toEqual(['runs/b', 'runs/c', 'runs/a']);
    expect(createCostTally().parts('gpu')).toEqual([]);
  });

  test('count what a worker spent before its device or its price changed for what it was then', () => {
    const bare = { gpu: undefined, billed_usd: undefined } as const;
    const tally = tallyOf([
      line('2026-11-01T10:00:00', 10, { ...bare, device: 'wasm, SIMD' }),
      line('2026-11-01T11:00:00', 30, { ...bare, device: 'tensorflow, AVX2' }),
      line('2026-11-01T12:00:00', 60, { ...bare, device: 'tensorflow, AVX2', price_assumed: true }),
      line('2026-11-01T13:00:00', 100, {
        ...bare,
        device: 'tensorflow, AVX2',
        price_usd_per_hour: null,
        cost_usd: 0.6,
      }),
    ]);
    expect(amounts(tally, 'gpu').map(([gpu, usd]) => [gpu, usd])).toEqual([
      ['tensorflow, AVX2', 0.5],
      ['wasm, SIMD', 0.1],
    ]);
    expect(tally.total().assumedUsd).toBeCloseTo(0.3, 12);
    expect(tally.total().unpricedSeconds).toBe(40);
  });

  test('say how much is assumed, and how long nobody had a price', () => {
    const { assumedUsd, unpricedSeconds } = tallyOf(lines).total();
    expect(assumedUsd).toBeCloseTo(0.1, 12);
    expect(unpricedSeconds).toBe(1);
  });

  test('by category have no bill', () => {
    expect(amounts(tallyOf([line('2026-11-01T10:00:00', 100)]), 'category')).toEqual([
      ['compute', 0.5, 0, 0],
      ['startup', 0.5, 0, 0],
    ]);
    const [compute] = tallyOf([line('2026-11-01T10:00:00', 100)]).parts('category');
    expect(compute?.spent.seconds).toEqual(byCategory((category) => (category === 'compute' ? 50 : 0)));
    expect(compute?.spent.usd).toEqual(byCategory((category) => (category === 'compute' ? 0.5 : 0)));
  });

  test('keep workers of the same name in other runs apart', () => {
    const tally = createCostTally();
    for (const folder of ['runs/a', 'runs/b']) {
      const run = tally.run(folder);
      run.add(line('2026-11-01T10:00:00', 100));
      run.end();
    }
    expect(tally.parts('worker').map(({ run, worker }) => [run, worker])).toEqual([
      ['runs/a', 'w0'],
      ['runs/b', 'w0'],
    ]);
    expect(tally.total().costUsd).toBeCloseTo(2, 12);
  });

  test('add up to the last lines, whatever the days, labels and prices', () => {
    const step = fc.record({
      worker: fc.constantFrom('w0', 'w1', 'w2'),
      seconds: fc.integer({ min: 0, max: 1000 }),
      hours: fc.integer({ min: 0, max: 30 }),
      gpu: fc.constantFrom(undefined, 'gcp/t4/spot', 'aws/t4/on-demand'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        let at = Date.UTC(2026, 10, 1);
        const alive = new Map<string, number>();
        const all = steps.map(({ worker, seconds, hours, gpu }) => {
          at += hours * 3_600_000;
          alive.set(worker, (alive.get(worker) ?? 0) + seconds);
          return line(new Date(at).toISOString().slice(0, -1), alive.get(worker) ?? 0, { worker, gpu });
        });
        const tally = tallyOf(all);
        const expected = [...alive.values()].reduce((sum, seconds) => sum + seconds / 100, 0);
        for (const by of ['run', 'worker', 'gpu', 'provider', 'category', 'day'] as const) {
          const sum = tally.parts(by).reduce((total, { spent }) => total + spent.costUsd, 0);
          expect(sum).toBeCloseTo(expected, 9);
        }
      }),
    );
  });
});

test('older ledgers without bills count as billed what they cost', () => {
  expect(tallyOf([line('2026-11-01T10:00:00', 100, { billed_usd: undefined })]).total().billedUsd).toBe(1);
});
