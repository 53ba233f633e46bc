/** Trials of engines as they are remembered. */
import type { EngineName } from '../../src/engine/engine.ts';
import type { TrialResult } from '../../src/engine/trials/decide-engine.ts';
import type { RememberedTrial } from '../../src/engine/trials/remembered-trials.ts';
import type { TrialSubject } from '../../src/engine/trials/trial-subject.ts';

export const trialSubject: TrialSubject = {
  machine: { pennygrad: '0.1.0', node: '20.20.2', platform: 'linux x64', cpu: 'AMD EPYC', cores: 2 },
  threads: null,
  tensorflowThreads: 1,
  model: { name: 'cnn', inputShape: [28, 28, 1], classes: 10 },
  optimizer: 'adam',
  contenders: [
    { engine: 'tensorflow', device: 'TensorFlow, CPU', onlyIfFaster: true },
    { engine: 'wasm', device: 'SIMD' },
  ],
};

/** @param speeds the fastest steps, in samples per second; most steps take a little longer. Or why there is none */
export function resultsOf(speeds: Readonly<Partial<Record<EngineName, number | string>>>): {
  readonly results: readonly TrialResult[];
} {
  return {
    results: (Object.entries(speeds) as [EngineName, number | string][]).map(([engine, speed]) =>
      typeof speed === 'string'
        ? { engine, problem: speed }
        : { engine, samplesPerSecond: 0.9 * speed, bestSamplesPerSecond: speed },
    ),
  };
}

export function rememberedTrial(speeds: Parameters<typeof resultsOf>[0]): RememberedTrial {
  return {
    version: 1,
    subject: trialSubject,
    measuredAt: '2026-11-30T00:00:00.000Z',
    results: resultsOf(speeds).results,
  };
}
