import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BalanceState,
  beginBalance,
  fastestShares,
  type Rebalanced,
  rebalance,
  secondsPerSample,
} from '../../../../../src/coordinator/training/shares/share-balance.ts';
import { createRandom } from '../../../../../src/shared/core/random.ts';
import { logUniform, orZero, uniform } from '../../../../support/realistic-numbers.ts';
import { rounds } from '../../../../support/thoroughness.ts';

/** Steps of two real runs with even shares, all the disturbances of a shared machine included. */
const recorded: {
  readonly globalBatch: number;
  /** Busy seconds by rank, step by step. */
  readonly alike: readonly (readonly number[])[];
  readonly secondSlowedDown: readonly (readonly number[])[];
} = JSON.parse(readFileSync(new URL('../../../../support/recorded-step-times.json', import.meta.url), 'utf8'));

/** A rank's true time: so much a step, and so much a sample. */
interface Speed {
  readonly perStep: number;
  readonly perSample: number;
  /** The part of `perStep` that a rank can tell from what its share takes: none unless it is given. */
  readonly known?: number;
}

interface Simulation {
  readonly globalBatch: number;
  /** By rank, at a step. */
  readonly speeds: (step: number) => readonly Speed[];
  readonly steps: number;
  /** Ratio by which a measured time may be off, either way. */
  readonly noise?: number;
  readonly seed?: number;
}

interface SimulatedStep {
  readonly samples: readonly number[];
  /** Without noise. */
  readonly seconds: readonly number[];
  readonly reason: string | undefined;
}

/** Steps whose plans are made, as the coordinator makes them, one step before the decision that could change them. */
function simulate({ globalBatch, speeds, steps, noise = 0, seed = 1 }: Simulation): readonly SimulatedStep[] {
  const random = createRandom(seed);
  let state: BalanceState = beginBalance(globalBatch, speeds(0).length);
  const planned = [state.shares, state.shares];
  return Array.from({ length: steps }, (_, step) => {
    const samples = planned.shift() ?? [];
    const seconds = speeds(step).map(
      ({ perStep, perSample }, rank) => perStep + perSample * (samples[rank] ?? Number.NaN),
    );
    const measured = seconds.map((spent) => spent * (1 + noise * (2 * random.float() - 1)));
    const fixed = speeds(step).map(({ perStep, known = 0 }) => perStep * known * (1 - noise));
    const { state: next, reason } = rebalance(state, { samples, busy: measured, fixed });
    state = next;
    planned.push(state.shares);
    return { samples, seconds, reason };
  });
}

/** Noise is chance: the same chance in every run of these tests. */
const seeds = Array.from({ length: rounds(3, 40) }, (_, seed) => seed);

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
/** The share of all ranks' time that is spent waiting for the slowest rank; 0 when all finish together. */
const waitingShare = (seconds: readonly number[]) => 1 - mean(seconds) / Math.max(...seconds);
const changesOf = (steps: readonly SimulatedStep[]) => steps.filter(({ reason }) => reason !== undefined);

describe('fastestShares', () => {
  const cases = fc.record({
    total: fc.integer({ min: 0, max: 500 }),
    ranks: fc.array(
      fc.record({
        perSample: logUniform(1e-6, 1e3),
        fixed: orZero(logUniform(1e-3, 1e4)),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  });
  const sharesOf = (total: number, ranks: readonly { readonly perSample: number; readonly fixed: number }[]) =>
    fastestShares(
      total,
      ranks.map(({ perSample }) => perSample),
      ranks.map(({ fixed }) => fixed),
    );

  it.each([
    [
      [10, [1, 1]],
      [5, 5],
    ],
    [
      [0, [1, 1]],
      [0, 0],
    ],
    [
      [1, [1, 1]],
      [1, 0],
    ],
    [
      [2, [1, 100]],
      [1, 1],
    ],
    // Of 6⅔ and 3⅓ samples: the one left over goes to the rank that finishes it sooner.
    [
      [10, [1, 2]],
      [7, 3],
    ],
    [
      [10, [1, 1], [0, 4]],
      [7, 3],
    ],
    // A rank that finishes too late even without samples takes one all the same, from the ranks that finish last.
    [
      [10, [1, 1], [0, 100]],
      [9, 1],
    ],
    [
      [10, [1, 2, 1], [0, 0, 100]],
      [6, 3, 1],
    ],
    [
      [12, [1, 2, 1], [0, 0, 100]],
      [7, 4, 1],
    ],
  ] as const)('of %j are %j', ([total, perSample, fixed], shares) => {
    expect(fastestShares(total, perSample, fixed)).toEqual(shares);
  });

  it('gives out everything, and at least one each where there is enough', () => {
    fc.assert(
      fc.property(cases, ({ total, ranks }) => {
        const shares = sharesOf(total, ranks);
        expect(sum(shares)).toBe(total);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(total >= shares.length ? 1 : 0);
      }),
    );
  });

  it('no one sample moved from one rank to another would be faster', () => {
    fc.assert(
      fc.property(cases, ({ total, ranks }) => {
        const shares = sharesOf(total, ranks);
        const spent = (rank: number, more = 0) =>
          (ranks[rank]?.fixed ?? 0) + ((shares[rank] ?? 0) + more) * (ranks[rank]?.perSample ?? 0);
        const places = [...shares.keys()];
        const slowest = Math.max(...places.map((rank) => spent(rank)));
        const fewest = total >= shares.length ? 1 : 0;
        for (const from of places.filter((rank) => spent(rank) === slowest && (shares[rank] ?? 0) > fewest)) {
          const faster = places.filter((to) => to !== from && !(spent(to, 1) >= slowest * (1 - 1e-12)));
          expect(faster).toEqual([]);
        }
      }),
    );
  });

  it('is even among equals, the first ranks one ahead', () => {
    expect(fastestShares(64, [1, 1, 1])).toEqual([22, 21, 21]);
    expect(fastestShares(2, [1, 1, 1])).toEqual([1, 1, 0]);
  });
});

describe('rebalance', () => {
  /** Steps one after another, each with the present shares. @returns the last decision */
  function observe(state: BalanceState, steps: readonly (readonly number[])[]) {
    let decision: Rebalanced = { state, reason: undefined };
    for (const busy of steps) {
      const { state: before } = decision;
      decision = rebalance(before, { samples: before.shares, busy, fixed: busy.map(() => 0) });
    }
    return decision;
  }

  it('changes nothing for one slow step among three', () => {
    const [even, slow] = [
      [2, 2],
      [10, 2],
    ];
    for (const steps of [
      [slow, even, even],
      [even, slow, even],
      [even, even, slow],
    ]) {
      expect(observe(beginBalance(16, 2), steps)).toMatchObject({ state: { shares: [8, 8] }, reason: undefined });
    }
  });

  it('changes nothing where there are fewer samples than ranks, but remembers the steps', () => {
    const decision = observe(beginBalance(1, 2), Array(3).fill([9, 1]));
    expect(decision).toMatchObject({ state: { shares: [1, 0], measured: false }, reason: undefined });
    expect(decision.state.recent).toHaveLength(3);
  });

  it('always shares out the whole batch, at least a sample each', () => {
    const runs = fc.record({
      globalBatch: fc.integer({ min: 8, max: 300 }),
      ranks: fc.array(
        fc.record({
          perStep: uniform(0, 50),
          perSample: logUniform(0.01, 20),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      noise: uniform(0, 0.9),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(runs, ({ ranks, ...run }) => {
        const shares = simulate({ ...run, speeds: () => ranks, steps: 60 }).map(({ samples }) => samples);
        expect(shares.filter((samples) => sum(samples) !== run.globalBatch || Math.min(...samples) < 1)).toEqual([]);
      }),
      { numRuns: rounds(15, 200) },
    );
  });

  it('settles a 2:1 ratio within 20 steps to a wait under 5 % of the step, fixed costs included', () => {
    const runs = fc.record({
      globalBatch: fc.integer({ min: 128, max: 1024 }),
      // Of the even step of the slower rank, up to half is the same whatever the share.
      fixed: uniform(0, 0.5),
      slower: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(runs, ({ globalBatch, fixed, slower }) => {
        const perStep = (fixed / (1 - fixed)) * 2 * (globalBatch / 2);
        const speeds = [0, 1].map((rank) => ({ perStep, perSample: rank === slower ? 2 : 1 }));
        const steps = simulate({ globalBatch, speeds: () => speeds, steps: 25 });
        expect(waitingShare(steps[20]?.seconds ?? [])).toBeLessThan(0.05);
        expect(changesOf(steps)[0]?.reason).toMatch(/^shares .* -> .* % sooner in the last \d+ steps$/);
      }),
    );
  });

  it('never swings past the balance, whatever the fixed cost', () => {
    const costs = fc.array(uniform(0, 300), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(costs, (perStep) => {
        const speeds = [1, 3].map((perSample, rank) => ({ perSample, perStep: perStep[rank] ?? 0 }));
        const slowest = simulate({ globalBatch: 512, speeds: () => speeds, steps: 100 }).map(({ seconds }) =>
          Math.max(...seconds),
        );
        expect(slowest.filter((spent, step) => !(spent <= (slowest[step - 1] ?? spent)))).toEqual([]);
      }),
    );
  });

  it('settles a 2:1 ratio as well where every time is off by up to 5 %', () => {
    const speeds = [1, 2].map((perSample) => ({ perStep: 30, perSample }));
    const waits = seeds.map((seed) => {
      const steps = simulate({ globalBatch: 256, speeds: () => speeds, steps: 25, noise: 0.05, seed });
      return waitingShare(steps[20]?.seconds ?? []);
    });
    expect(mean(waits)).toBeLessThan(0.04);
    expect(Math.max(...waits)).toBeLessThan(0.08);
  });

  it('leaves equal workers alone where every time is off by up to 20 %', () => {
    const speeds = Array(4).fill({ perStep: 5, perSample: 1 });
    const runs = seeds.map((seed) =>
      simulate({ globalBatch: 256, speeds: () => speeds, steps: 300, noise: 0.2, seed }),
    );
    // A change in ten thousand steps is chance, and a small one.
    expect(sum(runs.map((steps) => changesOf(steps).length))).toBeLessThanOrEqual(2);
    expect(Math.max(...runs.flat().map(({ seconds }) => waitingShare(seconds)))).toBeLessThan(0.08);
  });

  it('settles unequal ones on a noisy machine, and then hardly touches them', () => {
    const speeds = [1, 1.5, 4].map((perSample) => ({ perStep: 5, perSample }));
    const runs = seeds.map((seed) =>
      simulate({ globalBatch: 256, speeds: () => speeds, steps: 400, noise: 0.1, seed }),
    );
    const later = runs.map((steps) => steps.slice(100));
    expect(mean(later.map((steps) => changesOf(steps).length))).toBeLessThan(0.5);
    const waits = later.flat().map(({ seconds }) => waitingShare(seconds));
    expect(mean(waits)).toBeLessThan(0.04);
    expect(Math.max(...waits)).toBeLessThan(0.08);
  });

  it('follows a worker that slows down in the middle of the run, and one that recovers', () => {
    const usual = { perStep: 3, perSample: 1 };
    const speeds = (step: number) => [usual, step >= 100 && step < 200 ? { perStep: 9, perSample: 3 } : usual];
    const steps = simulate({ globalBatch: 128, speeds, steps: 300, noise: 0.05 });
    expect(steps[99]?.samples).toEqual([64, 64]);
    expect(waitingShare(steps[199]?.seconds ?? [])).toBeLessThan(0.05);
    expect(waitingShare(steps[299]?.seconds ?? [])).toBeLessThan(0.05);
    expect(steps[199]?.samples[0]).toBeGreaterThan(90);
  });

  it('settles on what a real run measured', () => {
    const { globalBatch, secondSlowedDown } = recorded;
    const speeds = (step: number) =>
      (secondSlowedDown[step] ?? []).map((seconds) => ({ perStep: 0, perSample: seconds / (globalBatch / 2) }));
    const steps = simulate({ globalBatch, speeds, steps: secondSlowedDown.length });
    const waited = (shares: readonly number[]) =>
      waitingShare(shares.map((share, rank) => share * sum(secondSlowedDown.map((step) => step[rank] ?? 0))));
    expect(waited([256, 256])).toBeGreaterThan(0.2);
    for (const { samples } of steps.slice(20)) expect(waited(samples)).toBeLessThan(0.05);
    expect(changesOf(steps).length).toBeLessThanOrEqual(4);
  });

  it('leaves a real run of equal workers close to even', () => {
    const { globalBatch, alike } = recorded;
    const speeds = (step: number) =>
      (alike[step] ?? []).map((seconds) => ({ perStep: 0, perSample: seconds / (globalBatch / 2) }));
    const steps = simulate({ globalBatch, speeds, steps: alike.length });
    expect(changesOf(steps)).toEqual([]);
  });

  it('passes over steps that were planned with other shares, and times that are none', () => {
    const state = beginBalance(64, 2);
    const fixed = [0, 0];
    expect(rebalance(state, { samples: [16, 16], busy: [1, 2], fixed })).toEqual({ state, reason: undefined });
    expect(rebalance(state, { samples: [32, 32], busy: [1, 0], fixed })).toEqual({ state, reason: undefined });
    expect(rebalance(state, { samples: [32, 32], busy: [1, 2], fixed: [1, 0] })).toEqual({ state, reason: undefined });
  });

  it('lets one step decide only between workers that are an order of magnitude apart, and only the first', () => {
    const balanceAfter = (state: BalanceState, ...slow: readonly number[]) =>
      slow.reduce(
        (before, seconds) => rebalance(before, { samples: state.shares, busy: [1, seconds], fixed: [0, 0] }).state,
        state,
      );
    const even = beginBalance(64, 2);
    expect(balanceAfter(even, 5, 1, 1, 1, 5).shares).toEqual([32, 32]);
    expect(balanceAfter(even, 50).shares).toEqual([63, 1]);
    const settled = balanceAfter(even, 4, 4, 4);
    expect(settled.shares).toEqual([52, 12]);
    expect(balanceAfter(settled, 50).shares).toEqual([52, 12]);
  });

  it('gives a slow worker what it can do where its update takes a good part of its time', () => {
    const speeds = [
      { perStep: 0.4, perSample: 0.17, known: 1 },
      { perStep: 1.6, perSample: 0.7, known: 1 },
    ];
    const steps = simulate({ globalBatch: 64, speeds: () => speeds, steps: 80 });
    // 0.4 + 0.17 n = 1.6 + 0.7 (64 − n) at n = 52.9.
    expect(steps.at(-1)?.samples).toEqual([53, 11]);
  });
});

describe('what a sample takes a rank', () => {
  /** After steps of these seconds by rank, of which a half is the same for any share. */
  const measure = (state: BalanceState, ...steps: readonly (readonly number[])[]) =>
    secondsPerSample(
      steps.reduce(
        (before, busy) => rebalance(before, { samples: state.shares, busy, fixed: [0.5, 0.5] }).state,
        state,
      ),
    );

  it('is the median of recent steps over its share, without what any share takes', () => {
    const state = beginBalance(24, 2, [1, 2]);
    expect(state.shares).toEqual([16, 8]);
    expect(measure(state, [4.5, 4.5], [99, 5.5], [5.5, 4.25])).toEqual([5 / 16, 4 / 8]);
  });

  it('is not known before a step, nor where a rank has no samples', () => {
    expect(measure(beginBalance(24, 2))).toBeUndefined();
    expect(measure(beginBalance(1, 2), [1, 1])).toBeUndefined();
  });
});

it('shares that follow what is known of speeds are not changed by the first step', () => {
  const known = beginBalance(64, 2, [1, 1]);
  const step = { samples: known.shares, busy: [1, 50], fixed: [0, 0] };
  expect(rebalance(known, step).reason).toBeUndefined();
  expect(rebalance(beginBalance(64, 2), step).reason).toBeDefined();
});

describe('shares of whole micro-shards', () => {
  /** Two ranks share 30 samples in micro-shards of 8: the last of the four is two short. */
  const begun = beginBalance(30, 2, undefined, 8);
  const step = (samples: readonly number[]) => ({ samples, busy: [1, 3], fixed: [0, 0] });

  it('count the samples that the last one is short of, so that a step of a whole batch is measured', () => {
    expect(begun.shares).toEqual([16, 16]);
    let state = begun;
    for (let steps = 0; steps < 2; steps++) state = rebalance(state, step([16, 14])).state;
    const { state: after, reason } = rebalance(state, step([16, 14]));
    expect(after.shares).toEqual([24, 8]);
    expect(reason).toMatch(/^shares 16\/16 -> 24\/8: /);
  });

  it('have whatever a rank does in any case as their start', () => {
    let state = beginBalance(64, 2, undefined, 8);
    // A second a sample for both, and half a minute more for one of them: 48 s, and 32 s with 16 s.
    const slow = { samples: [32, 32], busy: [32, 64], fixed: [0, 32] };
    for (let steps = 0; steps < 2; steps++) state = rebalance(state, slow).state;
    expect(rebalance(state, slow).reason).toBe(
      'shares 32/32 -> 48/16: the slowest worker would have finished 25 % sooner in the last 3 steps',
    );
  });

  it('do not follow a step of fewer', () => {
    for (const samples of [
      [16, 8],
      [8, 14],
      [16, 0],
    ]) {
      expect(rebalance(begun, step(samples)).state).toBe(begun);
    }
  });
});
