/** Steps that are not finite: what they stop, and what is skipped. In virtual time, with an engine whose samples can be poisoned. */
import { describe, expect, it } from 'vitest';
import { decideSkip } from '../../../../src/coordinator/training/decide-skip.ts';
import { mostSkippedInRow } from '../../../../src/settings/training-settings.ts';
import { epochOrder } from '../../../../src/shared/core/sampling.ts';
import { toyProvider } from '../../../support/toy-engine.ts';
import { dataset, model, open, type Party, settings } from './party.ts';

const { batchSize, epochs } = settings;
const { trainCount } = dataset;
const stepsPerEpoch = Math.ceil(trainCount / batchSize);

const orderOf = (epoch: number) => epochOrder(1, epoch, trainCount);

/** This training image is in the second step of the first epoch. */
const poisoned = orderOf(0)[batchSize + 5] as number;
const poison = { poisons: (sample: number) => sample === poisoned };

/** The step of each epoch that has the poisoned image, and the image's place in the epoch's order. */
const poisonedAt = Array.from({ length: epochs }, (_, epoch) => {
  const position = orderOf(epoch).indexOf(poisoned);
  return { step: epoch * stepsPerEpoch + Math.floor(position / batchSize), position };
});
const poisonedSteps = poisonedAt.map(({ step }) => step);

/** The same steps in a plain loop, without those that have the poisoned image. */
async function plainLoop() {
  const engine = await toyProvider().create({
    dataset,
    model,
    optimizer: { name: 'sgd', learningRate: 0.5 },
    seed: 1,
  });
  const gradients = new Float32Array(2);
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    let [loss, applied] = [0, 0];
    for (let from = 0; from < trainCount; from += batchSize) {
      const indices = orderOf(epoch).subarray(from, from + batchSize);
      if (indices.includes(poisoned)) continue;
      const { lossSum } = await engine.computeGradients(indices, gradients);
      await engine.applyGradients(gradients, indices.length);
      loss += lossSum;
      applied += indices.length;
    }
    losses.push(loss / applied);
  }
  const { iterations } = await engine.getOptimizerState();
  return { parameters: await engine.getParameters(), losses, iterations };
}

function expectSkipped(party: Party, loop: Awaited<ReturnType<typeof plainLoop>>): void {
  const steps = party.eventsOf('step');
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: epochs * stepsPerEpoch }, (_, step) => step));
  expect(steps.filter(({ skipped }) => skipped !== undefined).map(({ step }) => step)).toEqual(poisonedSteps);
  const last = party.eventsOf('checkpoint').at(-1)?.checkpoint.state;
  for (const [index, value] of loop.parameters.entries()) expect(last?.parameters[index]).toBeCloseTo(value, 5);
  expect(party.eventsOf('epoch').map(({ samples }) => samples)).toEqual(Array(epochs).fill(trainCount));
  for (const [epoch, { loss }] of party.eventsOf('epoch').entries())
    expect(loss).toBeCloseTo(loop.losses[epoch] ?? 0, 5);
}

const skips = { skipNonfinite: true, orderOf } as const;
const tree = { allReduce: 'tree', microShard: 3, deterministic: true } as const;

describe('a step that is not finite, in a run that skips such steps,', () => {
  it.each([
    ['a worker alone', 1, {}],
    ['two workers', 2, {}],
    ['three workers', 3, {}],
    ['a worker alone, deterministic', 1, tree],
    ['three workers, deterministic', 3, tree],
  ])('changes nothing on any replica: %s', async (_, size, how) => {
    const party = await open(size, { ...skips, ...how });
    for (let i = 0; i < size; i++) party.join(`w${i}`, poison);
    expect(await party.train()).toMatchObject({ steps: epochs * stepsPerEpoch, end: { kind: 'completed' } });
    const loop = await plainLoop();
    // Replicas are compared before each step; the optimizer has not counted the step either.
    expectSkipped(party, loop);
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint.state.optimizer.iterations).toBe(loop.iterations);
  });

  it('is told with the worker, its rank and its samples; the time of all workers is wasted', async () => {
    const party = await open(3, skips);
    for (let i = 0; i < 3; i++) party.join(`w${i}`, poison);
    await party.train();
    const [{ step, position } = { step: 0, position: 0 }] = poisonedAt;
    const event = party.eventsOf('step').find((one) => one.step === step);
    const { workerId, from, to } = event?.shares.find((share) => share.from <= position && position < share.to) ?? {
      workerId: '',
      from: 0,
      to: 0,
    };
    const images = orderOf(0).subarray(from, to);
    expect(event?.skipped).toBe(
      `worker ${workerId} (rank ${workerId.slice(1)}): the gradient became NaN on positions ${from} to ${to - 1} of epoch 1 ` +
        `(training images ${images.subarray(0, 3).join(', ')} and ${images.length - 3} more), in float 0`,
    );
    const place = party.events.findIndex((one) => one.type === 'step' && one.step === step);
    expect(party.events[place + 1]).toMatchObject({ type: 'spent', redone: true });
    expect(party.eventsOf('spent').filter(({ redone }) => redone)).toHaveLength(epochs);
  });

  it.each(['star', 'tree'])('stays skipped where a worker is lost in it: %s', async (allReduce) => {
    const how = allReduce === 'tree' ? tree : {};
    const party = await open({ min: 1, max: 2 }, { ...skips, ...how, onLoss: 'continue', expectedIds: ['w0', 'w1'] });
    const dying = new AbortController();
    // The engine of the one that dies has made all updates before the poisoned step, and is asked for that step's gradient.
    let asked = 0;
    party.join('w0', poison);
    party.join(
      'w1',
      {
        beforeGradients: () => {
          asked += 1;
          if (asked > (poisonedSteps[0] ?? 0)) dying.abort();
        },
        ...poison,
      },
      { signal: dying.signal },
    );
    await party.train();
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toEqual([2, 1]);
    expectSkipped(party, await plainLoop());
  });

  it('leaves a newcomer with the same state as the others, and both skip the next', async () => {
    const party = await open({ min: 1, max: 2 }, { ...skips, onLoss: 'continue' });
    party.join('w0', poison);
    party.when(
      (event) => event.type === 'step' && event.skipped !== undefined,
      () => party.join('w1', poison),
    );
    await party.train();
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toEqual([1, 2]);
    const skipped = party.eventsOf('step').filter(({ skipped }) => skipped !== undefined);
    expect(skipped.map(({ shares }) => shares.length)).toEqual([1, 2, 2]);
    expectSkipped(party, await plainLoop());
  });

  it('has its samples looked up once, though several parts of it are not', async () => {
    const asked: number[] = [];
    const countedOrderOf = (epoch: number) => {
      asked.push(epoch);
      return orderOf(epoch);
    };
    const party = await open(3, { skipNonfinite: true, orderOf: countedOrderOf });
    for (let i = 0; i < 3; i++) party.join(`w${i}`, { poisons: () => true });
    await party.train();
    const steps = party.eventsOf('step');
    expect(steps).toHaveLength(epochs * stepsPerEpoch);
    // The last step of an epoch is too short for all three to have a part of it.
    expect(steps.map(({ skipped }) => skipped?.match(/; \d .*/)?.[0])).toEqual(
      steps.map(({ step }) => `; ${(step + 1) % stepsPerEpoch === 0 ? '1 other worker' : '2 other workers'} likewise`),
    );
    expect(asked).toEqual(steps.map(({ step }) => Math.floor(step / stepsPerEpoch)));
  });

  it.each([1, 2])('and every step after it stop the run of %d workers, across epochs', async (size) => {
    const party = await open(size, skips);
    for (let i = 0; i < size; i++) party.join(`w${i}`, { poisons: () => true });
    await expect(party.train({ epochs: 6 })).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(
        /^step 17 is not finite, and neither were the 16 before it, .* worker w0 \(rank 0\): .*; try a smaller --lr$/,
      ),
    });
    const others = party.eventsOf('step')[0]?.skipped?.endsWith('; 1 other worker likewise');
    expect(others).toBe(size === 2);
    expect(party.eventsOf('step').map(({ skipped }) => skipped !== undefined)).toEqual(Array(16).fill(true));
    // What there is to save is as it was made.
    const last = party.eventsOf('checkpoint').at(-1)?.checkpoint.state;
    expect(last?.parameters).toEqual(Float32Array.of(0.1, -0.2));
  });

  it('count on where the run is resumed', async () => {
    const ended = await open(1, skips);
    ended.join('w0', { poisons: () => true });
    await expect(ended.train({ epochs: 6 })).rejects.toMatchObject({ code: 'diverged' });
    const saved = ended.eventsOf('checkpoint').at(-1)?.checkpoint;
    const { step, state } = saved ?? { step: 0, state: undefined };
    expect(step).toBeGreaterThan(0);
    const resumed = await open(1, skips);
    resumed.join('w0', { poisons: () => true });
    const start = { step, generation: 0, stepsBefore: 16, skippedInRow: step, state, epoch: undefined };
    await expect(resumed.train({ epochs: 6, start })).rejects.toThrow(/^step 17 is not finite/);
    expect(resumed.eventsOf('step')).toHaveLength(16 - step);
  });
});

describe('a step that is not finite', () => {
  it.each([
    ['a worker alone', 1, {}],
    ['two workers', 2, {}],
    ['three workers, deterministic', 3, tree],
  ])('stops the run before anybody applies it, naming step, rank and samples: %s', async (_, size, how) => {
    const party = await open(size, { orderOf, ...how });
    for (let i = 0; i < size; i++) party.join(`w${i}`, poison);
    const [first] = poisonedAt;
    const failure = await party.train().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'diverged' });
    const { message } = failure as Error;
    const found =
      /^worker (w\d) \(rank (\d), .*became NaN at step (\d+), on positions (\d+) to (\d+) of epoch 1 \(training images /.exec(
        message,
      );
    const [worker, rank, step, from, to] = found?.slice(1) ?? [];
    expect(worker).toBe(`w${rank}`);
    expect(Number(step)).toBe((first?.step ?? 0) + 1);
    expect(Number(from)).toBeLessThanOrEqual(first?.position ?? 0);
    expect(Number(to)).toBeGreaterThanOrEqual(first?.position ?? 0);
    expect(party.eventsOf('step').map((one) => one.step)).toEqual([...Array(first?.step).keys()]);
  });
});

describe('whether to skip', () => {
  it.each([
    [undefined, mostSkippedInRow, 'apply'],
    ['it is NaN', 0, 'skip'],
    ['it is NaN', mostSkippedInRow - 1, 'skip'],
    ['it is NaN', mostSkippedInRow, 'stop'],
  ])('with the problem %s after %d skipped steps: %#', (problem, inRow, kind) => {
    expect(decideSkip(problem, 40, inRow).kind).toBe(kind);
  });
});
