import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineOptions } from '../../../../src/engine/engine.ts';
import { wasmProvider } from '../../../../src/engine/wasm/wasm-provider.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { engineDataset } from '../../../support/engine-dataset.ts';
import { engineThreadProgram } from '../../../support/engine-thread-program.ts';

const options: EngineOptions = {
  model: { name: 'mlp', inputShape: [12, 12, 1], classes: 5 },
  optimizer: { name: 'adam', learningRate: 0.01 },
  seed: 1,
  dataset: engineDataset([12, 12, 1], 5, 40, 30),
};

function create(threads: number, program: URL = engineThreadProgram): Promise<Engine> {
  return wasmProvider(undefined, threads, program).create(options);
}

const indices = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

async function gradientsOf(engine: Engine, batch: Uint32Array): Promise<Float32Array> {
  const gradients = new Float32Array(engine.parameterCount);
  await engine.computeGradients(batch, gradients);
  return gradients;
}

async function train(engine: Engine, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await engine.applyGradients(await gradientsOf(engine, indices(step * 7, step * 7 + 7)), 7);
  }
}

describe('an engine of several threads', () => {
  let engines: { readonly single: Engine; readonly two: Engine; readonly alsoTwo: Engine; readonly three: Engine };
  let parameters: Float32Array;

  // Once for all: starting a thread takes longer than what is done with it here.
  beforeAll(async () => {
    const [single, two, alsoTwo, three] = await Promise.all([create(1), create(2), create(2), create(3)]);
    engines = { single, two, alsoTwo, three };
    parameters = await single.getParameters();
  });
  beforeEach(async () => {
    const zeros = () => new Float32Array(parameters.length);
    for (const engine of Object.values(engines)) {
      await engine.setParameters(parameters);
      await engine.setOptimizerState({ iterations: 0, slots: [zeros(), zeros()] });
    }
  });
  afterAll(() => {
    for (const engine of Object.values(engines)) engine.dispose();
  });

  it.each([
    ['two', [4, 8]],
    ['three', [3, 6, 8]],
  ] as const)('adds the gradients of even shares in the order of its threads: %s', async (threads, ends) => {
    const expected = new Float32Array(parameters.length);
    for (const [i, end] of ends.entries()) {
      const share = await gradientsOf(engines.single, indices(ends[i - 1] ?? 0, end));
      for (const [k, g] of share.entries()) expected[k] = i === 0 ? g : (expected[k] ?? 0) + g;
    }
    expect(relativeError(await gradientsOf(engines[threads], indices(0, 8)), expected)).toBe(0);
  });

  it('takes fewer samples than there are threads', async () => {
    const { single, three } = engines;
    // A gradient of each thread's, that must not be added again.
    await gradientsOf(three, indices(0, 9));
    const expected = await gradientsOf(single, indices(4, 5));
    expect(relativeError(await gradientsOf(three, indices(4, 5)), expected)).toBe(0);
  });

  it('repeats bit for bit', async () => {
    const { two, alsoTwo } = engines;
    await train(two, 4);
    await train(alsoTwo, 4);
    const trained = await two.getParameters();
    expect(relativeError(await alsoTwo.getParameters(), trained)).toBe(0);
    expect(relativeError(trained, parameters)).toBeGreaterThan(1e-3);
  });

  it('takes the steps of one thread, but for the order of sums, and all threads take them', async () => {
    const { single, three } = engines;
    await train(three, 4);
    await train(single, 4);
    const trained = await three.getParameters();
    expect(relativeError(trained, await single.getParameters())).toBeLessThan(1e-5);

    // A third of it each computes with parameters of its own.
    await single.setParameters(trained);
    const expected = await single.evaluate('test', 0, 30);
    const { lossSum, correct } = await three.evaluate('test', 0, 30);
    expect(correct).toBe(expected.correct);
    expect(relativeError([lossSum], [expected.lossSum])).toBeLessThan(1e-9);
  });
});

/** A program that says it has made its engine, and then answers the next request like this. */
function impostor(script: string): URL {
  const text = `
    import { parentPort } from 'node:worker_threads';
    parentPort.once('message', () => {
      parentPort.postMessage({ type: 'done', result: { lossSum: 0, correct: 0 } });
      parentPort.once('message', () => { ${script} });
    });`;
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

describe('a thread that dies', () => {
  it.each([
    ['leaves', 'process.exit(7)', 'thread 2 of the wasm engine died: it ended with code 7'],
    ['throws', 'throw new Error("out of luck")', 'thread 2 of the wasm engine died: out of luck'],
  ])('is named by the step that needed it and by those that follow: %s', async (_, script, message) => {
    const engine = await create(2, impostor(script));
    await expect(gradientsOf(engine, indices(0, 4))).rejects.toThrow(message);
    await expect(engine.evaluate('test', 0, 4)).rejects.toThrow(message);
    await expect(gradientsOf(engine, indices(0, 4))).rejects.toMatchObject({ code: 'run-failed' });
    engine.dispose();
  });

  it('is an error when the engine is made', async () => {
    const program = new URL('data:text/javascript,process.exit(3)');
    await expect(create(2, program)).rejects.toThrow('thread 2 of the wasm engine died: it ended with code 3');
  });
});

it('an update that failed in another thread fails the next', async () => {
  const answer = '({ type: "failed", code: "run-failed", message: "out of memory" })';
  const engine = await create(2, impostor(`parentPort.postMessage${answer}`));
  const gradients = new Float32Array(engine.parameterCount);
  await engine.applyGradients(gradients, 1);
  await expect(engine.applyGradients(gradients, 1)).rejects.toThrow('thread 2 of the wasm engine: out of memory');
  engine.dispose();
});

it('a thread that fails says how, and which it is', async () => {
  const answer = '({ type: "failed", code: "bad-input", message: "no such sample" })';
  const engine = await create(2, impostor(`parentPort.postMessage${answer}`));
  const computing = gradientsOf(engine, indices(0, 4));
  await expect(computing).rejects.toThrow('thread 2 of the wasm engine: no such sample');
  await expect(computing).rejects.toMatchObject({ code: 'bad-input' });
  engine.dispose();
});
