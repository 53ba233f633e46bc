import { expect, it } from 'vitest';
import { processorSeconds, systemClock } from '../../../../src/shared/core/clock.ts';

/** Readings before and after are of the platform's own clocks, so that no time need pass. */
function between(read: () => number, clock: () => number): void {
  const before = clock();
  const value = read();
  expect(value).toBeGreaterThanOrEqual(before);
  expect(value).toBeLessThanOrEqual(clock());
}

it('counts seconds of a clock that never goes backwards, and milliseconds of the wall clock', () => {
  between(systemClock.now, () => performance.now() / 1000);
  between(systemClock.unixMs, Date.now);
});

it('counts the processor time of the process, in its own code and in the kernel', () => {
  between(processorSeconds, () => {
    const { user, system } = process.cpuUsage();
    return user / 1e6 + system / 1e6;
  });
});
