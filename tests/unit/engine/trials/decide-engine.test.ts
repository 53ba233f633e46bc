import { describe, expect, it } from 'vitest';
import { type Contender, decideEngine, isConclusive } from '../../../../src/engine/trials/decide-engine.ts';
import { resultsOf } from '../../../support/engine-trials.ts';

const cuda: Contender = { engine: 'tensorflow', device: 'CUDA' };
const onCpu: Contender = { engine: 'tensorflow', device: 'CPU', onlyIfFaster: true };
const webgpu: Contender = { engine: 'webgpu', device: 'T4' };
const wasm: Contender = { engine: 'wasm', device: 'SIMD' };

describe('decideEngine', () => {
  it.each([
    // TensorFlow on a CPU comes after wasm, although it is before it in the list.
    [[onCpu, wasm], { tensorflow: 7859, wasm: 6298 }, 'tensorflow: 7,859 samples/s in a trial, wasm 6,298 (CPU)'],
    [[onCpu, wasm], { tensorflow: 5000, wasm: 6298 }, 'wasm: 6,298 samples/s in a trial, tensorflow 5,000 (SIMD)'],
    // The gain must be more than a tenth.
    [[onCpu, wasm], { tensorflow: 1101, wasm: 1000 }, 'tensorflow: 1,101 samples/s in a trial, wasm 1,000 (CPU)'],
    [
      [onCpu, wasm],
      { tensorflow: 1099, wasm: 1000 },
      'wasm: 1,000 samples/s in a trial, tensorflow 1,099, which is not 10 % more (SIMD)',
    ],
    // A GPU is preferred, unless it is slower by more than that.
    [
      [cuda, wasm],
      { tensorflow: 1000, wasm: 1099 },
      'tensorflow: 1,000 samples/s in a trial, wasm 1,099, which is not 10 % more (CUDA)',
    ],
    [[cuda, wasm], { tensorflow: 1000, wasm: 1101 }, 'wasm: 1,101 samples/s in a trial, tensorflow 1,000 (SIMD)'],
    // Each must beat the one taken before it: 1,150 does not beat 1,120 by a tenth.
    [
      [cuda, webgpu, wasm],
      { tensorflow: 1000, webgpu: 1120, wasm: 1150 },
      'webgpu: 1,120 samples/s in a trial, tensorflow 1,000, wasm 1,150, which is not 10 % more (T4)',
    ],
  ] as const)('of %j with %j: %s', (contenders, speeds, reason) => {
    const decision = decideEngine(contenders, resultsOf(speeds));
    expect(decision).toEqual({ engine: reason.split(':')[0], reason });
  });

  it('passes over one whose trial failed, and says why', () => {
    expect(decideEngine([onCpu, wasm], resultsOf({ tensorflow: 'killed by SIGILL', wasm: 6298 }))).toEqual({
      engine: 'wasm',
      reason: 'wasm: 6,298 samples/s in a trial, tensorflow failed (killed by SIGILL) (SIMD)',
    });
  });

  it('keeps a GPU whose trial failed, so that the run says what is wrong with it', () => {
    expect(decideEngine([cuda, wasm], resultsOf({ tensorflow: 'no CUDA device', wasm: 6298 }))).toEqual({
      engine: 'tensorflow',
      reason: 'tensorflow: preferred, although its trial failed (no CUDA device), wasm 6,298 (CUDA)',
    });
  });

  it('does not decide by a trial that was disturbed', () => {
    const busy = { results: [{ engine: 'wasm', samplesPerSecond: 600, bestSamplesPerSecond: 901 } as const] };
    const steps = resultsOf({ tensorflow: 7859 }).results;
    expect(decideEngine([onCpu, wasm], { results: [...busy.results, ...steps] })).toEqual({
      engine: 'wasm',
      reason: 'wasm: taken before tensorflow: the machine was too busy to compare them (SIMD)',
    });
  });

  it('takes the preferred one where there is no trial', () => {
    expect(decideEngine([onCpu, webgpu, wasm], { untried: 'why' })).toEqual({
      engine: 'webgpu',
      reason: 'webgpu: taken before wasm and tensorflow: why (T4)',
    });
  });

  it('takes the only one, also if it would not be preferred', () => {
    expect(decideEngine([onCpu], { results: [] })).toEqual({
      engine: 'tensorflow',
      reason: 'tensorflow: the fastest engine that works here (CPU)',
    });
  });
});

it.each([
  ['speeds of a quiet machine', true, resultsOf({ tensorflow: 7859, wasm: 6298 }).results],
  ['a failure', false, resultsOf({ tensorflow: 'killed', wasm: 6298 }).results],
  ['steps like the fastest', true, [{ engine: 'wasm', samplesPerSecond: 1000, bestSamplesPerSecond: 1500 }]],
  [
    'nearly a whole core',
    true,
    [{ engine: 'wasm', samplesPerSecond: 1000, bestSamplesPerSecond: 1100, coresUsed: 0.8 }],
  ],
  ['half a core', false, [{ engine: 'wasm', samplesPerSecond: 1000, bestSamplesPerSecond: 1100, coresUsed: 0.79 }]],
  ['steps far from the fastest', false, [{ engine: 'wasm', samplesPerSecond: 1000, bestSamplesPerSecond: 1501 }]],
] as const)('%s: conclusive %s', (_, expected, results) => {
  expect(isConclusive(results)).toBe(expected);
});
