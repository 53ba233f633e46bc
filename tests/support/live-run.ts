import { beginLive, type LivePlan } from '../../src/coordinator/live/live-record.ts';
import { createLiveStream, type LiveStream } from '../../src/coordinator/live/live-stream.ts';
import { startedAtUnixMs } from './observed-run.ts';

/** Two epochs of ten steps, on two workers. */
export const livePlan: LivePlan = {
  runId: 'r1',
  version: '0.1.0',
  startedAtUnixMs,
  worldSize: 2,
  seed: 1,
  epochs: 2,
  maxSteps: undefined,
  dataset: { name: 'mnist', trainCount: 640 },
  model: { name: 'cnn' },
  optimizer: { name: 'adam' },
  globalBatchSize: 64,
};

/** The stream of a run in which nothing happens. */
export function idleStream(): LiveStream {
  const { state } = beginLive(livePlan, { now: 0, unixMs: startedAtUnixMs });
  return createLiveStream(() => state);
}
