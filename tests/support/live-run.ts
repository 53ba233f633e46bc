import { beginLive, type LivePlan } from '../../src/coordinator/live/live-record.ts';
import { createLiveStream, type LiveStream } from '../../src/coordinator/live/live-stream.ts';
import { systemClock } from '../../src/shared/core/clock.ts';
import { systemTimers } from '../../src/shared/core/timers.ts';
import { startedAtUnixMs } from './observed-run.ts';
import { budgetConfig, membershipConfig, trainingConfig } from './settings.ts';

/** Two epochs of ten steps, on two workers. */
export const livePlan: LivePlan = {
  runId: 'r1',
  version: '0.1.0',
  startedAtUnixMs,
  dataset: { name: 'mnist', trainCount: 640, testCount: 100 },
  training: trainingConfig({ epochs: 2 }),
  membership: membershipConfig(),
  budget: budgetConfig(),
};

/** The stream of a run in which nothing happens. */
export function idleStream(): LiveStream {
  const { state } = beginLive(livePlan);
  return createLiveStream(() => state, systemClock, systemTimers);
}
