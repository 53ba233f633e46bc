import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  modelledRatio,
  rateDeviation,
  rateWithout,
  removalError,
  type WorkerStep,
} from '../../../../src/economics/models/worker-removal.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const step = (overrides: Partial<WorkerStep> = {}): WorkerStep => ({
  samples: 32,
  computeSeconds: 0.1,
  communicateSeconds: 0,
  waitSeconds: 0,
  loadSeconds: 0,
  ...overrides,
});

describe('rateWithout', () => {
  test('of two equal workers with nothing but computing, one brings half', () => {
    expect(rateWithout([step(), step()], 0, 0.1)).toBeCloseTo(320, 9);
  });

  test('a worker that is left alone has no communication and no waiting; loading and the unexplained stay', () => {
    const worker = step({ communicateSeconds: 0.05, waitSeconds: 0.03, loadSeconds: 0.02 });
    // 0.2 s a step, all explained: alone 0.2 s of computing and 0.02 s of loading.
    expect(rateWithout([worker, worker], 1, 0.2)).toBeCloseTo(64 / 0.22, 9);
    // 0.01 s that no phase explains.
    expect(rateWithout([worker, worker], 1, 0.21)).toBeCloseTo(64 / 0.23, 9);
  });

  test('of three, half of the communication and waiting is left, of four two thirds', () => {
    const worker = step({ communicateSeconds: 0.05, waitSeconds: 0.01 });
    expect(rateWithout([worker, worker, worker], 0, 0.16)).toBeCloseTo(96 / (0.15 + 0.03), 9);
    expect(rateWithout([worker, worker, worker, worker], 3, 0.16)).toBeCloseTo(128 / (0.4 / 3 + 0.04), 9);
  });

  test('the others take over the samples at their own speeds; waiting for the slow one goes with it', () => {
    // 480 and 160 samples/s: together they would take 0.1 s if evenly loaded. 32 each take 0.2 s.
    const [fast, slow] = [
      step({ computeSeconds: 32 / 480, waitSeconds: 0.2 - 32 / 480 }),
      step({ computeSeconds: 32 / 160 }),
    ];
    expect(rateWithout([fast, slow], 1, 0.2)).toBeCloseTo(480, 9);
    expect(rateWithout([fast, slow], 0, 0.2)).toBeCloseTo(160, 9);
  });

  test('the only worker brings everything', () => {
    expect(rateWithout([step()], 0, 0.2)).toBe(0);
  });

  test('no fleet gets faster than its workers compute', () => {
    const seconds = logUniform(1e-4, 10);
    const worker = fc.record({
      samples: fc.integer({ min: 1, max: 512 }),
      computeSeconds: seconds,
      communicateSeconds: seconds,
      waitSeconds: seconds,
      loadSeconds: seconds,
    });
    fc.assert(
      fc.property(fc.array(worker, { minLength: 2, maxLength: 8 }), seconds, (workers, stepSeconds) => {
        const speed = workers.slice(1).reduce((sum, { samples, computeSeconds }) => sum + samples / computeSeconds, 0);
        expect(rateWithout(workers, 0, stepSeconds)).toBeLessThanOrEqual(speed * (1 + 1e-9));
      }),
    );
  });
});

/** A fleet and its batch in docs/study.md, with what its tables say of it. */
interface Studied {
  readonly counts: ReadonlyMap<string, number>;
  readonly batch: number;
  readonly rate: number;
  readonly stepMs: number;
  readonly shares: readonly number[];
}

/** The points of the study, read from its tables: samples/s from the first, shares of a step from the second. */
function studiedPoints(): readonly Studied[] {
  const text = readFileSync(fileURLToPath(new URL('../../../../docs/study.md', import.meta.url)), 'utf8');
  const number = (digits = '') => Number(digits.replaceAll(',', ''));
  const rates = new Map(
    [...text.matchAll(/^ (\d × .+?) {2,}([\d,]+) +([\d,]+) \(/gm)].map(([, name, batch, rate]) => [
      `${name}|${batch}`,
      number(rate),
    ]),
  );
  const steps = /^ (\d × .+?) {2,}([\d,]+) +([\d.]+) +([\d.]+) % +([\d.]+) % +([\d.]+) % +([\d.]+) % +[\d.]+ %$/gm;
  return [...text.matchAll(steps)].map(([, name = '', batch, stepMs, ...shares]) => ({
    counts: new Map(
      name.split(' + ').map((part) => {
        const [count, kind = ''] = part.split(' × ');
        return [kind, Number(count)];
      }),
    ),
    batch: number(batch),
    rate: rates.get(`${name}|${batch}`) ?? Number.NaN,
    stepMs: number(stepMs),
    shares: shares.map((share) => Number(share) / 100),
  }));
}

const speedOf = (kind: string) => (kind.includes('emulated at 25 %') ? 0.25 : 1);

/** Logarithm of the measured rate over the modelled one, for every fleet that was also measured without one worker. */
function errorsInStudy(): readonly number[] {
  const points = studiedPoints();
  return points.flatMap(({ counts, batch, stepMs, shares: [compute = 0, communicate = 0, wait = 0, load = 0] }) =>
    [...counts.keys()].flatMap((kind) => {
      const rest = [...counts].map(([name, count]) => [name, count - (name === kind ? 1 : 0)] as const);
      const without = points.find(
        (point) =>
          point.batch === batch &&
          rest.every(([name, count]) => (point.counts.get(name) ?? 0) === count) &&
          [...point.counts.keys()].every((name) => counts.has(name)),
      );
      if (without === undefined) return [];
      // Shares follow the speeds, so that all compute for the same time.
      const names = [...counts].flatMap(([name, count]) => Array<string>(count).fill(name));
      const speed = names.reduce((sum, name) => sum + speedOf(name), 0);
      const workers = names.map((name) => ({
        samples: (batch * speedOf(name)) / speed,
        computeSeconds: stepMs * compute,
        communicateSeconds: stepMs * communicate,
        waitSeconds: stepMs * wait,
        loadSeconds: stepMs * load,
      }));
      return [Math.log(without.rate / 1000 / rateWithout(workers, names.indexOf(kind), stepMs))];
    }),
  );
}

describe('the error of the model', () => {
  test('is what it was on the sweeps of the study, and its interval holds all of them', () => {
    const errors = errorsInStudy();
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const variance = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / (errors.length - 1);
    expect(errors).toHaveLength(removalError.pairs);
    expect(mean).toBeCloseTo(removalError.mean, 3);
    expect(Math.sqrt(variance)).toBeCloseTo(removalError.deviation, 3);
    const [low, high] = modelledRatio([{ ratio: 1, deviation: 0 }]).interval ?? [0, 0];
    for (const error of errors) {
      expect(Math.exp(-error)).toBeGreaterThan(low);
      expect(Math.exp(-error)).toBeLessThan(high);
    }
  });

  test('is taken off, and what is left of it makes the interval: t(15) = 2.131', () => {
    const { value, interval } = modelledRatio([{ ratio: 1.4, deviation: 0 }]);
    expect(value).toBeCloseTo(1.4 * Math.exp(-0.073), 9);
    const reach = 2.131 * Math.sqrt(0.057 ** 2 * (1 + 1 / 16) + 0.075 ** 2);
    expect(interval?.[0]).toBeCloseTo(value * Math.exp(-reach), 9);
    expect(interval?.[1]).toBeCloseTo(value * Math.exp(reach), 9);
  });

  test('repeats lessen what runs add to it: the value is their geometric mean', () => {
    const ratios = [1.2, 1.8, 1.2, 1.8].map((ratio) => ({ ratio, deviation: 0 }));
    const { value, interval } = modelledRatio(ratios);
    expect(value).toBeCloseTo(Math.sqrt(1.2 * 1.8) * Math.exp(-0.073), 9);
    const reach = 2.131 * Math.sqrt(0.057 ** 2 * (1 + 1 / 16) + 0.075 ** 2 / 4);
    expect(Math.log((interval?.[1] ?? 0) / value)).toBeCloseTo(reach, 9);
  });

  test('what changed within the runs counts for them, and for the one without the worker', () => {
    const { value, interval } = modelledRatio([0.1, 0.3].map((deviation) => ({ ratio: 1.4, deviation })));
    const within = (0.01 + 0.09) / 2;
    const reach = 2.131 * Math.sqrt(0.057 ** 2 * (1 + 1 / 16) + (0.075 ** 2 + within) / 2 + within);
    expect(Math.log((interval?.[1] ?? 0) / value)).toBeCloseTo(reach, 9);
  });
});

describe('rateDeviation', () => {
  test('is that of the tenths of a run, each by its time for a sample', () => {
    // Two steps a part, of 1 and 3 s a sample: 0.5 samples/s. In half of the parts all is twice as fast.
    const rates = Array.from({ length: 10 }, (_, part) =>
      [1, 1 / 3].map((rate) => (part < 5 ? rate : 2 * rate)),
    ).flat();
    // The logarithms are half of ln 2 to both sides of their mean.
    expect(rateDeviation(rates)).toBeCloseTo(Math.sqrt((10 * (Math.log(2) / 2) ** 2) / 9), 12);
    expect(rateDeviation(rates.map((rate) => 1000 * rate))).toBeCloseTo(rateDeviation(rates) ?? 0, 12);
    // The 21st belongs to no tenth.
    expect(rateDeviation([...rates, 1e-9])).toBeCloseTo(rateDeviation(rates) ?? 0, 12);
  });

  test('needs ten figures', () => {
    expect(rateDeviation(Array<number>(9).fill(5))).toBeUndefined();
    expect(rateDeviation([])).toBeUndefined();
    expect(rateDeviation(Array<number>(10).fill(5))).toBeCloseTo(0, 12);
  });
});
