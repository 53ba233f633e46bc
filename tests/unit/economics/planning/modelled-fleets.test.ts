import { describe, expect, test } from 'vitest';
import { measuredWork, modelFleets } from '../../../../src/economics/planning/modelled-fleets.ts';
import { askedFleets } from '../../../support/asked-fleets.ts';
import { comparedRun } from '../../../support/compared-runs.ts';

const asked = askedFleets;

describe('modelFleets', () => {
  test('a worker alone is as fast as it is, and is one row', () => {
    const [alone, ...others] = modelFleets(asked).fleets;
    expect(others).toHaveLength(2);
    expect(alone).toMatchObject({
      workers: 1,
      allReduce: undefined,
      communicateSeconds: 0,
      // 1,000 samples in 0.8 s at a ten-thousandth of a dollar a second.
      step: { seconds: 0.8, computeSeconds: 0.8, waitSeconds: 0, efficiency: 1, samplesPerSecond: 1250 },
    });
    expect(alone?.step?.usdPerMillionSamples).toBeCloseTo(0.08, 12);
    expect(alone?.step?.usdPerEpoch).toBeCloseTo(0.0048, 12);
  });

  test('four share the batch, exchange gradients, and cost four times as much a second', () => {
    const [, star, mesh] = modelFleets(asked).fleets;
    // 2 α, and five times four buckets of 1 MB through the hub's link. Of the last one, rank 0 has its four turns three turns
    // of a quarter of a millisecond before rank 3.
    expect(star?.formulaSeconds).toBeCloseTo(0.022, 9);
    expect(star?.communicateSeconds).toBeCloseTo(0.02125, 9);
    expect(star?.step?.seconds).toBeCloseTo(0.22125, 9);
    expect(star?.step?.computeSeconds).toBeCloseTo(0.2, 9);
    expect(star?.step?.efficiency).toBeCloseTo(0.8 / (4 * 0.22125), 9);
    expect(star?.step?.samplesPerSecond).toBeCloseTo(1000 / 0.22125, 6);
    expect(star?.step?.usdPerMillionSamples).toBeCloseTo(4 * 1e-4 * 221.25, 9);
    expect(star?.step?.usdPerEpoch).toBeCloseTo(4 * 1e-4 * 0.22125 * 60, 9);
    expect(star?.computeForNineTenthsSeconds).toBeCloseTo(9 * 0.02125, 9);
    expect(mesh?.communicateSeconds).toBeCloseTo(0.007, 9);
    expect([star?.isFastest, mesh?.isFastest]).toEqual([false, true]);
    expect([star?.allReduce, mesh?.allReduce]).toEqual(['star', 'mesh-two-shot']);
  });

  test('compressed gradients are a mesh of shorter messages, and time to encode and decode', () => {
    const costs = { secondsPerEncodedFloat: 2e-9, secondsPerDecodedFloat: 1e-9 };
    const processor = { ...asked.processor, secondsPerAddition: 1e-9 };
    const { fleets } = modelFleets({ ...asked, algorithms: ['mesh'], processor, compression: { name: 'bf16', costs } });
    const [alone, plain, compressed, ...others] = fleets;
    expect(others).toEqual([]);
    expect(alone?.compressed).toBeUndefined();
    expect(plain?.compressed).toBeUndefined();
    // 2 ns and four times 1 ns for a million floats; and 1 ns for three times the half of them that messages do not have.
    expect(compressed?.compressed).toEqual({
      name: 'bf16',
      codecSeconds: expect.closeTo(0.0075, 9),
      plainSeconds: plain?.communicateSeconds,
    });
    // Three times 2 MB instead of 4 MB through each link.
    const saved = (plain?.communicateSeconds ?? 0) - (compressed?.communicateSeconds ?? 0);
    expect(saved).toBeGreaterThan(0.006 - 0.0075);
    expect(saved).toBeLessThan(0.006 - 0.0045);
    expect([plain?.isFastest, compressed?.isFastest]).toEqual([true, false]);
    const slower = modelFleets({
      ...asked,
      algorithms: ['mesh'],
      bitsPerSecond: 1e9,
      compression: { name: 'bf16', costs },
    });
    expect(slower.fleets.map(({ isFastest }) => isFastest)).toEqual([true, false, true]);
  });

  test('says that it is modelled, and in how many buckets a gradient travels', () => {
    expect(modelFleets(asked)).toMatchObject({ basis: 'modelled', buckets: 4, parameters: 1e6, delaySeconds: 1e-3 });
  });

  test('without the time of one worker only the exchange is known, and without a price no cost', () => {
    const [, star] = modelFleets({ ...asked, aloneSeconds: undefined }).fleets;
    expect(star?.step).toBeUndefined();
    expect(star?.communicateSeconds).toBeCloseTo(0.02125, 9);
    const [, free] = modelFleets({ ...asked, usdPerHour: undefined }).fleets;
    expect(free?.step).toMatchObject({ usdPerMillionSamples: undefined, usdPerEpoch: undefined });
    const [, endless] = modelFleets({ ...asked, epochSamples: undefined }).fleets;
    expect(endless?.step?.usdPerEpoch).toBeUndefined();
    expect(endless?.step?.usdPerMillionSamples).toBeGreaterThan(0);
  });

  test('with a spread a step waits for the slowest, and every time alike', () => {
    const [, star] = modelFleets({ ...asked, spread: 0.1 }).fleets;
    // The largest of four standard normal values is 1.029 on average (Tippett, 1925).
    expect(star?.step?.waitSeconds).toBeGreaterThan(0.2 * 0.08);
    expect(star?.step?.waitSeconds).toBeLessThan(0.2 * 0.13);
    expect(star?.step?.computeSeconds).toBeCloseTo(0.2, 9);
    const { seconds = 0, computeSeconds = 0, waitSeconds = 0 } = star?.step ?? {};
    expect(seconds).toBeCloseTo(computeSeconds + waitSeconds + (star?.communicateSeconds ?? 0), 9);
    // Gradients of the others are with the hub before the slowest has its own.
    expect(star?.communicateSeconds).toBeLessThan(0.02);
    expect(modelFleets({ ...asked, spread: 0.1 })).toEqual(modelFleets({ ...asked, spread: 0.1 }));
  });

  test('with local updates there is one exchange in as many', () => {
    const step = (localSteps: number) => {
      const changes = { localSteps, batchSize: 1000 * localSteps, aloneSeconds: 0.8 * localSteps };
      return modelFleets({ ...asked, algorithms: ['mesh-two-shot'], ...changes }).fleets[1];
    };
    // Four workers compute 0.2 s for an update, and exchange for 7 ms.
    expect(step(1)?.step?.samplesPerSecond).toBeCloseTo(1000 / 0.207, 6);
    expect(step(16)?.communicateSeconds).toBeCloseTo(0.007, 9);
    expect(step(16)?.step?.seconds).toBeCloseTo(16 * 0.2 + 0.007, 9);
    expect(step(16)?.step?.samplesPerSecond).toBeCloseTo(16_000 / 3.207, 6);
    expect(step(16)?.step?.efficiency).toBeCloseTo(3.2 / 3.207, 9);
  });

  test('with local updates workers that are unequally long over each wait less for each other', () => {
    const wait = (localSteps: number) => {
      const changes = { localSteps, aloneSeconds: 0.8 * localSteps, spread: 0.15 };
      return (modelFleets({ ...asked, ...changes }).fleets[1]?.step?.waitSeconds ?? 0) / localSteps;
    };
    // The deviation of a mean of 16 is a quarter of that of one.
    expect(wait(1) / wait(16)).toBeGreaterThan(3.5);
    expect(wait(1) / wait(16)).toBeLessThan(4.5);
  });

  test('with overlap, less is left to exchange after computing', () => {
    const [, star] = modelFleets({ ...asked, overlap: 0.5 }).fleets;
    // Only the last of four buckets: 4 MB in, 4 MB out, and rank 0 is three turns ahead.
    expect(star?.communicateSeconds).toBeCloseTo(0.01 - 0.75e-3, 9);
    expect(star?.formulaSeconds).toBeCloseTo(0.022, 9);
  });
});

describe('measuredWork', () => {
  /** Two workers at $0.36: a step of 64 takes 12.8 ms, of which each computes 80 %. */
  const { summary } = comparedRun({
    workers: [
      { backend: 'wasm', price: 0.36 },
      { backend: 'wasm', price: 0.36 },
    ],
    rate: 5000,
    batch: 64,
  });

  test('one worker alone computes as long as all together', () => {
    const work = measuredWork(summary);
    expect(work).toMatchObject({ parameters: 93_322, batchSize: 64, epochSamples: 60_000 });
    expect(work.usdPerHour).toBeCloseTo(0.36, 12);
    expect(work.aloneSeconds).toBeCloseTo(2 * 0.8 * 0.0128, 4);
  });

  test('workers without a price have none', () => {
    expect(measuredWork({ ...summary, price_usd_per_hour: undefined }).usdPerHour).toBeUndefined();
  });

  test('a run without a step has nothing to plan from', () => {
    expect(() => measuredWork({ ...summary, steps: 0 })).toThrow('trained no step: there is nothing to plan from');
  });
});
