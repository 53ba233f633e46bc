import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createStepMetrics } from '../../../../src/coordinator/metrics/collectors/step-metrics.ts';
import { durationBuckets } from '../../../../src/coordinator/metrics/duration-buckets.ts';
import { noPhaseSeconds } from '../../../../src/shared/core/phases.ts';
import { bucketsIn, histogramQuantile } from '../../../support/histogram-quantile.ts';
import { observedRun, stepEvent } from '../../../support/observed-run.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';
import { parseSamples } from '../../../support/scrape.ts';
import { thorough } from '../../../support/thoroughness.ts';

const name = 'pennygrad_step_duration_seconds';

/** What a scrape has of a run whose steps took these times. */
async function scrapeOf(...seconds: readonly number[]): Promise<ReadonlyMap<string, number>> {
  const registry = new Registry();
  const observe = createStepMetrics(registry, observedRun);
  for (const [step, duration] of seconds.entries()) {
    const phases = { ...noPhaseSeconds, compute: duration };
    observe(stepEvent(step, { seconds: duration, members: [{ workerId: 'w0', samples: 1, phases }] }));
  }
  return parseSamples(await registry.metrics());
}

async function medianOf(...seconds: readonly number[]): Promise<number> {
  return histogramQuantile(0.5, bucketsIn(await scrapeOf(...seconds), name));
}

describe('the duration of a step', () => {
  test('that becomes 10 % longer shows in the median, wherever it is between 1 ms and 10 s', async () => {
    await fc.assert(
      fc.asyncProperty(logUniform(0.001, 10 / 1.1), async (seconds) => {
        // The worst case: every step takes the same time, so that only its bucket tells.
        const change = (await medianOf(1.1 * seconds)) / (await medianOf(seconds));
        expect(change).toBeGreaterThan(1.04);
        expect(change).toBeLessThan(1.25);
      }),
      { numRuns: thorough ? 200 : 20 },
    );
  });

  test('is told to 10 %', async () => {
    await fc.assert(
      fc.asyncProperty(logUniform(0.001, 10), async (seconds) => {
        expect((await medianOf(seconds)) / seconds).toBeGreaterThan(0.9);
        expect((await medianOf(seconds)) / seconds).toBeLessThan(1.1);
      }),
      { numRuns: thorough ? 100 : 10 },
    );
  });

  test('that spreads by a few percent, as steps do, is told to 2 %', async () => {
    const spread = Array.from({ length: 101 }, (_, index) => 0.93 + (0.14 * index) / 100);
    const medians = await Promise.all([0.0075, 0.00825].map((mean) => medianOf(...spread.map((part) => part * mean))));
    expect((medians[1] ?? 0) / (medians[0] ?? 1)).toBeCloseTo(1.1, 1);
    for (const [index, mean] of [0.0075, 0.00825].entries()) {
      expect(Math.abs((medians[index] ?? 0) / mean - 1)).toBeLessThan(0.02);
    }
  });
});

test('a phase that becomes 22 % longer shows in its median', async () => {
  for (const seconds of [0.00011, 0.003, 0.0077, 0.5, 7]) {
    const [before, after] = await Promise.all(
      [seconds, 1.22 * seconds].map(async (duration) =>
        histogramQuantile(
          0.5,
          bucketsIn(await scrapeOf(duration), 'pennygrad_step_phase_duration_seconds', 'phase="compute"'),
        ),
      ),
    );
    expect((after ?? 0) / (before ?? 1)).toBeGreaterThan(1.1);
  }
});

test('a run has 104 series of steps and 320 of phases, however many workers it has', async () => {
  const names = [...(await scrapeOf(0.01)).keys()];
  expect(names.filter((series) => series.startsWith(name))).toHaveLength(104);
  expect(names.filter((series) => series.startsWith('pennygrad_step_phase_duration_seconds'))).toHaveLength(320);
});

test('bounds ascend evenly from the shortest to the longest, in four digits', () => {
  const bounds = durationBuckets(0.001, 10, 25);
  expect([bounds[0], bounds[25], bounds[50], bounds.at(-1)]).toEqual([0.001, 0.01, 0.1, 10]);
  for (const [index, bound] of bounds.slice(1).entries()) {
    expect(bound / (bounds[index] ?? 0)).toBeGreaterThan(1.09);
    expect(bound / (bounds[index] ?? 0)).toBeLessThan(1.1);
    expect(String(bound).replace(/^0\.0*|\./g, '').length).toBeLessThanOrEqual(4);
  }
});
