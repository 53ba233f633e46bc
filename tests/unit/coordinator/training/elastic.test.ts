/** Fleets that change while they train: a loss, a newcomer and a worker that leaves, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { thorough } from '../../../support/thoroughness.ts';
import { open, type Party } from './party.ts';

/** Which samples were trained in committed steps, as positions of each epoch's order. */
function steps(party: Party): readonly number[] {
  return party.eventsOf('step').map(({ step }) => step);
}

const all = (count: number) => Array.from({ length: count }, (_, step) => step);

/** What a run without any change comes to. */
async function undisturbed(size = 1): Promise<Float32Array> {
  const party = await open(size);
  for (let i = 0; i < size; i++) party.join(`w${i}`);
  await party.train();
  return finalParameters(party.events);
}

function finalParameters(events: readonly RunEvent[]): Float32Array {
  const last = events.filter((event) => event.type === 'checkpoint').at(-1);
  if (last === undefined) throw new Error('no checkpoint');
  return last.checkpoint.state.parameters;
}

const close = (a: Float32Array, b: Float32Array) => {
  for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i] ?? Number.NaN, 5);
};

const isStep = (step: number) => (event: RunEvent) => event.type === 'step' && event.step === step;

/** A worker that ends in the given step by throwing. */
const failsIn = (step: number) => ({
  beforeGradients: (at: number) => {
    if (at === step) throw new Error('it broke');
  },
});

describe('a run that loses a worker', () => {
  it('goes on with the others, trains every step once, and comes to the same parameters', async () => {
    const party = await open({ min: 1, max: 3 }, { onLoss: 'continue', expectedIds: ['w0', 'w1', 'w2'] });
    party.join('w0');
    party.join('w1', failsIn(4));
    party.join('w2');
    const outcome = await party.train();
    expect(outcome).toMatchObject({ steps: 12, end: { kind: 'completed' } });
    expect(steps(party)).toEqual(all(12));
    expect(party.eventsOf('generation').map(({ members }) => members.map(({ workerId }) => workerId))).toEqual([
      ['w0', 'w1', 'w2'],
      ['w0', 'w2'],
    ]);
    close(finalParameters(party.events), await undisturbed());
  });
});

describe('a run that a worker joins', () => {
  it('takes it in at a step boundary, with the state of the others', async () => {
    const party = await open({ min: 1, max: 2 }, { onLoss: 'continue' });
    party.join('w0');
    party.when(isStep(8), () => party.join('w1'));
    await party.train({ epochs: 6 });
    expect(steps(party)).toEqual(all(24));
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toEqual([1, 2]);
    expect(party.eventsOf('worker-lost')).toEqual([]);
    const both = party.eventsOf('step').filter(({ members }) => members.length === 2);
    expect(both.length).toBeGreaterThan(3);
    expect(both.length).toBeLessThan(24);
  });
});

describe('a newcomer whose donor is lost while the state is under way', () => {
  it.each([
    ['goes on from the state if it took it over', 'restored'],
    ['begins afresh if it did not', 'restore'],
  ])('%s, although nothing was saved', async (_, lostAt) => {
    const party = await open({ min: 1, max: 2 }, { onLoss: 'continue' });
    const donor = new AbortController();
    party.join('w0', {}, { signal: donor.signal });
    party.when(isStep(0), () => party.join('w1', { onSetParameters: () => lostAt === 'restored' && donor.abort() }));
    party.when(
      (event) => event.type === 'generation' && event.number === 2,
      () => lostAt === 'restore' && donor.abort(),
    );
    await party.train();
    expect(party.eventsOf('generation').map(({ members }) => members.length)).toEqual([1, 2, 1]);
    expect(party.eventsOf('checkpoint')[0]?.checkpoint.step).toBe(4);
    close(finalParameters(party.events), await undisturbed());
  });
});

describe('a worker that is asked to leave', () => {
  it('finishes its step and leaves; the others go on without a step tried twice', async () => {
    const party = await open({ min: 1, max: 2 }, { onLoss: 'continue' });
    const drain = new AbortController();
    party.join('w0');
    const leaver = party.join('w1', {}, { drain: drain.signal });
    party.when(isStep(8), () => drain.abort(new Error('spot notice')));
    await party.train({ epochs: 6 });
    await leaver;
    expect(steps(party)).toEqual(all(24));
    expect(party.eventsOf('worker-lost')).toEqual([]);
    expect(party.eventsOf('worker-drained')).toMatchObject([{ workerId: 'w1' }]);
    expect(
      party
        .eventsOf('spent')
        .some(({ redone, members }) => redone && members.some(({ seconds }) => seconds.compute > 0)),
    ).toBe(false);
  });

  it('leaves as a member where it is one that has not heard of it yet', async () => {
    const party = await open({ min: 1, max: 2 }, { onLoss: 'fail', expectedIds: ['w0', 'w1'] });
    const drain = new AbortController();
    party.join('w0');
    const leaver = party.join('w1', {}, { drain: drain.signal });
    party.when(
      ({ type }) => type === 'generation',
      () => drain.abort(new Error('spot notice')),
    );
    await party.train();
    await leaver;
    expect(steps(party)).toEqual(all(12));
    expect(party.eventsOf('worker-lost')).toEqual([]);
    expect(party.eventsOf('worker-drained')).toMatchObject([{ workerId: 'w1' }]);
  });

  it('leaves at once while it waits for the others, and as it should', async () => {
    const party = await open({ min: 1, max: 1 }, { expectedIds: ['w0', 'w1'] });
    const drain = new AbortController();
    const leaver = party.join('w1', {}, { drain: drain.signal });
    party.when(
      ({ type }) => type === 'worker-ready',
      () => drain.abort(new Error('spot notice')),
    );
    party.when(
      ({ type }) => type === 'worker-drained',
      () => party.join('w0'),
    );
    await party.train();
    await expect(leaver).resolves.toBeUndefined();
    expect(party.eventsOf('worker-lost')).toEqual([]);
  });

  it('leaves its state in a checkpoint if it is the last one; whoever comes next goes on from there', async () => {
    const party = await open({ min: 1, max: 1 }, { onLoss: 'continue' });
    const drain = new AbortController();
    party.join('w0', {}, { drain: drain.signal });
    party.when(isStep(8), () => drain.abort(new Error('spot notice')));
    party.when(
      ({ type }) => type === 'waiting',
      () => party.join('w1'),
    );
    await party.train({ epochs: 6 });
    expect(steps(party)).toEqual(all(24));
    expect(party.eventsOf('rolled-back')).toEqual([]);
    close(
      finalParameters(party.events),
      await undisturbed().then(async () => {
        const other = await open(1);
        other.join('w0');
        await other.train({ epochs: 6 });
        return finalParameters(other.events);
      }),
    );
  });
});

describe('a run that workers leave one after the other', () => {
  it('has their steps in a checkpoint, although it waits for others in between', async () => {
    const party = await open({ min: 2, max: 2 }, { onLoss: 'continue' });
    const drains = [new AbortController(), new AbortController()] as const;
    for (const [rank, drain] of drains.entries()) party.join(`w${rank}`, {}, { drain: drain.signal });
    party.when(isStep(5), () => drains[0].abort(new Error('spot notice')));
    party.when(
      ({ type }) => type === 'waiting',
      () => drains[1].abort(new Error('spot notice')),
    );
    await expect(party.train()).rejects.toMatchObject({ code: 'quorum-lost' });
    const committed = party.eventsOf('step').length;
    expect(committed).toBeGreaterThan(5);
    expect(party.eventsOf('checkpoint').at(-1)?.checkpoint.step).toBe(committed);
  });
});

describe('a run whose last worker is lost', () => {
  it('goes back to the checkpoint when another one comes, and counts each step once', async () => {
    const party = await open({ min: 1, max: 1 }, { onLoss: 'continue' });
    party.join('w0', failsIn(6));
    party.when(
      ({ type }) => type === 'waiting',
      () => party.join('w1'),
    );
    const outcome = await party.train();
    expect(outcome).toMatchObject({ steps: 12 });
    expect(party.eventsOf('rolled-back')).toEqual([{ type: 'rolled-back', step: 4, lostSteps: 2 }]);
    expect(steps(party)).toEqual([0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 10, 11]);
    close(finalParameters(party.events), await undisturbed());
  });

  it('gives up at the deadline where nobody comes, and says since when', async () => {
    const party = await open({ min: 1, max: 1 }, { onLoss: 'continue' });
    party.join('w0', failsIn(6));
    await expect(party.train()).rejects.toMatchObject({
      code: 'quorum-lost',
      message: expect.stringMatching(
        /w0 .* left during step: it broke; no other worker came .* after 4 s .*0 of 1 workers ready/,
      ),
    });
    expect(party.eventsOf('waiting')).toHaveLength(1);
  });
});

describe('a replica that goes wrong', () => {
  /** Its parameters change by themselves, once. */
  const flips = (update: number) => ({ drift: (updates: number) => (updates === update ? 0.25 : 0) });

  it('is named, and gets the state of the others', async () => {
    const party = await open(3, { onLoss: 'continue', checksumEvery: 1 });
    party.join('w0');
    party.join('w1', flips(5));
    party.join('w2');
    await party.train({ onDesync: 'heal' });
    expect(party.eventsOf('healed')).toMatchObject([{ workerId: 'w1' }]);
    expect(steps(party)).toEqual(all(12));
    close(finalParameters(party.events), await undisturbed());
  });

  it('ends the run where there is no majority', async () => {
    const party = await open(2, { onLoss: 'continue', checksumEvery: 1 });
    party.join('w0');
    party.join('w1', flips(5));
    await expect(party.train({ onDesync: 'heal' })).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/holds other parameters .*no majority/),
    });
  });

  it('may be healed three times', async () => {
    const party = await open(3, { onLoss: 'continue', checksumEvery: 1 });
    party.join('w0', { drift: (updates) => ([2, 5, 8].includes(updates) ? 0.25 : 0) });
    party.join('w1');
    party.join('w2');
    await party.train({ onDesync: 'heal' });
    expect(party.eventsOf('healed').map(({ workerId }) => workerId)).toEqual(['w0', 'w0', 'w0']);
    close(finalParameters(party.events), await undisturbed());
  });

  it('ends the run when it was healed three times', async () => {
    const party = await open(3, { onLoss: 'continue', checksumEvery: 1 });
    party.join('w0', { drift: 0.01 });
    party.join('w1');
    party.join('w2');
    await expect(party.train({ onDesync: 'heal' })).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/worker w0 went wrong again after it was healed 3 times/),
    });
  });
});

describe('workers that are not alike', () => {
  it('have shares that fit their speeds from the first step on', async () => {
    const party = await open(2, { onLoss: 'continue' });
    const speeds = { w0: 300, w1: 100 };
    for (const [workerId, speed] of Object.entries(speeds)) {
      party.join(workerId, { device: `at ${speed}` }, {}, undefined, { measureSpeed: async () => speed });
    }
    await party.train({ batchSize: 16 });
    expect(party.eventsOf('step')[0]?.members.map(({ samples }) => samples)).toEqual([12, 4]);
  });
});

describe('a deterministic run', () => {
  /** In samples: a batch of 16 has six micro-shards, the last of them short, and the last batch of an epoch has one. */
  const deterministic = { allReduce: 'tree', microShard: 3, deterministic: true, onLoss: 'continue' } as const;

  /** The workers' speeds, by which they get their shares. */
  async function parametersWith(speeds: readonly number[]): Promise<Float32Array> {
    const party = await open(speeds.length, deterministic);
    for (const [rank, speed] of speeds.entries()) {
      party.join(`w${rank}`, {}, {}, undefined, { measureSpeed: async () => speed });
    }
    await party.train({ balance: 'on' });
    return finalParameters(party.events);
  }

  it('comes to the same bits with any number of workers, and any shares', async () => {
    const alone = await parametersWith([1]);
    close(alone, await undisturbed());
    const few = [
      [3, 1],
      [1, 1, 1],
      [1, 4, 1, 2],
    ];
    const more = [
      [1, 1],
      [5, 1, 2],
      [1, 1, 1, 1],
    ];
    for (const speeds of thorough ? [...few, ...more] : few) {
      expect(await parametersWith(speeds), speeds.join('/')).toEqual(alone);
    }
  });

  it('does so through a loss, a newcomer, and a fleet that was lost as a whole', async () => {
    const alone = await parametersWith([1]);
    const lossy = await open({ min: 1, max: 3 }, { ...deterministic, expectedIds: ['w0', 'w1', 'w2'] });
    lossy.join('w0');
    lossy.join('w1', failsIn(4));
    lossy.join('w2', failsIn(6));
    lossy.when(isStep(6), () => lossy.join('w3'));
    await lossy.train();
    expect(lossy.eventsOf('generation').map(({ members }) => members.length)).toEqual([3, 2, 1, 2]);
    expect(finalParameters(lossy.events)).toEqual(alone);

    const lost = await open({ min: 1, max: 2 }, deterministic);
    lost.join('w0', failsIn(6));
    lost.when(
      ({ type }) => type === 'waiting',
      () => {
        lost.join('w1');
        lost.join('w2');
      },
    );
    await lost.train();
    expect(lost.eventsOf('rolled-back')).toHaveLength(1);
    expect(finalParameters(lost.events)).toEqual(alone);
  });

  it('gives each worker whole micro-shards', async () => {
    const party = await open(2, deterministic);
    for (const [workerId, speed] of Object.entries({ w0: 2, w1: 1 })) {
      party.join(workerId, {}, {}, undefined, { measureSpeed: async () => speed });
    }
    await party.train({ balance: 'on', epochs: 1 });
    expect(party.eventsOf('step').map(({ members }) => members.map(({ samples }) => samples))).toEqual([
      [12, 4],
      [12, 4],
      [12, 4],
      [2, 0],
    ]);
  });

  it('takes no worker whose arithmetic may differ, also when those before it are gone', async () => {
    const party = await open({ min: 1, max: 2 }, deterministic);
    party.join('w0', failsIn(6));
    const refused: Promise<void>[] = [];
    party.when(
      ({ type }) => type === 'waiting',
      () => {
        refused.push(party.join('other', {}, { cpu: 'y' }), party.join('device', { device: 'toy, relaxed SIMD' }));
      },
    );
    party.when(
      ({ type }) => type === 'worker-refused',
      () =>
        party.when(
          ({ type }) => type === 'worker-refused',
          () => party.join('w1'),
        ),
    );
    await party.train();
    const outcomes = await Promise.allSettled(refused);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason.message))).toEqual([
      expect.stringMatching(/arithmetic.*--deterministic needs that of the others, cpu \(toy\) on x.*cpu \(toy\) on y/),
      expect.stringMatching(/arithmetic.*cpu \(toy\) on x.*cpu \(toy, relaxed SIMD\) on x/),
    ]);
    expect(outcomes).toMatchObject([{ reason: { code: 'bad-input' } }, { reason: { code: 'bad-input' } }]);
  });
});
