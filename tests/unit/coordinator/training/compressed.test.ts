/** Runs whose gradients travel compressed, in virtual time, against plain formulas. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { epochOrder } from '../../../../src/shared/core/sampling.ts';
import type { TrainingState } from '../../../../src/shared/model/training-state.ts';
import { createMemoryVectors } from '../../../support/memory-vectors.ts';
import { type PlainRank, plainCodec, plainStep } from '../../../support/plain-compression.ts';
import { toyProvider } from '../../../support/toy-engine.ts';
import { dataset, model, open, type Party } from './party.ts';

/** One of the two floats is sent in each step. */
const compression = 'topk:49';
const optimizer = { name: 'sgd' as const, learningRate: 0.5, compression };

const isStep = (step: number) => (event: RunEvent) => event.type === 'step' && event.step === step;

/** A run with compression, through the coordinator (star), or with a sharing of memory that all workers have. */
async function openCompressed(max: number, allReduce: 'star' | 'mesh' = 'star') {
  const sharing = createMemoryVectors(undefined, (listener) => queueMicrotask(listener));
  const party = await open({ min: 1, max }, { onLoss: 'continue', optimizer, allReduce, skipNonfinite: true });
  const join: Party['join'] = (id, faults, options) =>
    party.join(id, faults, options, dataset, {
      sharing: {
        async offer(floats) {
          const offered = await sharing.offer(floats);
          return 'own' in offered ? { own: { ...offered.own, offer: { memory: offered.own.offer } } } : offered;
        },
        open: async ({ memory }, options) => (memory ? sharing.open(memory, options) : { problem: 'nothing' }),
      },
    });
  return { ...party, join };
}

interface PlainState {
  readonly parameters: Float32Array;
  readonly kept: ReadonlyMap<string, readonly number[]>;
}

/** What each step must have come to, from the shares that it had. @param kept what workers begin with, by workerId */
async function plainStates(party: Party, start?: TrainingState, kept: PlainState['kept'] = new Map()) {
  const engine = await toyProvider().create({ dataset, model, optimizer, seed: 1 });
  if (start !== undefined) await engine.setParameters(start.parameters);
  const ranks = new Map<string, PlainRank>([...kept].map(([id, own]) => [id, { kept: own }]));
  const states = new Map<number, PlainState>();
  for (const { step, epoch, shares, samples, skipped } of party.eventsOf('step')) {
    const order = epochOrder(1, epoch, dataset.trainCount);
    const gradients: Float32Array[] = [];
    for (const { from, to } of shares) {
      const gradient = new Float32Array(2);
      await engine.computeGradients(order.subarray(from, to), gradient);
      gradients.push(gradient);
    }
    const members = shares.map(({ workerId }) => {
      const rank = ranks.get(workerId) ?? { kept: [] };
      ranks.set(workerId, rank);
      return rank;
    });
    // Whoever is alone sends all.
    const codec = members.length === 1 ? (values: readonly number[]) => values : plainCodec(compression);
    if (skipped === undefined)
      await engine.applyGradients(Float32Array.from(plainStep(codec, members, gradients, [2], samples)), samples);
    // For each sample, as checkpoints have it.
    const left = new Map(
      [...ranks].map(
        ([id, { kept: own, keptOf = 1 }]) => [id, own.map((value) => Math.fround(value / keptOf))] as const,
      ),
    );
    states.set(step + 1, { parameters: await engine.getParameters(), kept: left });
  }
  return states;
}

/** Every checkpoint has the parameters, and what the members of that moment have kept. @returns the steps of them */
function expectCheckpoints(party: Party, states: ReadonlyMap<number, PlainState>): readonly number[] {
  let members: readonly string[] = [];
  const steps: number[] = [];
  for (const event of party.events) {
    if (event.type === 'generation') members = event.members.map(({ workerId }) => workerId);
    if (event.type !== 'checkpoint') continue;
    const { step, state } = event.checkpoint;
    const expected = states.get(step);
    expect([...state.parameters]).toEqual([...(expected?.parameters ?? [])]);
    const sum = [0, 1].map((i) =>
      members.reduce((total, id) => Math.fround(total + (expected?.kept.get(id)?.[i] ?? 0)), 0),
    );
    expect(state.optimizer.slots.map((slot) => [...slot])).toEqual([sum]);
    steps.push(step);
  }
  return steps;
}

describe.each(['star', 'mesh'] as const)('a run with compression, by the %s,', (allReduce) => {
  it('trains what plain formulas say, and saves what its workers have kept back', async () => {
    const party = await openCompressed(2, allReduce);
    party.join('w0');
    party.join('w1');
    await party.train({ checkpointEvery: 3 });
    const states = await plainStates(party);
    expect(expectCheckpoints(party, states)).toEqual([3, 4, 6, 8, 9, 12]);
    if (allReduce === 'mesh') expect(party.eventsOf('all-reduce')).toMatchObject([{ allReduce }]);
    // Two words in each of twelve steps, and as much back: two words, or the two floats of the sum.
    const sums = new Map<string, readonly [number, number]>();
    for (const { workerId, bytes } of party.eventsOf('spent').flatMap(({ members }) => members)) {
      const [sent, received] = sums.get(workerId) ?? [0, 0];
      sums.set(workerId, [sent + bytes.sent, received + bytes.received]);
    }
    expect(Object.fromEntries(sums)).toEqual({ w0: [96, 96], w1: [96, 96] });
    // Otherwise this would be about nothing.
    expect([...(states.get(6)?.kept.values() ?? [])].flat().filter((value) => value !== 0).length).toBeGreaterThan(1);
  });

  it('goes on without a worker that is lost, whose part of the step is trained again', async () => {
    const party = await openCompressed(3, allReduce);
    party.join('w0');
    party.join('w1', {
      beforeGradients(at) {
        if (at === 5) throw new Error('it broke');
      },
    });
    party.join('w2');
    await party.train();
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toEqual([3, 2]);
    expectCheckpoints(party, await plainStates(party));
  });

  it('keeps what it kept through steps that are skipped', async () => {
    const party = await openCompressed(2, allReduce);
    const poisoned = epochOrder(1, 0, dataset.trainCount)[20];
    for (const id of ['w0', 'w1']) party.join(id, { poisons: (sample) => sample === poisoned });
    await party.train({ checkpointEvery: 1 });
    expect(party.eventsOf('step').filter(({ skipped }) => skipped !== undefined)).toHaveLength(3);
    const states = await plainStates(party);
    expect(
      states
        .get(1)
        ?.kept.get('w0')
        ?.some((value) => value !== 0),
    ).toBe(true);
    expect(expectCheckpoints(party, states)).toHaveLength(12);
  });

  it('lets whoever is left alone apply all that it has kept', async () => {
    const party = await openCompressed(2, allReduce);
    party.join('w0');
    party.join('w1', {
      beforeGradients(at) {
        if (at === 5) throw new Error('it broke');
      },
    });
    await party.train();
    expectCheckpoints(party, await plainStates(party));
    expect(
      party
        .eventsOf('checkpoint')
        .at(-1)
        ?.checkpoint.state.optimizer.slots.map((slot) => [...slot]),
    ).toEqual([[0, 0]]);
  });

  it('gives a newcomer the parameters of the others, and nothing of what they keep', async () => {
    const party = await openCompressed(3, allReduce);
    party.join('w0');
    party.join('w1');
    party.when(isStep(4), () => party.join('w2'));
    await party.train({ epochs: 5 });
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toContain(3);
    const joined = party.eventsOf('step').find(({ members }) => members.length === 3);
    const states = await plainStates(party);
    expect(
      states
        .get(joined?.step ?? 0)
        ?.kept.get('w0')
        ?.some((value) => value !== 0),
    ).toBe(true);
    expectCheckpoints(party, states);
  });

  it('goes on from a checkpoint with all that was kept, which its first worker has', async () => {
    const before = await openCompressed(2, allReduce);
    before.join('w0');
    before.join('w1');
    await before.train({ epochs: 1 });
    const state = before.eventsOf('checkpoint').at(-1)?.checkpoint.state;
    const kept = [...(state?.optimizer.slots[0] ?? [])];
    expect(kept.some((value) => value !== 0)).toBe(true);
    const party = await openCompressed(2, allReduce);
    party.join('w0');
    party.join('w1');
    await party.train({ epochs: 2, start: { step: 4, generation: 1, state, epoch: undefined, stepsBefore: 4 } });
    expect(party.eventsOf('step').map(({ step }) => step)).toEqual([4, 5, 6, 7]);
    const first = party.eventsOf('generation')[0]?.members[0]?.workerId ?? '';
    expect(expectCheckpoints(party, await plainStates(party, state, new Map([[first, kept]])))).toEqual([8]);
  });
});
