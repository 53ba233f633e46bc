import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpentSeconds } from '../../../src/shared/core/phases.ts';
import { startUsageMeter } from '../../../src/worker/usage-meter.ts';

test('every moment goes to one activity, whatever is claimed to have been waiting', () => {
  // Milliseconds: a double of random bits is hardly ever of the order of a lap.
  const seconds = fc.integer({ min: 0, max: 10_000 }).map((milliseconds) => milliseconds / 1000);
  const lap = fc.record({
    seconds,
    activity: fc.constantFrom('load', 'compute', 'communicate', 'apply', 'evaluate', 'idle', undefined),
    waitSeconds: seconds,
  });
  fc.assert(
    fc.property(fc.array(lap), (laps) => {
      let now = 5;
      const meter = startUsageMeter({ now: () => now });
      let skipped = 0;
      let before = meter.totals().seconds;
      for (const { seconds, activity, waitSeconds } of laps) {
        now += seconds;
        if (activity === undefined) {
          meter.skip();
          skipped += seconds;
        } else meter.lap(activity, waitSeconds);
        const after = meter.totals().seconds;
        for (const name of Object.keys(after) as (keyof SpentSeconds)[]) {
          expect(after[name]).toBeGreaterThanOrEqual(before[name]);
        }
        before = after;
      }
      const total = Object.values(meter.totals().seconds).reduce((sum, value) => sum + value, 0);
      expect(total).toBeCloseTo(now - 5 - skipped, 6);
    }),
  );
});

test('of a lap, what was waiting is told apart', () => {
  let now = 0;
  const meter = startUsageMeter({ now: () => now });
  now = 3;
  meter.lap('communicate', 1);
  now = 4;
  meter.lap('compute');
  expect(meter.totals().seconds).toMatchObject({ communicate: 2, wait: 1, compute: 1, idle: 0 });
});

test('bytes add up', () => {
  const meter = startUsageMeter({ now: () => 0 });
  meter.exchanged({ sent: 10, received: 20 });
  meter.exchanged({ sent: 1, received: 2 });
  expect(meter.totals().bytes).toEqual({ sent: 11, received: 22 });
});
