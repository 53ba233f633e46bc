import type { ObservedRun } from '../../src/coordinator/metrics/collector.ts';
import { createMetrics, type Metrics } from '../../src/coordinator/metrics/metrics.ts';
import { publishTo } from '../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../src/coordinator/record/bookkeeper.ts';
import { deriveEvents } from '../../src/coordinator/record/derived-events.ts';
import type { MemberInfo, RunObserver, StepEvent } from '../../src/coordinator/run-events.ts';
import { noPhaseSeconds } from '../../src/shared/core/phases.ts';
import type { Checkpoint } from '../../src/shared/model/training-state.ts';
import { budgetConfig, trainingConfig } from './settings.ts';

export const startedAtUnixMs = Date.UTC(2025, 5, 1, 12);

export const observedRun: ObservedRun = {
  runId: 'r1',
  version: '0.1.0',
  startedAtUnixMs,
  clock: { now: () => 0 },
  dataset: { name: 'mnist', trainCount: 128, testCount: 100 },
  training: trainingConfig({ epochs: 3 }),
  budget: budgetConfig({ budgetUsd: 5, budgetHours: 2 }),
};

export function member(rank: number, priceUsdPerHour?: number): MemberInfo {
  return {
    workerId: `w${rank}`,
    rank,
    host: 'alpha',
    pid: 100 + rank,
    cpu: 'x64',
    backend: 'wasm',
    device: 'wasm, SIMD',
    backendReason: 'the fastest',
    gpu: undefined,
    emulatedSpeed: undefined,
    priceUsdPerHour,
    priceOrigin: undefined,
    aliveSinceUnixMs: startedAtUnixMs,
  };
}

/** A step of one second, in which w0 worked through and w1 waited half of it, at a tenth of a cent each. */
export function stepEvent(step: number, overrides: Partial<StepEvent> = {}): StepEvent {
  return {
    type: 'step',
    step,
    epoch: 0,
    samples: 64,
    loss: 0.5,
    correct: 48,
    seconds: 1,
    usd: 0.002,
    members: [
      { workerId: 'w0', samples: 32, phases: { load: 0.05, compute: 0.8, communicate: 0.1, wait: 0, apply: 0.05 } },
      { workerId: 'w1', samples: 32, phases: { load: 0.05, compute: 0.3, communicate: 0.1, wait: 0.5, apply: 0.05 } },
    ],
    shares: [
      { workerId: 'w0', from: step * 64, to: step * 64 + 32 },
      { workerId: 'w1', from: step * 64 + 32, to: step * 64 + 64 },
    ],
    ...overrides,
  };
}

export const savedCheckpoint: Checkpoint = {
  step: 1,
  epoch: 0,
  cursor: 1,
  state: { parameters: new Float32Array(1), optimizer: { iterations: 1, slots: [] } },
  artifacts: { topology: {}, weightSpecs: [] },
};

/** Metrics that observe a run, and its ledger, whose clock is moved by hand. */
export function observeRun(): {
  readonly metrics: Metrics;
  readonly observe: RunObserver;
  readonly pass: (seconds: number) => void;
  readonly now: () => number;
} {
  let seconds = 0;
  const clock = { now: () => seconds, unixMs: () => startedAtUnixMs + seconds * 1000 };
  const metrics = createMetrics({ ...observedRun, clock });
  const bookkeeper = createBookkeeper({ clock, startedAt: 0, carried: undefined });
  return {
    metrics,
    observe: publishTo([metrics.observe], deriveEvents(bookkeeper, clock)),
    pass(passed) {
      seconds += passed;
    },
    now: () => seconds,
  };
}

/** A run, not ended yet, of two steps on two workers at $3.60 an hour, a tenth of a cent a second, that touches every metric. */
export function observeShortRun(): Metrics {
  const { metrics, observe, pass, now } = observeRun();
  const tell = (members: StepEvent['members'], evaluate = 0) =>
    observe({
      type: 'spent',
      redone: false,
      members: members.map(({ workerId, phases }) => ({
        workerId,
        at: now(),
        seconds: { ...phases, evaluate, idle: 0 },
        bytes: evaluate === 0 ? { sent: 40, received: 40 } : { sent: 0, received: 0 },
      })),
    });
  observe({ type: 'listening', endpoint: 'tcp://127.0.0.1:5555' });
  for (const rank of [0, 1]) observe({ type: 'worker-began', workerId: `w${rank}`, at: 0, priceUsdPerHour: 3.6 });
  pass(2);
  observe({
    type: 'generation',
    number: 1,
    members: [member(0, 3.6), member(1, 3.6)],
    parameterCount: 10,
    reason: 'ready',
  });
  const gpu = {
    utilizationRatio: 0.9,
    memoryUsedBytes: 2 ** 30,
    memoryTotalBytes: 2 ** 34,
    temperatureCelsius: 60,
    powerWatts: 70,
  };
  observe({ type: 'worker-heard', workerId: 'w0', unixMs: startedAtUnixMs + 2500, gpu });
  observe({ type: 'frame-rejected', reason: 'header', detail: 'not a map' });
  observe({ type: 'epoch-begun', epoch: 0 });
  for (const step of [0, 1]) {
    pass(1);
    const event = stepEvent(step, step === 0 ? { gradientNorm: 1.5 } : {});
    observe(event);
    tell(event.members);
  }
  observe({
    type: 'slowdowns',
    members: ['w0', 'w1'].map((workerId) => ({ workerId, slowdown: 1, isStraggler: false })),
  });
  pass(0.5);
  tell(
    ['w0', 'w1'].map((workerId) => ({ workerId, samples: 0, phases: noPhaseSeconds })),
    0.5,
  );
  observe({
    type: 'epoch',
    epoch: 0,
    loss: 0.5,
    accuracy: 0.75,
    testLoss: 0.4,
    testAccuracy: 0.9,
    samples: 128,
    seconds: 2,
    evaluateSeconds: 0.5,
  });
  observe({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0.05 });
  observe({ type: 'checkpoint-saved', step: 2, seconds: 0.25, unixMs: startedAtUnixMs + 4500 });
  return metrics;
}
