/** The webgpu engine, where `pennygrad setup webgpu` has seen one train: on a GPU, or on a program that does as one. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, it } from 'vitest';
import { cpuProvider } from '../../src/engine/cpu/cpu-provider.ts';
import type { Engine, EngineOptions, EngineProvider } from '../../src/engine/engine.ts';
import { engineFolder } from '../../src/engine/engine-folder.ts';
import { wasmProvider } from '../../src/engine/wasm/wasm-provider.ts';
import { webgpuProvider } from '../../src/engine/webgpu/webgpu-provider.ts';
import { describeEngine } from '../contract/engine.contract.ts';
import { relativeError } from '../support/compare-vectors.ts';
import { engineDataset } from '../support/engine-dataset.ts';
import { needs } from '../support/machine-parts.ts';
import { installedEngines, killAll, run } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const webgpu = webgpuProvider(engineFolder('webgpu', process.env));
const availability = await webgpu.probe();
const { describe } = await needs('webgpu');

afterAll(killAll);

describe('webgpu', () => {
  describeEngine('webgpu', webgpu);

  const dataset = engineDataset([18, 19, 1], 5, 12, 5);
  const options = (name: 'cnn' | 'mlp'): EngineOptions => ({
    model: { name, inputShape: dataset.imageShape, classes: dataset.classes },
    optimizer: { name: 'sgd', learningRate: 0.05 },
    seed: 3,
    dataset,
  });

  async function withEngine<T>(provider: EngineProvider, name: 'cnn' | 'mlp', use: (engine: Engine) => Promise<T>) {
    const engine = await provider.create(options(name));
    try {
      return await use(engine);
    } finally {
      engine.dispose();
    }
  }

  it('has the gradients and the loss of the cpu engine', async () => {
    const compute = (provider: EngineProvider) =>
      withEngine(provider, 'cnn', async (engine) => {
        const gradients = new Float32Array(engine.parameterCount);
        return { ...(await engine.computeGradients(Uint32Array.of(7, 2, 11), gradients)), gradients };
      });
    const [ours, expected] = [await compute(webgpu), await compute(cpuProvider)];
    expect(relativeError(ours.gradients, expected.gradients)).toBeLessThan(1e-5);
    expect(relativeError([ours.lossSum], [expected.lossSum])).toBeLessThan(1e-6);
    expect(ours.correct).toBe(expected.correct);
  });

  it('compiles its shaders in the first step, and none after', async () => {
    const compiled = () => Object.keys((tf.backend() as unknown as { pipelineCache: object }).pipelineCache).length;
    await withEngine(webgpu, 'cnn', async (engine) => {
      const gradients = new Float32Array(engine.parameterCount);
      const counts: number[] = [];
      for (const indices of [Uint32Array.of(0, 1), Uint32Array.of(2, 3), Uint32Array.of(4, 5)]) {
        await engine.computeGradients(indices, gradients);
        await engine.applyGradients(gradients, indices.length);
        counts.push(compiled());
      }
      expect(counts[0]).toBeGreaterThan(0);
      expect(new Set(counts).size).toBe(1);
    });
  });

  // An emulated GPU takes a second for each step of the CNN.
  it.each([
    ['cnn', 8],
    ['mlp', 50],
  ] as const)(
    'agrees with wasm after many steps of gradient descent: %s, %i steps',
    async (name, steps) => {
      const train = (provider: EngineProvider) =>
        withEngine(provider, name, async (engine) => {
          const gradients = new Float32Array(engine.parameterCount);
          for (let step = 0; step < steps; step++) {
            const indices = Uint32Array.of(step % dataset.trainCount);
            await engine.computeGradients(indices, gradients);
            await engine.applyGradients(gradients, indices.length);
          }
          return engine.getParameters();
        });
      expect(relativeError(await train(webgpu), await train(wasmProvider()))).toBeLessThan(1e-4);
    },
    300_000,
  );

  it('trains MNIST on two workers from the command line, and ends', async () => {
    const out = join(temporaryFolder(), 'run');
    const args = ['--workers', '2', '--steps', '20', '--model', 'softmax', '--metrics-port', '0', '--out', out];
    const { code, stderr } = await run(['train', '--backend', 'webgpu', ...args], { env: installedEngines });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const summary = readSummary(out);
    expect(summary).toMatchObject({ status: 'completed', backend: 'webgpu', world_size: 2, replicas_identical: true });
    expect(summary.test_accuracy).toBeGreaterThan(0.4);
  });

  it('is there when set up again, which says on what', async () => {
    const { code, stdout, stderr } = await run(['setup', 'webgpu', '--json'], {
      env: { ...installedEngines, XDG_RUNTIME_DIR: '' },
    });
    expect(code).toBe(0);
    // As on a server: nobody is logged in at a desktop.
    expect(stderr).not.toContain('XDG_RUNTIME_DIR');
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ engine: 'webgpu', alreadyThere: true });
    expect(report.adapters.length).toBeGreaterThan(0);
    expect(report.software).toBe(availability.usable && availability.notAutomatic !== undefined);
  });

  it('refuses an adapter that does not exist', async () => {
    await expect(webgpuProvider(engineFolder('webgpu', process.env), '99').probe()).resolves.toMatchObject({
      usable: false,
      reason: expect.stringMatching(/must be the number of an adapter, got '99'; adapters here: 0 \(/),
    });
  });
});

it('without being set up, says how to be', async () => {
  const env = { PENNYGRAD_HOME: temporaryFolder() };
  const { code, stderr } = await run(['bench', '--backend', 'webgpu'], { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/engine webgpu is not usable: it is not set up; run: pennygrad setup webgpu/);
});
