/** Who is a straggler, by hand-computed tables, and by properties of steps as runs have them. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberStep } from '../../../../../src/coordinator/run-events.ts';
import {
  advanceStragglers,
  compareCosts,
  decideStragglers,
  forgetStraggler,
  formatTimes,
  noStragglers,
  type StragglerState,
  type StragglerVerdict,
} from '../../../../../src/coordinator/training/stragglers/stragglers.ts';
import { noPhaseSeconds } from '../../../../../src/shared/core/phases.ts';
import { logUniform, uniform } from '../../../../support/realistic-numbers.ts';
import { rounds } from '../../../../support/thoroughness.ts';

interface Step {
  readonly seconds: number;
  readonly members: readonly MemberStep[];
}

/** A step of one second. @param work by workerId: seconds of computing, and samples, 10 unless given */
function step(work: Readonly<Record<string, number | readonly [compute: number, samples: number]>>): Step {
  const members = Object.entries(work).map(([workerId, did]): MemberStep => {
    const [compute, samples] = typeof did === 'number' ? [did, 10] : did;
    return { workerId, samples, phases: { ...noPhaseSeconds, wait: 1, communicate: 0.5, compute } };
  });
  return { seconds: 1, members };
}

interface Watched {
  readonly state: StragglerState;
  /** The last verdicts, the slowest worker's first. */
  readonly verdicts: readonly StragglerVerdict[];
  /** What became known, as `+w1@8` for a straggler found with the 8th step, and `-w1@12` for its end. */
  readonly news: readonly string[];
}

function watch(steps: readonly Step[], begin: StragglerState = noStragglers): Watched {
  let watched: Watched = { state: begin, verdicts: [], news: [] };
  for (const [index, taken] of steps.entries()) {
    const { state, verdicts } = advanceStragglers(watched.state, taken);
    const news = verdicts.flatMap(({ workerId, isNews, isStraggler }) =>
      isNews ? [`${isStraggler ? '+' : '-'}${workerId}@${index + 1}`] : [],
    );
    watched = { state, verdicts: verdicts.length > 0 ? verdicts : watched.verdicts, news: [...watched.news, ...news] };
  }
  return watched;
}

const times = (count: number, taken: Step) => Array<Step>(count).fill(taken);

const stragglersOf = ({ state }: Watched) => [...state.stragglers].sort();

describe('a straggler', () => {
  it.each<readonly [string, Parameters<typeof step>[0], readonly string[]]>([
    ['one of two: the other is the measure', { a: 0.1, b: 0.16 }, ['b']],
    ['none of two, 1.5 times as long at most', { a: 0.1, b: 0.15 }, []],
    ['one of three alike', { a: 0.1, b: 0.1, c: 0.16 }, ['c']],
    ['none of three: 1.4 times is within the floor, however alike the others', { a: 0.1, b: 0.1, c: 0.14 }, []],
    // c's others: median 0.15, deviation 1.4826 × 0.05 = 0.074; the limit is 0.15 + 3.5 × 0.074 = 0.409.
    ['none where the others are as far apart', { a: 0.1, b: 0.2, c: 0.4 }, []],
    ['one beyond the spread of the others', { a: 0.1, b: 0.2, c: 0.42 }, ['c']],
    // d's others 0.1, 0.1, 0.4: median 0.1, MAD 0. The fleet's own MAD, 0.15, would hide both.
    ['two of four', { a: 0.1, b: 0.1, c: 0.4, d: 0.4 }, ['c', 'd']],
    ['none where most are slow: the fast one is the exception', { a: 0.1, b: 0.4, c: 0.4, d: 0.4 }, []],
    ['nobody alone', { a: 5 }, []],
    ['slow, though its small share ends in time', { a: [0.1, 31], b: [0.1, 31], c: [0.1, 2] }, ['c']],
    ['not one with a small share that takes little time', { a: [0.1, 31], b: [0.1, 31], c: [0.0065, 2] }, []],
    ['by one sample each', { a: [0.1, 1], b: [0.1, 1], c: [0.2, 1] }, ['c']],
    ['not a worker without samples', { a: [0.1, 1], b: [0.1, 1], c: [0.001, 0] }, []],
  ])('is %s', (_, work, expected) => {
    expect(stragglersOf(watch(times(10, step(work))))).toEqual(expected);
  });

  it('has been slow in eight of ten seconds, and is none any more with fewer than five', () => {
    const [slow, even] = [step({ a: 0.1, b: 0.3 }), step({ a: 0.1, b: 0.1 })];
    const { news, verdicts } = watch([...times(10, slow), ...times(8, even)]);
    // Slow in 4 of the last 10 after 6 even ones.
    expect(news).toEqual(['+b@8', '-b@16']);
    expect(verdicts.map(({ workerId, slowdown }) => [workerId, slowdown])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('need not be slow all the time', () => {
    const [slow, even] = [step({ a: 0.1, b: 0.3 }), step({ a: 0.1, b: 0.1 })];
    expect(watch([...times(4, slow), even, ...times(2, slow), even, ...times(2, slow)]).news).toEqual(['+b@10']);
    expect(watch([...times(4, slow), even, even, slow, even, ...times(2, slow)]).news).toEqual([]);
  });

  it('is not found by a single pause, however long, nor by a burst of seven seconds', () => {
    const even = step({ a: 0.1, b: 0.1, c: 0.1 });
    const pause = { ...step({ a: 0.1, b: 60, c: 0.1 }), seconds: 60 };
    expect(watch([...times(5, even), pause, ...times(20, even)]).news).toEqual([]);
    expect(watch([...times(5, even), ...times(7, step({ a: 0.1, b: 0.9, c: 0.1 })), ...times(20, even)]).news).toEqual(
      [],
    );
  });

  it('is looked for once a second, however short steps are', () => {
    const short = (compute: number) => ({ ...step({ a: 0.001, b: compute }), seconds: 0.004 });
    // 250 steps are a span. A pause of 0.1 s in each makes b take 1.4 times as long, one of 0.2 s 1.8 times.
    const span = (pause: number) => [...times(249, short(0.001)), short(0.001 + pause)];
    expect(watch(Array(10).fill(span(0.1)).flat()).news).toEqual([]);
    expect(watch(Array(10).fill(span(0.2)).flat()).news).toEqual([`+b@${8 * 250}`]);
  });

  it('is known by its name through generations, whoever it trains with', () => {
    const before = watch(times(9, step({ a: 0.1, b: 0.3 })));
    expect(stragglersOf(watch([step({ b: 0.3, c: 0.1 })], before.state))).toEqual(['b']);
    // In other company it is another matter, once that has lasted.
    expect(watch(times(6, step({ b: 0.3, c: 0.3 })), before.state).news).toEqual(['-b@6']);
  });

  it('that was gone is judged anew: what it did before does not count', () => {
    const [slow, even] = [step({ a: 0.1, b: 0.3 }), step({ a: 0.1, b: 0.1 })];
    const gone = forgetStraggler(watch(times(9, slow)).state, 'b');
    expect([...gone.stragglers]).toEqual([]);
    const back = watch([even], gone);
    expect(back.news).toEqual([]);
    const verdict = back.verdicts.find(({ workerId }) => workerId === 'b');
    expect(verdict).toMatchObject({ isStraggler: false, slowdown: 1, lastingSlowdown: undefined });
    expect(watch(times(8, slow), gone).news).toEqual(['+b@8']);
  });

  it('stays one when another is gone, with all that it has done', () => {
    const slow = step({ a: 0.1, b: 0.1, c: 0.4, d: 0.4 });
    const half = { ...slow, seconds: 0.5 };
    const before = watch([...times(8, slow), half]).state;
    const after = forgetStraggler(before, 'd');
    expect([...after.stragglers]).toEqual(['c']);
    expect(watch([{ ...step({ a: [0, 0], b: [0, 0], c: [0, 0] }), seconds: 0.5 }], after).verdicts).toMatchObject([
      // Nine spans, the last one from before the other was gone.
      { workerId: 'c', isStraggler: true, isNews: false, lastingSlowdown: expect.closeTo(4) },
      { workerId: 'a', isStraggler: false },
      { workerId: 'b', isStraggler: false },
    ]);
  });

  it('is gone at once, though the second has not passed', () => {
    const { state } = watch([...times(7, step({ a: 0.1, b: 0.3 })), { ...step({ a: 0.1, b: 0.3 }), seconds: 0.5 }]);
    expect(watch([step({ a: 0.1 })], forgetStraggler(state, 'b')).news).toEqual([]);
  });

  it('stays one through seconds in which it has no samples, and is told once', () => {
    const none = step({ a: 0.1, c: 0.1, b: [0, 0] });
    const both = step({ a: 0.1, c: 0.1, b: 0.3 });
    const { news, state } = watch([...times(9, both), none, both]);
    expect(news).toEqual(['+b@8']);
    expect([...state.stragglers]).toEqual(['b']);
  });

  it('is told with the numbers', () => {
    const { verdicts } = watch([step({ a: 0.1, b: 0.1 }), ...times(9, step({ a: 0.1, b: 0.32 }))]);
    expect(verdicts[0]).toMatchObject({ workerId: 'b', isStraggler: true, slowdown: 3.2, lastingSlowdown: 3.2 });
    expect(verdicts[0]?.reason).toBe(
      'a sample takes it 3.2 times as long as the others (32 to their 10 ms); it was slow in 9 of the last 10 spans of 1 s or longer',
    );
  });

  it('has the lasting slowdown that it reached in eight of ten seconds', () => {
    const rising = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((ratio) => step({ a: 0.1, b: 0.1 * ratio }));
    expect(watch(rising).verdicts[0]?.lastingSlowdown).toBeCloseTo(3);
    expect(watch(rising.slice(0, 7)).verdicts[0]?.lastingSlowdown).toBeUndefined();
  });

  it('is nobody before the end of a span', () => {
    expect(decideStragglers([], new Set(['a']))).toEqual([]);
  });

  it('is not made of steps that were made up for: nobody reported their time', () => {
    expect(watch(times(10, step({ a: 0, b: 0 }))).state.spans[0]?.workers.size).toBe(0);
  });
});

describe('equal workers', () => {
  const recorded: {
    readonly globalBatch: number;
    readonly alike: readonly (readonly number[])[];
    readonly secondSlowedDown: readonly (readonly number[])[];
  } = JSON.parse(readFileSync(new URL('../../../../support/recorded-step-times.json', import.meta.url), 'utf8'));

  function recordedSteps(busy: readonly (readonly number[])[]): readonly Step[] {
    return busy.map((seconds) => ({
      ...step(Object.fromEntries(seconds.map((compute, rank) => [`w${rank}`, [compute, recorded.globalBatch / 2]]))),
      seconds: Math.max(...seconds),
    }));
  }

  it('have no straggler in a recorded run on a shared machine; a slowed one has', () => {
    const repeated = (busy: readonly (readonly number[])[]) => Array(20).fill(recordedSteps(busy)).flat();
    expect(watch(repeated(recorded.alike)).news).toEqual([]);
    expect(stragglersOf(watch(repeated(recorded.secondSlowedDown)))).toEqual(['w1']);
  });

  it('have none whatever their speed and shares, with noise of less than a fifth either way', () => {
    // Beyond that one may be slow by chance, eight times in ten.
    const noise = uniform(0.81, 1.19);
    const fleet = fc.integer({ min: 2, max: 8 }).chain((size) =>
      fc.record({
        perSample: logUniform(1e-6, 1),
        shares: fc.array(fc.integer({ min: 1, max: 64 }), { minLength: size, maxLength: size }),
        noise: fc.array(fc.array(noise, { minLength: size, maxLength: size }), { minLength: 20, maxLength: 20 }),
      }),
    );
    fc.assert(
      fc.property(fleet, ({ perSample, shares, noise }) => {
        const steps = noise.map((factors) =>
          step(
            Object.fromEntries(
              shares.map((share, rank) => [`w${rank}`, [perSample * share * (factors[rank] ?? 1), share] as const]),
            ),
          ),
        );
        expect(watch(steps).news).toEqual([]);
      }),
      { numRuns: rounds(25, 1000) },
    );
  });
});

it('a worker slower than all others by a factor is the only one found, whatever the unit of time and its share', () => {
  const fleet = fc.record({
    perSample: logUniform(1e-6, 1),
    others: fc.integer({ min: 1, max: 7 }),
    slowdown: logUniform(1.6, 100),
    share: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(fleet, ({ perSample, others, slowdown, share }) => {
      const equal = Array.from({ length: others }, (_, index) => [`w${index}`, [perSample * 20, 20]] as const);
      const taken = step(Object.fromEntries([...equal, ['slow', [perSample * slowdown * share, share]]]));
      const { verdicts, news } = watch(times(10, taken));
      expect(news).toEqual(['+slow@8']);
      expect(verdicts[0]?.slowdown).toBeCloseTo(slowdown, 5);
    }),
    { numRuns: rounds(25, 1000) },
  );
});

it.each([
  [1.04, '1.0'],
  [9.94, '9.9'],
  [9.95, '10'],
  [31.6, '32'],
])('a slowdown of %f is told as %s times', (slowdown, told) => {
  expect(formatTimes(slowdown)).toBe(told);
});

describe('what its samples cost', () => {
  // A second at $3.60 an hour is $0.001: $0.002 for 4 samples with it, and $0.004 for 60 with the others.
  const { state } = watch([
    step({ a: [0.1, 9], b: [0.1, 9] }),
    step({ a: [0.1, 20], b: [0.1, 10], slow: [0.1, 1] }),
    step({ a: [0.1, 10], b: [0.1, 20], slow: [0.1, 3] }),
  ]);
  const price = 3.6;

  it('beside those of the others', () => {
    const prices = new Map(['a', 'b', 'slow'].map((id) => [id, price]));
    expect(compareCosts(state.spans, 'slow', prices)).toBe(
      'a million samples cost $500.00 on it and $66.67 on the others',
    );
  });

  it('counts each span for as long as it took', () => {
    const { state } = watch([
      { ...step({ a: [0.1, 10], slow: [0.1, 1] }), seconds: 4 },
      step({ a: [0.1, 10], slow: [0.1, 1] }),
    ]);
    // 5 s for two samples with it, and for 20 with the other.
    const prices = new Map(['a', 'slow'].map((id) => [id, price]));
    expect(compareCosts(state.spans, 'slow', prices)).toBe(
      'a million samples cost $2,500.00 on it and $250.00 on the others',
    );
  });

  it.each([
    [
      'a price is not known',
      new Map([
        ['a', price],
        ['slow', price],
      ]),
    ],
    [
      'nothing costs anything',
      new Map([
        ['a', 0],
        ['b', 0],
        ['slow', 0],
      ]),
    ],
  ])('is not told where %s', (_, prices) => {
    expect(compareCosts(state.spans, 'slow', prices)).toBeUndefined();
  });
});
