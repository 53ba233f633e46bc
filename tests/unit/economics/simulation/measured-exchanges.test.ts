/**
 * The simulation beside what was measured. The tables of docs/performance.md that state how far off it is must have each point
 * as it is computed here.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { measuredProcessor } from '../../../../src/economics/simulation/measured-costs.ts';
import { gradientBuckets } from '../../../../src/shared/collectives/buckets.ts';
import { lengthsOf } from '../../../../src/shared/collectives/cost-model.ts';
import { meanOf } from '../../../../src/shared/core/sums.ts';
import {
  fitCosts,
  foretellReduction,
  foretellStep,
  type MeasuredReduction,
  type MeasuredStep,
  measured,
} from '../../../support/measured-exchanges.ts';

const page = readFileSync(fileURLToPath(new URL('../../../../docs/performance.md', import.meta.url)), 'utf8');

const reductionsOf = (set: string) => measured.reductions.filter((point) => point.set === set);
const start = { ...measuredProcessor, secondsPerMessage: 2e-5, secondsPerByte: 5e-10 };
/** Floats are added in WebAssembly there. */
const sharedMemory = fitCosts(reductionsOf('bench mesh'), { ...start, secondsPerAddition: 3e-10 }, undefined);
const prototype = fitCosts(reductionsOf('prototype'), { ...start, secondsPerAddition: 3e-10 }, 2);

const errorOf = (foretold: number, found: number) => foretold / found - 1;
const signed = (error: number) => `${error < 0 ? '−' : '+'}${(100 * Math.abs(error)).toFixed(1)} %`;
const figure = (ms: number) => (ms >= 99.95 ? ms.toFixed(0) : String(Number(ms.toPrecision(3))));
const count = (floats: number) => floats.toLocaleString('en-US');

function foretoldReduction(point: MeasuredReduction): number {
  if (point.set === 'prototype') return foretellReduction(point, prototype, 2);
  return foretellReduction(point, point.set === 'bench mesh' ? sharedMemory : measuredProcessor, undefined);
}

function foretoldStep(point: MeasuredStep): number {
  return foretellStep(point, point.algorithm === 'mesh' ? sharedMemory : measuredProcessor);
}

function reductionRow(point: MeasuredReduction): string {
  const foretold = foretoldReduction(point);
  return `| ${point.algorithm} | ${count(point.floats)} | ${figure(point.ms)} | ${figure(foretold)} | ${signed(errorOf(foretold, point.ms))} |`;
}

function stepRow(point: MeasuredStep): string {
  const { set, what, algorithm, workers, bitsPerSecond, computeMs, waitMs, stepMs } = point;
  const foretold = foretoldStep(point);
  const where = bitsPerSecond === undefined ? 'one host' : `${bitsPerSecond / 1e6} Mbit/s`;
  return `| ${set} | ${algorithm} | ${workers} | ${where} | ${what} | ${figure(computeMs + waitMs)} | ${figure(stepMs)} | ${figure(foretold)} | ${signed(errorOf(foretold, stepMs))} |`;
}

/** A row for each number of workers and floats: measured, and how far off the model is, by algorithm. */
function prototypeRows(): readonly string[] {
  const sizes = [...new Set(reductionsOf('prototype').map(({ workers, floats }) => `${workers} ${floats}`))];
  return sizes.map((size) => {
    const [workers = 0, floats = 0] = size.split(' ').map(Number);
    const cells = ['star', 'ring', 'mesh-two-shot'].map((algorithm) => {
      const point = reductionsOf('prototype').find(
        (one) => one.algorithm === algorithm && one.workers === workers && one.floats === floats,
      );
      return point && `${figure(point.ms)}, ${signed(errorOf(foretoldReduction(point), point.ms))}`;
    });
    return `| ${workers} | ${count(floats)} | ${cells.join(' | ')} |`;
  });
}

const steps = measured.steps.map((point) => ({ point, error: errorOf(foretoldStep(point), point.stepMs) }));
/** The page says why these are further off. */
const busy = steps.filter(({ point }) => point.set === 'busy hour');
const uneven = steps.filter(({ point }) => point.buckets.length > 2 && point.bitsPerSecond !== undefined);
const others = steps.filter((one) => !busy.includes(one) && !uneven.includes(one));

describe('the costs of messages', () => {
  test('are those that fit the bench of the star', () => {
    const fitted = fitCosts(reductionsOf('bench star'), start, undefined);
    expect(measuredProcessor.secondsPerMessage / fitted.secondsPerMessage).toBeCloseTo(1, 1);
    expect(measuredProcessor.secondsPerByte / fitted.secondsPerByte).toBeCloseTo(1, 1);
  });
});

describe('the model is off by less than 15 %', () => {
  test.each(measured.reductions.filter(({ set }) => set !== 'prototype'))(
    'for the $algorithm of $floats floats',
    (point) => {
      expect(Math.abs(errorOf(foretoldReduction(point), point.ms))).toBeLessThan(0.15);
    },
  );

  test.each(others)(
    'for a step of $point.workers workers: $point.set, $point.what, $point.bitsPerSecond',
    ({ error }) => {
      expect(Math.abs(error)).toBeLessThan(0.15);
    },
  );

  test('but not where streams share a link unevenly for several buckets, where it is too fast', () => {
    expect(uneven).toHaveLength(3);
    for (const { error } of uneven) {
      expect(error).toBeLessThan(-0.15);
      expect(error).toBeGreaterThan(-0.2);
    }
  });

  test('nor for the star in an hour in which the machine was slower than when its costs were measured', () => {
    expect(busy.map(({ error }) => Math.abs(error) < 0.15)).toEqual([false, true]);
  });
});

/** What the page has to say in its sentences. */
function statements(): readonly string[] {
  const prototypes = reductionsOf('prototype').map((point) => errorOf(foretoldReduction(point), point.ms));
  const errors = [[...others, ...uneven].map(({ error }) => error), others.map(({ error }) => error), prototypes].map(
    (all) => all.map(Math.abs),
  );
  return [
    ...[measuredProcessor, sharedMemory, prototype].map(
      ({ secondsPerMessage, secondsPerByte }) =>
        `${(1e6 * secondsPerMessage).toPrecision(2)} µs a message and ${(1e9 * secondsPerByte).toFixed(2)} ns a byte`,
    ),
    ...errors.map(
      (all) =>
        `by ${(100 * meanOf(all)).toFixed(1)} % on average and by ${(100 * Math.max(...all)).toFixed(1)} % at most`,
    ),
  ];
}

test('the page states each point, the fitted costs, and how far off all are', () => {
  const rows = [
    ...measured.reductions.filter(({ set }) => set !== 'prototype').map(reductionRow),
    ...measured.steps.map(stepRow),
    ...prototypeRows(),
  ];
  const flowed = page.replaceAll(/\s+/g, ' ');
  expect([
    ...rows.filter((row) => !page.includes(`\n${row}\n`)),
    ...statements().filter((statement) => !flowed.includes(statement)),
  ]).toEqual([]);
});

test('the buckets of the steps are those of the models', () => {
  const sizes: Readonly<Record<string, readonly number[]>> = {
    mlp: [100_352, 128, 1280, 10],
    'mlp, 100 × 100 pixels': [1_280_000, 128, 1280, 10],
  };
  const cnn = [288, 32, 18_432, 64, 36_864, 64, 36_864, 64, 640, 10];
  expect(measured.steps.map(({ buckets }) => buckets.join())).toEqual(
    measured.steps.map(({ what }) => lengthsOf(gradientBuckets(sizes[what] ?? cnn)).join()),
  );
});
