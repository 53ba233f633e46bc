import { describe, expect, it } from 'vitest';
import { deadlinesFrom } from '../../../../src/shared/core/deadlines.ts';

describe('deadlinesFrom', () => {
  it.each([
    { timeout: 1, heartbeatMs: 100, connectionMs: 500, lostMs: 800, trialMs: 150, reachMs: 100, exitMs: 100 },
    { timeout: 10, heartbeatMs: 1000, connectionMs: 5000, lostMs: 8000, trialMs: 1500, reachMs: 1000, exitMs: 1000 },
    {
      timeout: 30,
      heartbeatMs: 3000,
      connectionMs: 15_000,
      lostMs: 24_000,
      trialMs: 4500,
      reachMs: 3000,
      exitMs: 3000,
    },
    {
      timeout: 40,
      heartbeatMs: 4000,
      connectionMs: 20_000,
      lostMs: 32_000,
      trialMs: 6000,
      reachMs: 3000,
      exitMs: 3000,
    },
    {
      timeout: 50,
      heartbeatMs: 5000,
      connectionMs: 25_000,
      lostMs: 40_000,
      trialMs: 7500,
      reachMs: 3000,
      exitMs: 3000,
    },
    {
      timeout: 600,
      heartbeatMs: 5000,
      connectionMs: 300_000,
      lostMs: 480_000,
      trialMs: 20_000,
      reachMs: 3000,
      exitMs: 3000,
    },
  ])('of $timeout s', ({ timeout, heartbeatMs, connectionMs, lostMs, trialMs, reachMs, exitMs }) => {
    expect(deadlinesFrom(timeout)).toEqual({
      heartbeatMs,
      connectionMs,
      silenceMs: lostMs,
      stepMs: lostMs,
      rendezvousMs: lostMs,
      loadMs: lostMs / 2,
      trialMs,
      reachMs,
      answerMs: lostMs / 2,
      exitMs,
    });
  });

  it('leaves time to end cleanly before the timeout the user asked for', () => {
    for (const timeout of [1, 30, 600]) {
      const { heartbeatMs, silenceMs, stepMs, rendezvousMs, exitMs } = deadlinesFrom(timeout);
      // A loss is looked for every half heartbeat.
      expect(silenceMs + heartbeatMs / 2 + exitMs).toBeLessThan(timeout * 1000);
      expect(stepMs + heartbeatMs / 2 + exitMs).toBeLessThan(timeout * 1000);
      expect(rendezvousMs + heartbeatMs / 2 + exitMs).toBeLessThan(timeout * 1000);
      expect(silenceMs / heartbeatMs).toBeGreaterThanOrEqual(3);
    }
  });
});
