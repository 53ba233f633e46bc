import { expect, it } from 'vitest';
import { deadlinesFrom } from '../../../../src/shared/core/deadlines.ts';

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
