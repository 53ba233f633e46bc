/** What a worker answers between steps, with an engine that the test plays. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { codecNamed } from '../../../src/shared/collectives/compression/codecs.ts';
import { createErrorFeedback } from '../../../src/shared/collectives/compression/error-feedback.ts';
import { parameterChecksum } from '../../../src/shared/model/parameter-checksum.ts';
import type { CoordinatorMessage, MessageOf } from '../../../src/shared/protocol/messages.ts';
import type { RestoreOrder } from '../../../src/worker/coordinator-link.ts';
import { beginReplica } from '../../../src/worker/replica.ts';
import { evaluate, predict, reportState, restore } from '../../../src/worker/requests.ts';
import { startUsageMeter } from '../../../src/worker/usage-meter.ts';
import { fakeEngine } from '../../support/fake-engine.ts';
import { nothingUsed } from '../../support/nothing-used.ts';
import { toyDataset } from '../../support/toy-engine.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

const envelope = { v: 8, run: 'r', request: 6 } as const;
const notAborted = new AbortController().signal;

/** A meter, and an engine each of whose calls takes a second; the calls are kept. */
function openWorker(overrides: Partial<Engine> = {}) {
  const time = createVirtualTime();
  const calls: (readonly unknown[])[] = [];
  const timed = Object.entries(fakeEngine(overrides)).map(([name, member]) => [
    name,
    typeof member !== 'function'
      ? member
      : (...args: readonly unknown[]) => {
          calls.push([name, ...args]);
          time.advance(1000);
          return (member as (...args: readonly unknown[]) => unknown)(...args);
        },
  ]);
  return { engine: Object.fromEntries(timed) as Engine, usage: startUsageMeter(time.clock), calls };
}

const used = (seconds: Partial<typeof nothingUsed.seconds>) => ({
  seconds: { ...nothingUsed.seconds, ...seconds },
  bytes: { sent: 0, received: 0 },
});

describe('a test pass', () => {
  const order = (from: number, to: number): MessageOf<CoordinatorMessage, 'evaluate'> => ({
    ...envelope,
    type: 'evaluate',
    split: 'test',
    from,
    to,
  });

  it.each([
    [100, 700, ['100..350', '350..600', '600..700']],
    [0, 250, ['0..250']],
    [0, 251, ['0..250', '250..251']],
    [40, 40, []],
  ])('from %i to %i is made in slices, whose results are added up', async (from, to, slices) => {
    const { engine, usage, calls } = openWorker({
      evaluate: async (_, start, end) => ({ lossSum: (end - start) / 2, correct: end - start - 1 }),
    });
    const count = to - from;
    expect(await evaluate(engine, order(from, to), usage, notAborted)).toEqual({
      body: {
        type: 'evaluated',
        request: 6,
        samples: count,
        lossSum: count / 2,
        correct: count - slices.length,
        usage: used({ evaluate: slices.length }),
      },
      tensors: [],
    });
    expect(calls.map(([, split, start, end]) => `${split}: ${start}..${end}`)).toEqual(
      slices.map((slice) => `test: ${slice}`),
    );
  });

  it('leaves the event loop to others between its slices', async () => {
    const { engine, usage, calls } = openWorker();
    const slicesByTurn: number[] = [];
    const look = () => {
      slicesByTurn.push(calls.length);
      if (calls.length < 4) setImmediate(look);
    };
    setImmediate(look);
    await evaluate(engine, order(0, 1000), usage, notAborted);
    expect(slicesByTurn).toEqual([1, 2, 3, 4]);
  });

  it('ends between two slices when it is aborted, and its time counts', async () => {
    const aborting = new AbortController();
    const { engine, usage, calls } = openWorker();
    setImmediate(() => aborting.abort(new Error('a member is lost')));
    await expect(evaluate(engine, order(0, 1000), usage, aborting.signal)).rejects.toThrow('a member is lost');
    expect(calls.length).toBeLessThan(4);
    expect(usage.totals()).toEqual(used({ evaluate: calls.length }));
  });

  it.each(['train', 'test'] as const)('whose loss is not finite ends the worker at once: %s', async (split) => {
    const { engine, usage, calls } = openWorker({ evaluate: async () => ({ lossSum: Number.NaN, correct: 0 }) });
    await expect(evaluate(engine, { ...order(0, 1000), split }, usage, notAborted)).rejects.toMatchObject({
      code: 'diverged',
      message: `the loss became NaN on ${split} images; try a smaller --lr`,
    });
    expect(calls).toHaveLength(1);
  });
});

describe('a report of the state', () => {
  const parameters = Float32Array.of(3, 4);
  const slots = [Float32Array.of(5, 6), Float32Array.of(7, 8)];
  const artifacts = { topology: { layers: 1 }, weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' as const }] };
  const parametersChecksum = parameterChecksum(parameters);
  const applied = { step: 9, generation: 2 };
  const trained = { since: { step: 9, generation: 1 }, generation: 2, workers: ['w'], steps: [] };

  it.each([
    ['checksum', [], undefined],
    ['parameters', [parameters], undefined],
    ['state', [parameters, ...slots], { ...artifacts, optimizerIterations: 12 }],
  ] as const)('of extent %s holds no more than was asked for', async (extent, tensors, state) => {
    const { engine, usage, calls } = openWorker({
      getParameters: async () => parameters,
      getOptimizerState: async () => ({ iterations: 12, slots }),
      artifacts: () => artifacts,
    });
    const reply = await reportState(engine, { ...envelope, type: 'report-state', extent }, usage, {
      applied,
      trained,
    });
    // The time goes to nothing that has a name: the coordinator books it.
    expect(reply).toEqual({
      body: { type: 'state', request: 6, usage: nothingUsed, applied, trained, parametersChecksum, state },
      tensors,
    });
    usage.lap('idle');
    expect(usage.totals()).toEqual(nothingUsed);
    expect(calls.some(([name]) => name === 'getOptimizerState')).toBe(extent === 'state');
  });
});

describe('the replica of a run with compression', () => {
  const parameters = Float32Array.of(3, 4);
  const codec = codecNamed('topk:49');
  const begin = () => {
    if (codec === undefined) throw new Error('no codec');
    const replica = beginReplica(createErrorFeedback(codec, [{ from: 0, to: 2 }]));
    replica.feedback?.replace(Float32Array.of(0.5, -1));
    return replica;
  };

  it.each([
    ['checksum', []],
    ['parameters', [parameters]],
    ['residual', [Float32Array.of(0.5, -1)]],
    ['parameters-and-residual', [parameters, Float32Array.of(0.5, -1)]],
    ['state', [parameters, Float32Array.of(5, 6), Float32Array.of(0.5, -1)]],
  ] as const)('reports its residual last in %s, where that has it', async (extent, expected) => {
    const { engine, usage } = openWorker({
      getParameters: async () => parameters,
      getOptimizerState: async () => ({ iterations: 12, slots: [Float32Array.of(5, 6)] }),
    });
    const replica = begin();
    const { tensors } = await reportState(engine, { ...envelope, type: 'report-state', extent }, usage, replica);
    // What is on its way does not change with the replica.
    replica.feedback?.replace(Float32Array.of(7, 7));
    expect(tensors).toEqual(expected);
  });

  it.each([
    [true, [0.25, 8]],
    [undefined, [0, 0]],
  ] as const)('takes over a residual that is its own (%s), and otherwise has none', async (ownsResidual, kept) => {
    const { engine, usage, calls } = openWorker({ getParameters: async () => parameters });
    const replica = begin();
    const tensors = [parameters, Float32Array.of(5, 6), Float32Array.of(0.25, 8)];
    const applied = { step: 3, generation: 1 };
    const order = {
      ...envelope,
      type: 'restore',
      applied,
      optimizerIterations: 12,
      ownsResidual,
      tensors,
      areLent: true,
    };
    await restore(engine, order as RestoreOrder, usage, replica);
    expect([...(replica.feedback?.residual() ?? [])]).toEqual(kept);
    expect(calls).toContainEqual(['setOptimizerState', { iterations: 12, slots: [Float32Array.of(5, 6)] }]);
  });
});

describe('a state to take over', () => {
  it('is copied: the frames are only lent', async () => {
    const lent = [Float32Array.of(3, 4), Float32Array.of(5, 6), Float32Array.of(7, 8)];
    const { engine, usage, calls } = openWorker({ getParameters: async () => Float32Array.of(3, 5) });
    const order = {
      ...envelope,
      type: 'restore',
      applied: { step: 3, generation: 1 },
      optimizerIterations: 12,
      tensors: lent,
      areLent: true,
    } as const;
    expect(await restore(engine, order, usage, beginReplica())).toEqual({
      body: {
        type: 'restored',
        request: 6,
        usage: used({ load: 3 }),
        // What the engine has, not what it was given.
        parametersChecksum: parameterChecksum(Float32Array.of(3, 5)),
      },
      tensors: [],
    });
    for (const tensor of lent) tensor.fill(0);
    expect(calls).toEqual([
      ['setParameters', Float32Array.of(3, 4)],
      ['setOptimizerState', { iterations: 12, slots: [Float32Array.of(5, 6), Float32Array.of(7, 8)] }],
      ['getParameters'],
    ]);
  });

  it('without parameters ends the worker', async () => {
    const { engine, usage, calls } = openWorker();
    const order = {
      ...envelope,
      type: 'restore',
      applied: { step: 3, generation: 1 },
      optimizerIterations: 12,
      tensors: [],
      areLent: true,
    } as const;
    await expect(restore(engine, order, usage, beginReplica())).rejects.toMatchObject({
      code: 'run-failed',
      message: 'the coordinator sent no parameters to restore',
    });
    expect(calls).toEqual([]);
  });
});

describe('predictions', () => {
  it('are of the first images, however large each is', async () => {
    const { engine, usage, calls } = openWorker({ predict: async () => Float32Array.of(0.25, 0.75) });
    const images = Uint8Array.from({ length: 5 * 2 * 3 * 4 }, (_, i) => i);
    const dataset = { ...toyDataset(1), imageShape: [2, 3, 4] as const, test: { count: 5, images, labels: images } };
    expect(await predict(engine, dataset, { ...envelope, type: 'predict', count: 2 }, usage)).toEqual({
      body: { type: 'predicted', request: 6, usage: used({ evaluate: 1 }) },
      tensors: [Float32Array.of(0.25, 0.75)],
    });
    expect(calls).toEqual([['predict', images.slice(0, 48), 2]]);
  });
});
