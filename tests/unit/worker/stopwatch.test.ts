import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startStopwatch } from '../../../src/worker/stopwatch.ts';

test('every moment goes to one activity, whatever is claimed to have been waiting', () => {
  const lap = fc.record({
    seconds: fc.double({ min: 0, max: 10, noNaN: true }),
    activity: fc.constantFrom('load', 'compute', 'communicate', 'apply', 'evaluate', 'idle', undefined),
    waitSeconds: fc.double({ min: 0, max: 20, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(lap), (laps) => {
      let now = 5;
      const watch = startStopwatch({ now: () => now, unixMs: () => 0 });
      let skipped = 0;
      for (const { seconds, activity, waitSeconds } of laps) {
        now += seconds;
        if (activity === undefined) {
          watch.skip();
          skipped += seconds;
        } else watch.lap(activity, waitSeconds);
      }
      const total = Object.values(watch.totals()).reduce((sum, value) => sum + value, 0);
      expect(total).toBeCloseTo(now - 5 - skipped, 6);
    }),
  );
});

test('of a lap, what was waiting is told apart', () => {
  let now = 0;
  const watch = startStopwatch({ now: () => now, unixMs: () => 0 });
  now = 3;
  watch.lap('communicate', 1);
  now = 4;
  watch.lap('compute');
  expect(watch.totals()).toMatchObject({ communicate: 2, wait: 1, compute: 1, idle: 0 });
});
