import { afterEach, describe, expect, it } from 'vitest';
import type { Engine, EngineOptions } from '../../../src/shared/engine/engine.ts';
import { wasmProvider } from '../../../src/shared/engine/engines.ts';
import { relativeError } from '../../support/compare-vectors.ts';
import { engineDataset } from '../../support/engine-dataset.ts';
import { engineThreadProgram } from '../../support/engine-thread-program.ts';

const options: EngineOptions = {
  model: { name: 'mlp', inputShape: [12, 12, 1], classes: 5 },
  optimizer: { name: 'adam', learningRate: 0.01 },
  seed: 1,
  dataset: engineDataset([12, 12, 1], 5, 40, 30),
};
const engines: Engine[] = [];

async function create(threads: number, program: URL = engineThreadProgram): Promise<Engine> {
  const engine = await wasmProvider(undefined, threads, program).create(options);
  engines.push(engine);
  return engine;
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

/** A program that says it has made its engine, and then answers the next request like this. */
function impostor(script: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.once('message', () => {
      parentPort.postMessage({ type: 'done', result: { lossSum: 0, correct: 0 } });
      parentPort.once('message', () => { ${script} });
    });
  `)}`,
  );
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('an engine of several threads', () => {
  it.each([2, 3])('adds the gradients of even shares in the order of its %i threads', async (threads) => {
    const [whole, single] = [await create(threads), await create(1)];
    // The longer shares first: 4 + 4 and 3 + 3 + 2.
    const ends = threads === 2 ? [4, 8] : [3, 6, 8];
    const expected = new Float32Array(single.parameterCount);
    for (const [i, end] of ends.entries()) {
      const share = await gradientsOf(single, indices(ends[i - 1] ?? 0, end));
      for (const [k, g] of share.entries()) expected[k] = i === 0 ? g : (expected[k] ?? 0) + g;
    }
    expect(await gradientsOf(whole, indices(0, 8))).toEqual(expected);
  });

  it('has fewer samples than threads without harm', async () => {
    const [whole, single] = [await create(3), await create(1)];
    await gradientsOf(whole, indices(0, 9));
    expect(await gradientsOf(whole, indices(4, 5))).toEqual(await gradientsOf(single, indices(4, 5)));
  });

  it('keeps its threads together through updates, and repeats bit for bit', async () => {
    const [first, second] = [await create(2), await create(2)];
    await train(first, 4);
    await train(second, 4);
    expect(await first.getParameters()).toEqual(await second.getParameters());

    // Its second thread computes the second half of this, with parameters of its own.
    const single = await create(1);
    await single.setParameters(await first.getParameters());
    const evaluated = await first.evaluate('test', 0, 30);
    const expected = await single.evaluate('test', 0, 30);
    expect(evaluated.correct).toBe(expected.correct);
    expect(relativeError([evaluated.lossSum], [expected.lossSum])).toBeLessThan(1e-12);
  });

  it('takes the same steps as an engine of one thread, but for the order of sums', async () => {
    const [whole, single] = [await create(2), await create(1)];
    await train(whole, 4);
    await train(single, 4);
    expect(relativeError(await whole.getParameters(), await single.getParameters())).toBeLessThan(1e-5);
  });
});

describe('a thread that dies', () => {
  it.each([
    ['leaves', 'process.exit(7)', 'thread 2 of the wasm engine died: it ended with code 7'],
    ['throws', 'throw new Error("out of luck")', 'thread 2 of the wasm engine died: out of luck'],
  ])('is named by the step that needed it: %s', async (_, script, message) => {
    const engine = await create(2, impostor(script));
    await expect(gradientsOf(engine, indices(0, 4))).rejects.toThrow(message);
    await expect(engine.evaluate('test', 0, 4)).rejects.toThrow(message);
    await expect(gradientsOf(engine, indices(0, 4))).rejects.toMatchObject({ code: 'run-failed' });
  });

  it('fails what it cannot do, in its own words', async () => {
    const answer = '({ type: "failed", code: "bad-input", message: "no such sample" })';
    const engine = await create(2, impostor(`parentPort.postMessage${answer}`));
    await expect(gradientsOf(engine, indices(0, 4))).rejects.toThrow('thread 2 of the wasm engine: no such sample');
  });

  it('is an error when the engine is made', async () => {
    const program = new URL('data:text/javascript,process.exit(3)');
    await expect(create(2, program)).rejects.toThrow('thread 2 of the wasm engine died: it ended with code 3');
  });
});
