import { describe, expect, it } from 'vitest';
import { sleepPrecisely } from '../../../src/worker/precise-sleep.ts';

describe('sleepPrecisely', () => {
  it.each([0, 0.3, 1.7, 2.5, 7.9])('never ends before %d ms are over', async (milliseconds) => {
    const started = performance.now();
    await sleepPrecisely(milliseconds);
    expect(performance.now() - started).toBeGreaterThanOrEqual(milliseconds);
  });

  it('lets others run while there is time for a timer', async () => {
    let ran = false;
    setTimeout(() => {
      ran = true;
    }, 1);
    await sleepPrecisely(30);
    expect(ran).toBe(true);
  });
});
