/**
 * One engine on several threads, each with its own complete replica. A batch is cut into one share per thread, and the
 * gradients are added in the order of the threads, so that a run can be repeated bit for bit. Every thread makes the
 * same update itself: a step moves no parameters, and gradients go through shared memory.
 */
import { evenShares } from '../../shared/core/sampling.ts';
import type { Dataset, Split } from '../../shared/data/dataset.ts';
import type { BatchResult, Engine, EngineOptions } from '../engine.ts';
import { checkIndices, checkInterval, checkOptimizerState, checkSamples, checkVector } from '../engine-checks.ts';
import type { UsableFlavour } from '../wasm/kernel-module.ts';
import { type EngineThread, startEngineThread } from './engine-thread-link.ts';
import { emptyResult } from './engine-thread-messages.ts';
import { threadedDevice } from './threaded-device.ts';

export interface Threading {
  /** How many, including the calling thread; at least 2. */
  readonly threads: number;
  readonly flavour: UsableFlavour;
  /** The compiled `engine-thread`. */
  readonly program: string | URL;
  /** Creates the engine of the calling thread. */
  readonly createEngine: (options: EngineOptions) => Promise<Engine>;
}

/** @throws PennygradError if a thread cannot create its engine; all threads have ended then */
export async function createThreadedEngine(given: EngineOptions, threading: Threading): Promise<Engine> {
  const options = { ...given, dataset: shareDataset(given.dataset) };
  const { dataset, optimizer } = options;
  const { main, others, endOthers } = await startThreads(options, threading);
  const { parameterCount } = main;
  const gradientsOfOthers = others.map(() => sharedFloats(parameterCount));
  const sharedSum = sharedFloats(parameterCount);
  /** The last update of the other threads. Nobody waits for it, because each thread handles requests in order. */
  let applied: Promise<unknown> = Promise.resolve();

  /** Does the same on every thread, including this one. */
  async function onAll(own: () => Promise<void>, request: Parameters<EngineThread['request']>[0]): Promise<void> {
    const requested = others.map((thread) => thread.request(request));
    await Promise.all([own(), ...requested]);
  }

  return {
    ...main,
    device: threadedDevice(main.device, threading.threads),
    threads: threading.threads,

    async setParameters(parameters) {
      checkVector('parameters', parameters, parameterCount);
      await onAll(() => main.setParameters(parameters), { type: 'set-parameters', parameters });
    },

    async setOptimizerState(state) {
      checkOptimizerState(state, optimizer, parameterCount);
      await onAll(() => main.setOptimizerState(state), { type: 'set-optimizer-state', state });
    },

    async computeGradients(indices, gradients) {
      checkVector('gradients', gradients, parameterCount);
      checkIndices(indices, dataset.train);
      const [own, ...shares] = evenShares({ from: 0, to: indices.length }, threading.threads).map(({ from, to }) =>
        indices.slice(from, to),
      ) as [Uint32Array, ...Uint32Array[]];
      const requested = others.map((thread, i) =>
        thread.request({
          type: 'compute-gradients',
          indices: shares[i] as Uint32Array,
          gradients: gradientsOfOthers[i] as Float32Array,
        }),
      );
      const results = await Promise.all([main.computeGradients(own, gradients), ...requested]);
      for (const [i, share] of shares.entries()) {
        if (share.length > 0) add(gradients, gradientsOfOthers[i] as Float32Array);
      }
      return sum(results);
    },

    async applyGradients(gradientSum, samples) {
      checkVector('gradients', gradientSum, parameterCount);
      checkSamples(samples);
      // The other threads read `sharedSum` until then. This also reports a thread that failed.
      await applied;
      sharedSum.set(gradientSum);
      applied = Promise.all(
        others.map((thread) => thread.request({ type: 'apply-gradients', gradientSum: sharedSum, samples })),
      );
      applied.catch(() => {});
      await main.applyGradients(gradientSum, samples);
    },

    async evaluate(split, from, to) {
      checkInterval(split, dataset[split], from, to);
      const [own, ...shares] = evenShares({ from, to }, threading.threads) as [Interval, ...Interval[]];
      const requested = others.map((thread, i) =>
        thread.request({ type: 'evaluate', split, ...(shares[i] as Interval) }),
      );
      return sum(await Promise.all([main.evaluate(split, own.from, own.to), ...requested]));
    },

    dispose() {
      endOthers();
      main.dispose();
    },
  };
}

interface Threads {
  /** The engine of the calling thread. */
  readonly main: Engine;
  readonly others: readonly EngineThread[];
  readonly endOthers: () => void;
}

async function startThreads(
  options: EngineOptions,
  { threads, flavour, program, createEngine }: Threading,
): Promise<Threads> {
  const others = Array.from({ length: threads - 1 }, (_, i) =>
    startEngineThread(`thread ${i + 2} of the wasm engine`, program),
  );
  const endOthers = () => {
    for (const thread of others) thread.end();
  };
  const creating = others.map((thread) => thread.request({ type: 'create', options, flavour }));
  const creatingMain = createEngine(options);
  try {
    const [main] = await Promise.all([creatingMain, ...creating]);
    return { main, others, endOthers };
  } catch (error) {
    endOthers();
    void creatingMain.then(
      (engine) => engine.dispose(),
      () => {},
    );
    throw error;
  }
}

type Interval = ReturnType<typeof evenShares>[number];

function sum(results: readonly BatchResult[]): BatchResult {
  return results.reduce(
    (total, { lossSum, correct }) => ({ lossSum: total.lossSum + lossSum, correct: total.correct + correct }),
    emptyResult,
  );
}

function add(target: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + (addend[i] as number);
}

/** A copy in shared memory, which messages to threads do not copy again. */
function shareDataset(dataset: Dataset): Dataset {
  return { ...dataset, train: shareSplit(dataset.train), test: shareSplit(dataset.test) };
}

function shareSplit({ count, images, labels }: Split): Split {
  return { count, images: sharedBytes(images), labels: sharedBytes(labels) };
}

function sharedBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4));
}
