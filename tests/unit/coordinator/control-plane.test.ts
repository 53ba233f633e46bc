/** The coordinator's timers, in virtual time; its socket is real, and nobody connects. */
import { afterEach, describe, expect, it } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../../src/coordinator/control-plane.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createSuspendableTime } from '../../support/suspendable-time.ts';
import { identity } from './membership/gathering.ts';

const opened: ControlPlane[] = [];
afterEach(async () => {
  for (const control of opened.splice(0)) await control.close();
});

/** With a timeout of 10 s, workers have 8 s to come. */
async function gather() {
  const time = createSuspendableTime();
  const events: RunEvent[] = [];
  const control = await openControlPlane({
    bind: 'tcp://127.0.0.1:*',
    run: 'run-1',
    fleet: { min: 1, max: 1 },
    onLoss: 'fail',
    timeoutSeconds: 10,
    checksumEvery: 1,
    identity,
    datasetName: 'mnist',
    optimizer: { name: 'sgd', learningRate: 0.5 },
    startedAt: time.clock.now(),
    parameterCount: 3,
    defaultPriceUsdPerHour: undefined,
    expectedIds: undefined,
    allReduce: 'star',
    clock: time.clock,
    timers: time.timers,
    observe: (event) => events.push(event),
  });
  opened.push(control);
  return { time, events, control, begun: control.nextGeneration() };
}

describe('a coordinator that waits for workers', () => {
  it('waits for its deadline', async () => {
    const { time, events, control, begun } = await gather();
    time.advance(7999);
    expect(await outcomeOf(begun)).toBe('pending');
    time.advance(1);
    expect(await outcomeOf(begun)).toEqual({ error: expect.stringContaining('0 of 1 workers ready, 1 never arrived') });
    expect(control.hasBegun()).toBe(false);
    expect(events).toEqual([]);
  });

  it('and is suspended goes on where it was: they have what is left of their time, and it says so once', async () => {
    const { time, events, begun } = await gather();
    time.advance(3000);
    time.suspend(3600);
    time.advance(4499);
    expect(await outcomeOf(begun)).toBe('pending');
    // The tick after the sleep counts as slept: it came half a second after the last.
    time.advance(1001);
    expect(await outcomeOf(begun)).toMatchObject({ error: expect.stringContaining('timed out') });
    expect(events).toEqual([{ type: 'stood-still', seconds: expect.closeTo(3600.5, 6) }]);
  });
});
