/** Coordinator and workers in one process, in virtual time unless a test says otherwise. */
import { describe, expect, it } from 'vitest';
import { badInput } from '../../../../src/shared/core/errors.ts';
import { epochOrder } from '../../../../src/shared/core/sampling.ts';
import { toyDataset, toyProvider } from '../../../support/toy-engine.ts';
import { dataset, model, open, overSockets, type Party, settings } from './party.ts';

/** Milliseconds in which messages arrive and are answered. */
const untilHeard = 100;

/** The same training in one loop. */
async function plainTraining(): Promise<Float32Array> {
  const engine = await toyProvider().create({
    model,
    optimizer: { name: 'sgd', learningRate: 0.5 },
    seed: 1,
    dataset,
  });
  const gradients = new Float32Array(2);
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const order = epochOrder(1, epoch, 50);
    for (let from = 0; from < 50; from += 16) {
      const batch = order.subarray(from, Math.min(from + 16, 50));
      await engine.computeGradients(batch, gradients);
      await engine.applyGradients(gradients, batch.length);
    }
  }
  return engine.getParameters();
}

describe('training', () => {
  it.each([1, 2, 3, 5])('with %i workers ends where a plain loop ends', async (worldSize) => {
    const party = await open(worldSize);
    const workers = Array.from({ length: worldSize }, (_, i) => party.join(`w${i}`));
    expect(await party.train()).toEqual({
      steps: 12,
      end: { kind: 'completed' },
      replicas: { identical: true, difference: 0 },
    });
    await Promise.all(workers);
    const expected = await plainTraining();
    const trained = party.eventsOf('checkpoint').at(-1)?.checkpoint;
    expect(trained).toMatchObject({ step: 12, epoch: 2, cursor: 50 });
    for (const i of [0, 1]) expect(trained?.state.parameters[i]).toBeCloseTo(expected[i] ?? Number.NaN, 6);
  });

  it('tells of every step and epoch, with each sample counted once', async () => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1')];
    await party.train();
    await Promise.all(workers);
    const steps = party.eventsOf('step');
    expect(steps.map(({ step, epoch, samples }) => [step, epoch, samples])).toEqual(
      Array.from({ length: 12 }, (_, step) => [step, Math.floor(step / 4), step % 4 === 3 ? 2 : 16]),
    );
    for (const { members } of steps) {
      expect(members.map(({ workerId }) => workerId)).toEqual(['w0', 'w1']);
      for (const { phases } of members)
        for (const spent of Object.values(phases)) expect(spent).toBeGreaterThanOrEqual(0);
    }
    const epochs = party.eventsOf('epoch');
    expect(epochs.map(({ samples }) => samples)).toEqual([50, 50, 50]);
    expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
    expect(epochs.at(-1)?.testAccuracy).toBeGreaterThan(0.5);
  });

  it('finishes the planned steps when it is interrupted, and says where it stopped', async () => {
    const controller = new AbortController();
    const party = await open(2);
    const workers = [
      party.join('w0', {
        beforeGradients: (step) => {
          if (step === 5) controller.abort();
        },
      }),
      party.join('w1'),
    ];
    const outcome = await party.train({ signal: controller.signal });
    await Promise.all(workers);
    expect(outcome.end).toEqual({ kind: 'interrupted' });
    expect(outcome.steps).toBeGreaterThanOrEqual(6);
    expect(outcome.steps).toBeLessThan(8);
    const { step, epoch, cursor } = party.eventsOf('checkpoint').at(-1)?.checkpoint ?? {};
    expect({ step, epoch, cursor }).toEqual({ step: outcome.steps, epoch: 1, cursor: (outcome.steps - 4) * 16 });
  });
});

describe('over sockets', () => {
  it('training ends where a plain loop ends', async () => {
    const party = await open(3, {}, overSockets);
    const workers = ['w0', 'w1', 'w2'].map((workerId) => party.join(workerId));
    expect(await party.train()).toMatchObject({ steps: 12, end: { kind: 'completed' } });
    await Promise.all(workers);
    const expected = await plainTraining();
    const trained = party.eventsOf('checkpoint').at(-1)?.checkpoint.state.parameters;
    for (const i of [0, 1]) expect(trained?.[i]).toBeCloseTo(expected[i] ?? Number.NaN, 6);
  });

  it('a worker that is refused leaves its place, and one that breaks ends the run with its own words', async () => {
    const party = await open(2, {}, overSockets);
    await expect(party.join('w0', {}, { expected: { seed: 2 } })).rejects.toThrow(/seed differs/);
    const breaks = () => Promise.reject(new Error('the card is on fire'));
    const broken = party.join('w1', { beforeGradients: breaks });
    const other = party.join('w2');
    await expect(party.train()).rejects.toThrow(/worker w1 .* left during step: the card is on fire/);
    await expect(broken).rejects.toThrow('the card is on fire');
    await expect(other).rejects.toThrow(/the run failed: worker w1 .*the card is on fire/);
  });
});

describe('a budget', () => {
  it('ends training with the step that is planned, tests nothing more, and leaves a checkpoint', async () => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1')];
    const findSpentBudget = () => (party.eventsOf('step').length >= 5 ? 'the money is gone' : undefined);
    const outcome = await party.train({ findSpentBudget });
    await Promise.all(workers);
    expect(outcome.end).toEqual({ kind: 'budget', reason: 'the money is gone' });
    // The fifth commit uses it up, and the sixth step is under way by then.
    expect(outcome.steps).toBe(6);
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint).toMatchObject({ step: 6, epoch: 1, cursor: 32 });
    expect(party.eventsOf('epoch')).toHaveLength(1);
  });

  it('that is used up before the first step trains none', async () => {
    const party = await open(1);
    const worker = party.join('w0');
    const outcome = await party.train({ findSpentBudget: () => 'the time is up' });
    await worker;
    expect(outcome).toMatchObject({ steps: 0, end: { kind: 'budget' } });
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint).toMatchObject({ step: 0, epoch: 0, cursor: 0 });
  });

  it('that falls at the end of an epoch leaves its test pass to the run that goes on', async () => {
    const party = await open(1);
    const worker = party.join('w0');
    const findSpentBudget = () => (party.eventsOf('step').length >= 8 ? 'the time is up' : undefined);
    expect((await party.train({ findSpentBudget })).steps).toBe(8);
    await worker;
    expect(party.eventsOf('epoch')).toHaveLength(1);

    const saved = party.eventsOf('checkpoint').at(-1)?.checkpoint;
    if (saved === undefined) throw new Error('a checkpoint');
    const totals = { epoch: 1, samples: 50, lossSum: 25, correct: 40, seconds: 1 };
    const next = await open(1);
    const again = next.join('w0');
    await next.train({ start: { step: 8, generation: 0, stepsBefore: 8, state: saved.state, epoch: totals } });
    await again;
    expect(next.eventsOf('epoch')).toMatchObject([{ epoch: 1, samples: 50, loss: 0.5, accuracy: 0.8 }, { epoch: 2 }]);
    expect(next.eventsOf('step').map(({ step }) => step)).toEqual([8, 9, 10, 11]);
  });
});

describe('the cost of an epoch', () => {
  /** A meter that each committed step moves by a dollar, from which the test pass and all else take nothing. */
  const meter = (party: Party, perStep: number) => () => 100 + perStep * party.eventsOf('step').length;

  it('is what the meter rose by while its steps were trained, and goes on where it was left', async () => {
    const party = await open(1);
    const worker = party.join('w0');
    await party.train({ spentUsd: meter(party, 1), steps: 6 });
    await worker;
    expect(party.eventsOf('step')).toHaveLength(6);
    // Steps of a worker that goes on by itself have parts of it.
    for (const [epoch, cost] of [3, 1].entries()) expect(party.eventsOf('epoch')[epoch]?.usd).toBeCloseTo(cost, 9);
    expect(party.eventsOf('epoch').map(({ cutShort }) => cutShort)).toEqual([undefined, true]);

    const saved = party.eventsOf('checkpoint').at(-1)?.checkpoint;
    if (saved === undefined) throw new Error('a checkpoint');
    const totals = { epoch: 1, samples: 32, lossSum: 16, correct: 16, seconds: 1, usd: 1 };
    const next = await open(1);
    const again = next.join('w0');
    // At ten times the price: the epoch's first half keeps its own.
    await next.train({
      spentUsd: meter(next, 10),
      steps: 8,
      start: { step: 6, generation: 0, stepsBefore: 6, state: saved.state, epoch: totals },
    });
    await again;
    expect(next.eventsOf('epoch')).toMatchObject([{ epoch: 1, usd: expect.closeTo(1 + 10, 9) }]);
    expect(next.eventsOf('epoch')[0]).not.toHaveProperty('cutShort');
  });
});

describe('a target accuracy', () => {
  it('ends training after the test pass that first has it', async () => {
    const party = await open(1);
    const worker = party.join('w0');
    const outcome = await party.train({ epochs: 50, targetAccuracy: 0.6 });
    await worker;
    expect(outcome.end).toMatchObject({
      kind: 'target',
      reason: expect.stringMatching(/target-accuracy 0\.6 .* epoch/),
    });
    const reached = party.eventsOf('epoch').map(({ testAccuracy }) => testAccuracy >= 0.6);
    expect(reached.indexOf(true)).toBe(reached.length - 1);
  });
});

describe('a run that goes on', () => {
  it('ends where it would have, bit for bit, and says which steps it had trained before', async () => {
    const whole = await open(2);
    const first = [whole.join('w0'), whole.join('w1')];
    await whole.train();
    await Promise.all(first);
    const [saved] = whole.eventsOf('checkpoint');
    const expected = whole.eventsOf('checkpoint').at(-1);
    if (saved === undefined || expected === undefined) throw new Error('checkpoints');

    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1')];
    await party.train({
      start: { step: 4, generation: 0, stepsBefore: 6, state: saved.checkpoint.state, epoch: undefined },
    });
    await Promise.all(workers);
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint.state.parameters).toEqual(
      expected.checkpoint.state.parameters,
    );
    expect(party.eventsOf('step').map(({ step }) => step)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    const inSteps = party.eventsOf('spent').filter(({ members }) => members.some(({ seconds }) => seconds.compute > 0));
    expect(inSteps.filter(({ redone }) => redone)).toHaveLength(2);
  });

  it('does not begin with a replica that took over something else', async () => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1', { keepsParameters: true })];
    const state = { parameters: Float32Array.of(1, 2), optimizer: { iterations: 4, slots: [] } };
    await expect(
      party.train({ start: { step: 4, generation: 0, stepsBefore: 4, state, epoch: undefined } }),
    ).rejects.toThrow(/worker w1 .* did not take over the parameters that it was sent/);
    await Promise.allSettled(workers);
  });
});

describe('a member that is lost within an epoch', () => {
  /** What workers hold after so many steps that nothing happened in. */
  async function stateAfter(steps: number, worldSize = 2) {
    const party = await open(worldSize);
    const workers = Array.from({ length: worldSize }, (_, i) => party.join(`w${i}`));
    await party.train({ steps });
    await Promise.all(workers);
    return party.eventsOf('checkpoint').at(-1)?.checkpoint.state;
  }

  it.each([
    ['w0', 'w1', 1, 'an error'],
    ['w1', 'w0', 5, 'an error'],
    ['w0', 'w1', 6, 'Ctrl-C'],
    ['w1', 'w0', 7, 'Ctrl-C'],
  ])('%s leaves to %s what was committed before step %i, by %s', async (unlucky, survivor, lostAt, how) => {
    const party = await open(2);
    const leaving = new AbortController();
    const beforeGradients = async (step: number) => {
      if (step !== lostAt) return;
      if (how === 'an error') throw new Error('the card is on fire');
      leaving.abort();
      await party.sleep(50);
    };
    const lost = party.join(unlucky, { beforeGradients }, { signal: leaving.signal });
    const left = party.join(survivor);
    await expect(party.train()).rejects.toThrow(
      new RegExp(
        `worker ${unlucky} .* left during step: .*; the checkpoint has step ${lostAt}, from the workers that are`,
      ),
    );
    await Promise.allSettled([lost, left]);
    const saved = party.eventsOf('checkpoint').at(-1)?.checkpoint;
    const epoch = Math.ceil(lostAt / 4) - 1;
    expect(saved).toMatchObject({ step: lostAt, epoch, cursor: (lostAt - 4 * epoch) * 16 });
    expect(saved?.state).toEqual(await stateAfter(lostAt));
    expect(party.eventsOf('step')).toHaveLength(lostAt);
    // Messages that were on their way are late. Nobody is blamed for them.
    expect(party.eventsOf('frame-rejected').filter(({ reason }) => reason !== 'stale')).toEqual([]);
    expect(party.eventsOf('worker-lost').map(({ workerId }) => workerId)).toEqual([unlucky]);
    // What the survivor computed for the step that came to nothing is wasted.
    const last = party.eventsOf('spent').at(-1);
    expect(last).toMatchObject({ redone: true, members: [{ workerId: survivor }] });
  });

  it('in a test pass leaves the epoch untested, and all of its steps', async () => {
    const party = await open(2);
    const lost = party.join('w0', { testLoss: Number.NaN });
    const left = party.join('w1');
    // A loss that is no number speaks against the parameters, which all replicas share.
    await expect(party.train()).rejects.toThrow(/left during evaluate: the loss became NaN on test images; try/);
    await Promise.allSettled([lost, left]);
    expect(party.eventsOf('checkpoint')).toEqual([]);
  });

  it('with all others says what is lost', async () => {
    const party = await open(1);
    const leaving = new AbortController();
    const worker = party.join(
      'w0',
      { beforeGradients: (step) => (step === 6 ? leaving.abort() : undefined) },
      { signal: leaving.signal },
    );
    await expect(party.train()).rejects.toThrow(
      /left during step: .*; the [12] steps since the last checkpoint are lost: no worker is left that has them/,
    );
    await Promise.allSettled([worker]);
    expect(party.eventsOf('checkpoint').map(({ checkpoint }) => checkpoint.step)).toEqual([4]);
  });

  it('leaves replicas that do not agree unsaved', async () => {
    const party = await open(3, { checksumEvery: 1000 });
    const lost = party.join('w0', {
      beforeGradients: (step) => {
        if (step === 2) throw new Error('the card is on fire');
      },
    });
    const others = [party.join('w1'), party.join('w2', { drift: 1e-3 })];
    await expect(party.train()).rejects.toThrow(
      /the card is on fire; the 2 steps since the last checkpoint are lost: worker w2 .* holds other parameters than rank 1/,
    );
    await Promise.allSettled([lost, ...others]);
    expect(party.eventsOf('checkpoint')).toEqual([]);
  });

  it('while the others are asked is left out, and those that remain are asked again', async () => {
    const party = await open(3, { timeoutSeconds: 1 });
    const dies = (step: number) => {
      if (step === 2) throw new Error('the card is on fire');
    };
    // The first survivor never gets to the question, and is lost at its deadline.
    const stuck = (step: number) => (step === 2 ? new Promise<void>(() => {}) : undefined);
    party.join('w0', { beforeGradients: stuck });
    party.join('w1', { beforeGradients: dies });
    party.join('w2');
    await expect(party.train()).rejects.toThrow(/worker w1 .*the card is on fire; the checkpoint has step 2, from/);
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint.state).toEqual(await stateAfter(2, 3));
    expect(party.eventsOf('worker-lost').map(({ workerId }) => workerId)).toEqual(['w1', 'w0']);
  });

  it('costs a run that goes on none of its steps', async () => {
    const whole = await open(2);
    const first = [whole.join('w0'), whole.join('w1')];
    await whole.train();
    await Promise.all(first);
    const party = await open(2);
    party.join('w0', {
      beforeGradients: (step) => {
        if (step === 6) throw new Error('the card is on fire');
      },
    });
    party.join('w1');
    await expect(party.train()).rejects.toThrow(/the checkpoint has step 6/);
    const saved = party.eventsOf('checkpoint').at(-1)?.checkpoint;
    if (saved === undefined) throw new Error('a checkpoint');
    const next = await open(2);
    const workers = [next.join('w0'), next.join('w1')];
    const epoch = { epoch: 1, samples: 32, lossSum: 1, correct: 1, seconds: 1 };
    await next.train({ start: { step: 6, generation: 0, stepsBefore: 6, state: saved.state, epoch } });
    await Promise.all(workers);
    expect(next.eventsOf('checkpoint').at(-1)?.checkpoint.state.parameters).toEqual(
      whole.eventsOf('checkpoint').at(-1)?.checkpoint.state.parameters,
    );
  });
});

describe('--checkpoint-every', () => {
  it.each([
    [3, [3, 4, 6, 8, 9, 12]],
    [4, [4, 8, 12]],
    [100, [4, 8, 12]],
  ])('%i steps saves within epochs, and the result is the same', async (checkpointEvery, saved) => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1')];
    await party.train({ checkpointEvery });
    await Promise.all(workers);
    const checkpoints = party.eventsOf('checkpoint').map(({ checkpoint }) => checkpoint);
    expect(checkpoints.map(({ step }) => step)).toEqual(saved);
    expect(party.eventsOf('epoch-begun').map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    expect(party.eventsOf('epoch').map(({ samples }) => samples)).toEqual([50, 50, 50]);
    const expected = await plainTraining();
    for (const i of [0, 1]) expect(checkpoints.at(-1)?.state.parameters[i]).toBeCloseTo(expected[i] ?? Number.NaN, 6);
  });

  it('so many seconds saves after the steps that are assigned', async () => {
    const party = await open(1);
    const worker = party.join('w0', { beforeGradients: () => party.sleep(10) });
    await party.train({ checkpointEvery: '0.005s' });
    await worker;
    // The first step is assigned with the second one, and takes longer than that.
    expect(party.eventsOf('checkpoint').map(({ checkpoint }) => checkpoint.step)).toEqual([2, 4, 6, 8, 10, 12]);
  });
});

describe('what a worker says its time went to', () => {
  it('adds up to the time it was in the run, the last step and the test pass included', async () => {
    const party = await open(2);
    const computing = (ms: number) => ({ beforeGradients: () => party.sleep(ms) });
    const workers = [party.join('w0', computing(5)), party.join('w1', computing(20))];
    const began = party.clock.now();
    await party.train();
    const lasted = party.clock.now() - began;
    await Promise.all(workers);
    // Six messages are outside: hello, welcome, ready and quorum, then the last answer and the stop. The last answer is the
    // predictions, which only rank 0 gives: the question and the answer are outside for the other.
    for (const [workerId, compute, wait, outside] of [
      ['w0', 12 * 0.005, 12 * 0.015, 0.006],
      ['w1', 12 * 0.02, 0, 0.008],
    ] as const) {
      const told = party.eventsOf('spent').flatMap(({ members }) => members.filter((m) => m.workerId === workerId));
      const sumOf = (phase: 'compute' | 'wait') => told.reduce((sum, { seconds }) => sum + seconds[phase], 0);
      expect([sumOf('compute'), sumOf('wait')]).toEqual([expect.closeTo(compute), expect.closeTo(wait)]);
      const total = told.reduce((sum, { seconds }) => sum + Object.values(seconds).reduce((a, b) => a + b, 0), 0);
      expect(total).toBeCloseTo(lasted - outside, 9);
      for (const { seconds } of told)
        for (const spent of Object.values(seconds)) expect(spent).toBeGreaterThanOrEqual(0);
    }
    // What follows the last vote of the run is told with what comes after it.
    const afterLastStep = party.events.slice(party.events.findLastIndex(({ type }) => type === 'step'));
    const [, ...later] = afterLastStep.filter((event) => event.type === 'spent');
    expect(later.flatMap(({ members }) => members).some(({ seconds }) => seconds.communicate > 0)).toBe(true);
  });
});

describe('the handshake', () => {
  it.each([
    ['seed', { expected: { seed: 2 } }, /seed differs: the run has 1, this worker 2/],
    ['model', { expected: { model: 'mlp' as const } }, /model differs: the run has softmax .*, this worker mlp/],
    ['version', { version: '2' }, /pennygrad version differs: the run has 1, this worker 2/],
  ])('refuses another %s by name, and the worker says so', async (_, options, message) => {
    const party = await open(1);
    await expect(party.until(party.join('w0', {}, options))).rejects.toThrow(message);
    // The place is still free for one that fits.
    const worker = party.join('w1');
    expect((await party.train()).steps).toBe(12);
    await worker;
    expect(party.eventsOf('worker-refused')).toHaveLength(1);
  });

  it('refuses another dataset, and other initial parameters', async () => {
    const party = await open(2);
    const other = party.join('w0', {}, {}, toyDataset(50, 'other'));
    await expect(party.until(other)).rejects.toThrow(
      /dataset digest differs: the run has toy, this worker other; name .* with --dataset or --data-dir; its digest must be toy/,
    );
    const first = party.join('w1');
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-ready')).toHaveLength(1);
    await expect(party.until(party.join('w2', { offset: 1 }))).rejects.toThrow(
      /checksum of the initial parameters differs/,
    );
    const third = party.join('w3');
    expect((await party.train()).steps).toBe(12);
    await Promise.all([first, third]);
  });

  it('tells a worker that lacks the data how to name it', async () => {
    const party = await open(1);
    const absent = party.join('w0', {}, {}, async () => {
      throw badInput('folder /data: does not exist');
    });
    await expect(party.until(absent)).rejects.toThrow(
      /folder \/data: does not exist; name the run's data on this host with --dataset or --data-dir; its digest must be toy/,
    );
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-lost')).toMatchObject([{ reason: expect.stringMatching(/its digest must be toy/) }]);
    const worker = party.join('w1');
    await party.train();
    await worker;
  });

  it('lets another take the place of a worker that left before training began', async () => {
    const party = await open(2);
    const unlucky = party.join('w0', { failToStart: 'no such engine here' });
    await expect(party.until(unlucky)).rejects.toThrow('no such engine here');
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-lost')).toHaveLength(1);
    const workers = [party.join('w1'), party.join('w2')];
    expect((await party.train()).steps).toBe(12);
    await Promise.all(workers);
  });

  it('lets a second worker of the same name and one too many wait for a place until their own deadlines', async () => {
    const party = await open(2);
    const leaving = new AbortController();
    const first = party.join('w0', {}, { signal: leaving.signal });
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-ready')).toHaveLength(1);
    const second = party.join('w0', {}, { timeoutSeconds: 20 });
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-refused')).toHaveLength(1);
    leaving.abort();
    await expect(party.until(first)).rejects.toMatchObject({ code: 'interrupted' });
    const third = party.join('w1');
    await party.until(party.sleep(untilHeard));
    expect(party.eventsOf('worker-ready')).toHaveLength(3);

    await expect(party.until(party.join('w2', {}, { timeoutSeconds: 1 }))).rejects.toMatchObject({
      code: 'quorum-lost',
      message: expect.stringMatching(/^no place in the run after 0\.8 s \(--timeout 1\): all 2 places are taken;/),
    });
    expect((await party.train()).steps).toBe(12);
    await Promise.all([second, third]);
    expect(party.eventsOf('worker-refused').map(({ workerId }) => workerId)).toEqual(['w0', 'w2']);
  });
});

describe('a member whose heart beats', () => {
  const never = () => new Promise<void>(() => {});

  it('but that never answers a part of a test pass ends the run within the deadline, by its name', async () => {
    const party = await open(2, { timeoutSeconds: 1 });
    const workers = [party.join('w0'), party.join('w1', { beforeEvaluation: never })];
    await expect(party.train()).rejects.toMatchObject({
      code: 'quorum-lost',
      message: expect.stringMatching(
        /^worker w1 .* was lost in phase evaluate: no result for 0\.\d s, though it is alive; the checkpoint has step 4, from/,
      ),
    });
    for (const { status } of await Promise.allSettled(workers)) expect(status).toBe('rejected');
  });
});

describe('workers that are not alike', () => {
  it.each([
    ['engines', { device: 'other' }, {}],
    ['CPUs', {}, { cpu: 'y' }],
  ])('of different %s may round differently, and the run says by how much', async (_, faults, options) => {
    const party = await open(3);
    const workers = [
      party.join('w0'),
      party.join('w1', { ...faults, drift: 1e-7 }, options),
      party.join('w2', { ...faults, drift: 1e-7 }, options),
    ];
    const { replicas } = await party.train();
    await Promise.all(workers);
    // Twelve updates of 1e-7 in both parameters, relative to the length of a vector between 0.1 and 10.
    expect(replicas).toMatchObject({ identical: false });
    expect(replicas?.difference).toBeGreaterThan(1e-7);
    expect(replicas?.difference).toBeLessThan(1e-4);
  });

  it('end the run where rounding does not explain the difference', async () => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1', { device: 'other', drift: 1e-3 })];
    await expect(party.train()).rejects.toThrow(
      /worker w1 .*\(cpu \(other\) on x\) holds parameters \d\.\de-[1-3] from rank 0's before step 4/,
    );
    await Promise.allSettled(workers);
  });

  it('are compared bit for bit with those of their kind', async () => {
    const party = await open(3);
    const kinds = [{}, { device: 'other' }, { device: 'other', drift: 1e-7 }];
    const workers = kinds.map((faults, i) => party.join(`w${i}`, faults));
    await expect(party.train()).rejects.toThrow(
      /worker w2 .* holds other parameters than rank 1 before step 1, though both compute with cpu \(other\) on x/,
    );
    await Promise.allSettled(workers);
  });

  it('get shares by their speed, each sample still counted once', async () => {
    const party = await open(2);
    const slow = () => party.sleep(20);
    const workers = [party.join('w0'), party.join('w1', { device: 'slow', beforeGradients: slow })];
    await party.train();
    await Promise.all(workers);
    const changes = party.eventsOf('shares');
    expect(changes[0]?.reason).toMatch(/^shares 8\/8 -> /);
    for (const { step, members, samples } of party.eventsOf('step')) {
      const change = changes.findLast((candidate) => candidate.step <= step);
      const shares = change?.shares.map((share) => share.samples) ?? [8, 8];
      const taken = members.map((member) => member.samples);
      if (samples === 16) expect(taken).toEqual(shares);
      expect(taken.reduce((a, b) => a + b)).toBe(samples);
    }
    const [fast = 0, slowed = 0] = changes.at(-1)?.shares.map((share) => share.samples) ?? [];
    expect(fast).toBeGreaterThan(slowed);
    expect(party.eventsOf('epoch').map(({ samples }) => samples)).toEqual([50, 50, 50]);
  });
});

describe('a worker that breaks', () => {
  it('ends the run with its own words', async () => {
    const party = await open(2);
    const broken = party.join('w1', {
      beforeGradients: (step) => {
        if (step === 3) throw new Error('the card is on fire');
      },
    });
    const other = party.join('w0');
    await expect(party.train()).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/worker w1 \(rank 1, pid \d+ on .*\) left during step: the card is on fire/),
    });
    await expect(broken).rejects.toThrow('the card is on fire');
    await expect(party.until(other)).rejects.toThrow(/the run failed: worker w1 .*the card is on fire/);
  });

  it('or evaluates to a loss that is not finite ends the run', async () => {
    const party = await open(1);
    party.join('w0', { testLoss: Number.POSITIVE_INFINITY });
    await expect(party.train()).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(/worker w0 .* left during evaluate: the loss became Infinity on test images/),
    });
  });

  it('or computes something else is named by the checksum of its parameters', async () => {
    const party = await open(2);
    const workers = [party.join('w0'), party.join('w1', { drift: 1e-3 })];
    await expect(party.train()).rejects.toThrow(/worker w1 .* holds other parameters than rank 0 before step 1/);
    await Promise.allSettled(workers);
  });

  it('or is stuck in a step is lost at its deadline, though its heart beats', async () => {
    const party = await open(2, { timeoutSeconds: 1 });
    party.join('w0');
    party.join('w1', { beforeGradients: () => new Promise(() => {}) });
    await expect(party.train()).rejects.toMatchObject({
      code: 'quorum-lost',
      message: expect.stringMatching(/worker w1 .* in phase compute: no result for .* though it is alive/),
    });
  });
});
