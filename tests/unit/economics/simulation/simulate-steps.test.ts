import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message, Moment } from '../../../../src/economics/simulation/network.ts';
import { type StepsOptions, simulateSteps } from '../../../../src/economics/simulation/simulate-steps.ts';
import { gradientBuckets } from '../../../../src/shared/collectives/buckets.ts';
import {
  allReduceSeconds,
  bytesPerFloat,
  type Exchange,
  lengthsOf,
  linkOf,
  modelledAlgorithms,
} from '../../../../src/shared/collectives/cost-model.ts';
import { sumOf } from '../../../../src/shared/core/sums.ts';
import { drawnExchange, noProcessor } from '../../../support/drawn-exchanges.ts';
import { logUniform, uniform } from '../../../support/realistic-numbers.ts';
import { rounds } from '../../../support/thoroughness.ts';

/** A single step. */
interface StepOptions extends Omit<StepsOptions, 'computeSeconds'> {
  readonly computeSeconds: number | readonly number[];
}

function simulateStep({ computeSeconds, ...options }: StepOptions) {
  const { rankSeconds, ...simulated } = simulateSteps({ ...options, computeSeconds: [computeSeconds] });
  return { ...simulated, rankSeconds: rankSeconds[0] ?? [] };
}

/** α = 1 ms, and 1 MB in 1 ms. */
const link = { delaySeconds: 1e-3, bytesPerSecond: 1e9 };
/** 4 MB. */
const four: StepOptions = {
  algorithm: 'star',
  worldSize: 4,
  buckets: [1e6],
  link,
  processor: noProcessor,
  computeSeconds: 0,
  overlap: 0,
};
const drawnAlgorithm = fc.constantFrom(...modelledAlgorithms);
const step = (exchange: Exchange, options: Partial<StepOptions> = {}) =>
  simulateStep({ ...four, ...exchange, ...options });

describe('the time of a step', () => {
  test.each([
    ['star', 2e-3 + 32e-3],
    ['mesh', 1e-3 + 12e-3],
    ['mesh-two-shot', 2e-3 + 6e-3],
    ['ring', 6e-3 + 6e-3],
  ] as const)('%s takes what its formula says', (algorithm, seconds) => {
    expect(simulateStep({ ...four, algorithm }).seconds).toBeCloseTo(seconds, 12);
    expect(simulateStep({ ...four, algorithm, computeSeconds: 0.5 }).seconds).toBeCloseTo(0.5 + seconds, 12);
  });

  test('agrees with the formulas: with one bucket and free processors to the last digit', () => {
    fc.assert(
      fc.property(drawnExchange, drawnAlgorithm, (drawn, algorithm) => {
        const exchange = { ...drawn, buckets: [sumOf(drawn.buckets)], processor: noProcessor };
        const { seconds } = step(exchange, { algorithm });
        expect(seconds / allReduceSeconds(algorithm, exchange)).toBeCloseTo(1, 9);
      }),
      { numRuns: rounds(50, 500) },
    );
  });

  test('agrees with the formulas: with buckets and busy processors mostly within 5 %, and always within a half', () => {
    const near: boolean[] = [];
    fc.assert(
      fc.property(drawnExchange, drawnAlgorithm, (exchange, algorithm) => {
        const ratio = step(exchange, { algorithm }).seconds / allReduceSeconds(algorithm, exchange);
        expect(ratio).toBeGreaterThan(0.7);
        expect(ratio).toBeLessThan(1.5);
        near.push(Math.abs(ratio - 1) < 0.05);
      }),
      { numRuns: rounds(100, 500) },
    );
    // In 48,000 exchanges it was 99 of 100.
    expect(near.filter(Boolean).length / near.length).toBeGreaterThan(0.9);
  });

  // Who does things in the order of their arrival may be late with what matters because something arrived sooner (Graham,
  // "Bounds on Multiprocessing Timing Anomalies", 1969). In 3,000 exchanges that took 6 % at most, and only processors did it.
  test.each([
    ['is never longer', noProcessor, 1e-9],
    ['with busy processors is hardly ever longer', undefined, 0.1],
  ])('%s on a faster link or a nearer one', (_, processor, tolerance) => {
    fc.assert(
      fc.property(drawnExchange, drawnAlgorithm, uniform(1, 10), (drawn, algorithm, times) => {
        const exchange = { ...drawn, processor: processor ?? drawn.processor };
        const { link } = exchange;
        const most = step(exchange, { algorithm }).seconds * (1 + tolerance);
        const faster = { ...link, bytesPerSecond: link.bytesPerSecond * times };
        const nearer = { ...link, delaySeconds: link.delaySeconds / times };
        expect(step(exchange, { algorithm, link: faster }).seconds).toBeLessThanOrEqual(most);
        expect(step(exchange, { algorithm, link: nearer }).seconds).toBeLessThanOrEqual(most);
      }),
    );
  });

  test('one worker computes, and exchanges nothing', () => {
    for (const algorithm of modelledAlgorithms) {
      const alone = simulateStep({ ...four, algorithm, worldSize: 1, computeSeconds: 0.25 });
      expect(alone).toMatchObject({ seconds: 0.25, messages: 0, rankSeconds: [0.25] });
    }
  });

  test('a hub with a faster link of its own carries the sums of all sooner', () => {
    // The ranks' own links are what is left: 4 MB up and 4 MB down.
    const hubLink = { delaySeconds: 1e-3, bytesPerSecond: 1e15 };
    expect(simulateStep({ ...four, hubLink }).seconds).toBeCloseTo(2e-3 + 8e-3, 6);
  });
});

describe('computing', () => {
  test('all wait for the slowest; in a star, the others’ gradients are with the hub by then', () => {
    // Three gradients arrive while rank 3 computes; its own takes 4 ms, and four sums 16 ms.
    const late = [0.1, 0.1, 0.1, 0.5];
    expect(simulateStep({ ...four, computeSeconds: late }).seconds).toBeCloseTo(0.5 + 2e-3 + 4e-3 + 16e-3, 12);
    expect(simulateStep({ ...four, algorithm: 'mesh', computeSeconds: late }).seconds).toBeCloseTo(0.513, 12);
    // Its part of the reduce-scatter, and the sums after it: but the parts of the others have been added up before.
    expect(simulateStep({ ...four, algorithm: 'mesh-two-shot', computeSeconds: late }).seconds).toBeCloseTo(0.508, 12);
    expect(simulateStep({ ...four, algorithm: 'ring', computeSeconds: late }).seconds).toBeCloseTo(0.512, 12);
  });

  test('buckets leave while the rest is computed', () => {
    // Halves are final at 10 and 20 ms, and take 8 ms each to the hub and as long back.
    const halves = { ...four, buckets: [5e5, 5e5], computeSeconds: 0.02, overlap: 1 };
    expect(simulateStep(halves).seconds).toBeCloseTo(0.02 + 2e-3 + 16e-3, 12);
    expect(simulateStep({ ...halves, overlap: 0 }).seconds).toBeCloseTo(0.02 + 2e-3 + 24e-3, 12);
    // At 15 and 20 ms: the second half waits 3 ms for the hub's link.
    expect(simulateStep({ ...halves, overlap: 0.5 }).seconds).toBeCloseTo(0.015 + 2e-3 + 24e-3, 12);
  });

  test('ranks that are alike take as long as one that stands for all', () => {
    fc.assert(
      fc.property(
        drawnExchange,
        fc.constantFrom('mesh' as const, 'mesh-two-shot' as const, 'ring' as const),
        fc.integer({ min: 2, max: 9 }),
        (drawn, algorithm, worldSize) => {
          const exchange = { ...drawn, worldSize, buckets: drawn.buckets.slice(0, 20) };
          const folded = step(exchange, { algorithm, computeSeconds: 1 });
          // A difference that is far below every other time, so that all ranks are simulated.
          const computeSeconds = Array.from({ length: worldSize }, (_, rank) => 1 + rank * 1e-13);
          const all = step(exchange, { algorithm, computeSeconds });
          expect(folded.rankSeconds).toHaveLength(1);
          expect(all.rankSeconds).toHaveLength(worldSize);
          for (const seconds of all.rankSeconds) {
            // Where processors are busy, the order of messages that come at one time may differ.
            expect((seconds - 1) / (folded.seconds - 1)).toBeGreaterThan(0.8);
            expect((seconds - 1) / (folded.seconds - 1)).toBeLessThan(1.25);
          }
        },
      ),
    );
  });
});

describe('steps in a row', () => {
  test('who has the sum first computes the next step while others still receive', () => {
    // The hub sends 4 MB to each rank in sixteen turns of a quarter of a millisecond: rank 0 is done three turns before rank 3.
    const steps = simulateSteps({ ...four, computeSeconds: [0.5, 0.5, 0.5, 0.5] });
    expect(steps.rankSeconds[0]?.[0]).toBeCloseTo(0.534 - 0.75e-3, 12);
    expect(steps.rankSeconds[0]?.[3]).toBeCloseTo(0.534, 12);
    expect(steps.seconds).toBeCloseTo(0.534 - 0.75e-3, 9);
    expect(steps).toMatchObject({ steps: 4, slowestSeconds: 0.5 });
  });

  test('where all have the sum at once, each takes what it would take alone, and the first does not count', () => {
    for (const [algorithm, exchange] of [
      ['mesh', 13e-3],
      ['mesh-two-shot', 8e-3],
      ['ring', 12e-3],
    ] as const) {
      const steps = simulateSteps({ ...four, algorithm, computeSeconds: [9, 0.2, 0.4] });
      expect(steps.seconds).toBeCloseTo(0.3 + exchange, 9);
      expect(steps.slowestSeconds).toBeCloseTo(0.3, 12);
    }
  });

  test('a worker alone computes one after the other', () => {
    const alone = simulateSteps({ ...four, worldSize: 1, computeSeconds: [0.2, 0.4] });
    expect(alone).toMatchObject({ steps: 2, messages: 0 });
    expect(alone.seconds).toBeCloseTo(0.3, 12);
    expect(alone.rankSeconds.flat()[1]).toBeCloseTo(0.6, 12);
  });

  test('only as many are simulated as there is time for', () => {
    // 64 ranks send 96 buckets, and get as many: 12,288 messages a step.
    const buckets = lengthsOf(gradientBuckets([25e6]));
    const computeSeconds = Array<number>(20).fill(1);
    const { steps, messages } = simulateSteps({ ...four, worldSize: 64, buckets, computeSeconds });
    expect(steps).toBe(5);
    expect(messages).toBeGreaterThan(5 * 12_288);
  });

  test('times are of all ranks', () => {
    expect(() => simulateSteps({ ...four, computeSeconds: [[1, 2, 3]] })).toThrow('times of 3 ranks, expected 4');
  });
});

interface Seen extends Message {
  readonly times: Partial<Record<Moment, number>>;
}

/** All messages of the steps, with what happened to them when. */
function watch(options: StepsOptions) {
  const seen = new Map<Message, Record<string, number>>();
  const result = simulateSteps({
    ...options,
    observe: (message, moment, now) => seen.set(message, { ...seen.get(message), [moment]: now }),
  });
  return { result, messages: [...seen].map(([message, times]): Seen => ({ ...message, times })) };
}

/** One to three steps of ranks that are not alike, so that all are simulated. */
const drawnSteps = fc
  .tuple(drawnExchange, drawnAlgorithm, fc.integer({ min: 2, max: 7 }), uniform(0, 1), fc.integer({ min: 1, max: 6 }))
  .chain(([drawn, algorithm, worldSize, overlap, buckets]) =>
    fc
      .array(fc.array(logUniform(1e-3, 1), { minLength: worldSize, maxLength: worldSize }), {
        minLength: 1,
        maxLength: 3,
      })
      .map(
        (computeSeconds): StepsOptions => ({
          ...drawn,
          algorithm,
          worldSize,
          buckets: drawn.buckets.slice(0, buckets),
          computeSeconds,
          overlap,
        }),
      ),
  );

describe('messages', () => {
  test('every byte that is sent is received, and as many as the algorithm needs', () => {
    fc.assert(
      fc.property(drawnSteps, (options) => {
        const { worldSize: n, algorithm, computeSeconds } = options;
        const { sentBytes, receivedBytes } = simulateSteps(options).traffic;
        const bytes = sumOf(options.buckets) * bytesPerFloat * computeSeconds.length;
        const expected = { star: 2 * n, mesh: n * (n - 1), 'mesh-two-shot': 2 * (n - 1), ring: 2 * (n - 1) };
        expect(sumOf(sentBytes) / (expected[algorithm] * bytes)).toBeCloseTo(1, 9);
        expect(sumOf(receivedBytes) / sumOf(sentBytes)).toBeCloseTo(1, 9);
        if (algorithm === 'star') expect((receivedBytes[n] ?? 0) / bytes).toBeCloseTo(n, 9);
      }),
    );
  });

  test('nothing happens before its cause', () => {
    fc.assert(
      fc.property(drawnSteps, (options) => {
        const { messages, result } = watch(options);
        const { delaySeconds, bytesPerSecond } = options.link;
        for (const { times, floats, from, hop, step, bucket } of messages) {
          const { asked = Number.NaN, left = Number.NaN, arrived = Number.NaN, delivered = Number.NaN } = times;
          const wire = (floats * bytesPerFloat) / bytesPerSecond;
          expect(left - wire).toBeGreaterThanOrEqual(asked - 1e-9);
          expect(arrived).toBeGreaterThanOrEqual(left + delaySeconds - 1e-9);
          expect(delivered).toBeGreaterThanOrEqual(arrived);
          if (hop === 0) {
            // A rank begins a step when it has the sum of the one before.
            expect(asked).toBeGreaterThanOrEqual(result.rankSeconds[step - 1]?.[from] ?? 0);
            continue;
          }
          // What a process sends on, it has had from others before: of the same bucket, one hop before.
          const causes = messages
            .filter((one) => one.step === step && one.to === from && one.bucket === bucket && one.hop === hop - 1)
            .map((one) => one.times.delivered ?? Number.NaN);
          expect(Math.min(...causes)).toBeLessThanOrEqual(asked);
          if (options.algorithm === 'ring') continue;
          // A sum is of all parts.
          expect(Math.max(...causes)).toBeLessThanOrEqual(asked);
          expect(causes).toHaveLength(options.algorithm === 'star' ? options.worldSize : options.worldSize - 1);
        }
      }),
    );
  });

  test('each way of a link carries one message at a time', () => {
    fc.assert(
      fc.property(drawnSteps, (options) => {
        const ways = new Map<string, { readonly from: number; readonly to: number }[]>();
        for (const { times, floats, from, to } of watch(options).messages) {
          const wire = (floats * bytesPerFloat) / options.link.bytesPerSecond;
          for (const [way, end = Number.NaN] of [
            [`out of ${from}`, times.left],
            [`into ${to}`, times.arrived],
          ] as const) {
            ways.set(way, [...(ways.get(way) ?? []), { from: end - wire, to: end }]);
          }
        }
        for (const taken of ways.values()) {
          const sorted = taken.toSorted((a, b) => a.from - b.from);
          for (const [index, { from }] of sorted.entries()) {
            expect(from).toBeGreaterThanOrEqual((sorted[index - 1]?.to ?? 0) - 1e-9);
          }
        }
      }),
    );
  });

  test('no rank has the sum before all have computed', () => {
    fc.assert(
      fc.property(drawnSteps, (options) => {
        for (const [step, ends] of simulateSteps(options).rankSeconds.entries()) {
          const slowest = Math.max(...(options.computeSeconds[step] as number[]));
          expect(ends).toHaveLength(options.worldSize);
          for (const end of ends) expect(end).toBeGreaterThanOrEqual(slowest);
        }
      }),
    );
  });
});

describe('what is busy', () => {
  test.each([
    ['star', noProcessor, 1e6, { what: 'link', of: 'hub' }],
    ['mesh', noProcessor, 1e6, { what: 'link', of: 'rank' }],
    ['ring', noProcessor, 1e3, { what: 'delay', of: 'rank' }],
    ['star', { ...noProcessor, secondsPerByte: 2e-9 }, 1e6, { what: 'processor', of: 'hub' }],
    ['star', { ...noProcessor, secondsPerAddition: 1e-7 }, 1e6, { what: 'processor', of: 'hub' }],
  ] as const)('%s with %j and %d floats', (algorithm, processor, floats, busiest) => {
    expect(simulateStep({ ...four, algorithm, processor, buckets: [floats] }).busiest).toMatchObject(busiest);
  });

  test('processes of one host share its cores', () => {
    // Only copying counts, 4 ms for each end of a message of 4 MB. Two ranks send at once, and the hub receives and sends.
    const processor = { ...noProcessor, secondsPerByte: 1e-9 };
    const endless = { delaySeconds: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
    const shared = { ...four, worldSize: 2, link: endless, processor };
    expect(simulateStep(shared).seconds).toBeCloseTo(4e-3 + 16e-3 + 4e-3, 12);
    expect(simulateStep({ ...shared, cores: 3 }).seconds).toBeCloseTo(24e-3, 12);
    // One core does all eight copies, one after the other.
    expect(simulateStep({ ...shared, cores: 1 }).seconds).toBeCloseTo(32e-3, 12);
  });
});

describe('1,024 workers', () => {
  const processor = { secondsPerMessage: 2e-5, secondsPerByte: 5e-10, secondsPerAddition: 2e-10 };
  const exchange = {
    worldSize: 1024,
    buckets: lengthsOf(gradientBuckets([25e6])),
    link: linkOf(25e9, 1e-4),
    processor,
  };

  test.each(modelledAlgorithms)('%s: no more messages than take a moment, and what the formula says', (algorithm) => {
    const { seconds, messages } = step(exchange, { algorithm });
    expect(messages).toBeLessThanOrEqual(1 << 16);
    expect(seconds / allReduceSeconds(algorithm, exchange)).toBeCloseTo(1, 1);
  });
});
