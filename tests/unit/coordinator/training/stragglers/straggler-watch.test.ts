/** Stragglers in a run that trains, in virtual time: found, told, and let go where the run does not keep them. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../../src/coordinator/run-events.ts';
import { watchStragglers } from '../../../../../src/coordinator/training/stragglers/straggler-watch.ts';
import type { FleetSize } from '../../../../../src/settings/fleet-size.ts';
import { member, stepEvent } from '../../../../support/observed-run.ts';
import type { ToyFaults } from '../../../../support/toy-engine.ts';
import { inVirtualTime, open, type Party } from '../party.ts';

type Told<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>;

type Watch = ReturnType<typeof watchStragglers>;

interface WatchedParty extends Party {
  /** What the watch made of the run's events. */
  toldOf<Type extends RunEvent['type']>(type: Type): readonly Told<Type>[];
  readonly place: ReturnType<typeof inVirtualTime>;
}

/** A run that is watched as `run.ts` does it: stragglers are told to leave as soon as they are overdue. */
async function openWatched(fleet: FleetSize, watch: Watch): Promise<WatchedParty> {
  const place = inVirtualTime();
  const told: RunEvent[] = [];
  const party: Party = await open(fleet, { onLoss: 'continue' }, place, (event) => {
    for (const derived of watch(event)) {
      told.push(derived);
      if (derived.type === 'straggler-overdue') party.control.dropStraggler(derived.workerId, derived.reason);
    }
  });
  return {
    ...party,
    place,
    toldOf: (type) => told.filter((event): event is Told<typeof type> => event.type === type),
  };
}

/** A worker whose gradients take so long. @param until the step from which it is as fast as the others */
function takes({ place }: WatchedParty, ms: number, until = Number.POSITIVE_INFINITY): ToyFaults {
  const pass = (forMs: number) => new Promise<void>((resolve) => place.timers.after(forMs, resolve));
  return { beforeGradients: (step) => pass(step < until ? ms : fastMs) };
}

/** Each step is a span. The last one has two samples, of which the third worker gets none. */
const fastMs = 1000;
/** Within a step's deadline. With a share of six samples to five and five, a sample takes it 2.5 times as long. */
const slowMs = 3000;
const epochs = 5;

async function trainThree(fleet: FleetSize, dropAt: number | undefined, until?: number) {
  const party = await openWatched(fleet, watchStragglers(dropAt));
  party.join('w0', takes(party, fastMs));
  party.join('w1', takes(party, fastMs));
  const slow = party.join('slow', takes(party, slowMs, until));
  return { party, slow };
}

const membersOf = (party: Party) =>
  party.eventsOf('generation').map(({ members }) => members.map(({ workerId }) => workerId));

const allSteps = Array.from({ length: 4 * epochs }, (_, step) => step);

it('tells nothing of what is no step, and of a step in the middle of a span', () => {
  const watch = watchStragglers(2);
  const epochBegun: RunEvent = { type: 'epoch-begun', epoch: 1 };
  const generation: RunEvent = { type: 'generation', number: 1, members: [member(0)], parameterCount: 1, reason: '' };
  const lost: RunEvent = { type: 'worker-lost', workerId: 'w0', reason: 'killed', cause: 'killed' };
  for (const event of [epochBegun, generation, lost, { ...stepEvent(0), seconds: 0.5 }]) {
    expect(watch(event)).toEqual([]);
  }
});

describe('a run with a straggler', () => {
  it('names it once, and keeps it unless told otherwise', async () => {
    const { party } = await trainThree({ min: 2, max: 3 }, undefined);
    await party.train({ epochs });
    expect(party.toldOf('straggler')).toMatchObject([{ workerId: 'slow', isOne: true }]);
    const compared = party.toldOf('slowdowns').map(({ members }) => members.map(({ isStraggler }) => isStraggler));
    expect(compared.slice(-2)).toEqual([
      [true, false, false],
      [true, false],
    ]);
    expect(membersOf(party)).toEqual([['slow', 'w0', 'w1']]);
  });

  it('lets it go at a step boundary with --drop-stragglers, tries no step twice, and refuses it afterwards', async () => {
    const { party, slow } = await trainThree({ min: 2, max: 3 }, 2);
    party.when(
      ({ type }) => type === 'worker-drained',
      () => party.join('slow'),
    );
    await party.train({ epochs });
    await expect(slow).resolves.toBeUndefined();
    expect(party.eventsOf('step').map(({ step }) => step)).toEqual(allSteps);
    expect(party.eventsOf('spent').some(({ redone }) => redone)).toBe(false);
    expect(party.eventsOf('worker-lost')).toEqual([]);
    expect(membersOf(party)).toEqual([
      ['slow', 'w0', 'w1'],
      ['w0', 'w1'],
    ]);
    const [left] = party.eventsOf('worker-drained');
    expect(left).toMatchObject({ workerId: 'slow', dropped: true });
    expect(left?.reason).toMatch(
      /^in 8 of the last \d+ spans of 1 s or longer a sample took it at least \d\.\d times as long as the others \(--drop-stragglers 2x\)$/,
    );
    expect(party.eventsOf('worker-refused')).toMatchObject([
      { workerId: 'slow', reason: expect.stringContaining('no place for stragglers (--drop-stragglers)') },
    ]);
  });

  it.each([
    ['it is not slow enough', { min: 2, max: 3 }, 6, 0],
    ['the run needs it', { min: 3, max: 3 }, 2, 1],
  ] as const)('keeps it where %s', async (_, fleet, dropAt, kept) => {
    const { party } = await trainThree(fleet, dropAt);
    await party.train({ epochs });
    expect(membersOf(party)).toHaveLength(1);
    expect(party.eventsOf('straggler-kept')).toHaveLength(kept);
  });

  it('says when it is none any more', async () => {
    const { party } = await trainThree({ min: 2, max: 3 }, undefined, 9);
    await party.train({ epochs });
    expect(party.toldOf('straggler').map(({ workerId, isOne }) => [workerId, isOne])).toEqual([
      ['slow', true],
      ['slow', false],
    ]);
  });
});

describe('what follows from a step of a second', () => {
  const generation: RunEvent = {
    type: 'generation',
    number: 1,
    members: ['a', 'b'].map((workerId) => ({ ...member(0, 3.6), workerId })),
    parameterCount: 2,
    reason: '',
  };
  const phases = (compute: number) => ({ load: 0, compute, communicate: 0, wait: 0, apply: 0 });
  const step = (samplesOfB: number) =>
    stepEvent(0, {
      samples: 40 + samplesOfB,
      members: [
        { workerId: 'a', samples: 40, phases: phases(0.4) },
        { workerId: 'b', samples: samplesOfB, phases: phases(0.4) },
      ],
    });
  const slow = step(10);
  const overdueOf = (events: readonly RunEvent[]) => events.filter(({ type }) => type === 'straggler-overdue');

  it('is that a straggler is overdue, at each step until it has gone, with what its samples cost where prices are known', () => {
    const watch = watchStragglers(2);
    watch(generation);
    for (let span = 0; span < 7; span++) expect(overdueOf(watch(slow))).toEqual([]);
    for (const spans of [8, 9, 10, 10]) {
      const reason =
        `in 8 of the last ${spans} spans of 1 s or longer a sample took it at least 4.0 times as long as the others ` +
        '(--drop-stragglers 2x); a million samples cost $100.00 on it and $25.00 on the others';
      expect(overdueOf(watch(slow))).toEqual([{ type: 'straggler-overdue', workerId: 'b', reason }]);
    }
  });

  it('is that it is overdue where it is exactly as slow as it may not be', () => {
    const [just, below] = [watchStragglers(4), watchStragglers(4.001)];
    const overdue = Array.from({ length: 8 }, () => [overdueOf(just(slow)).length, overdueOf(below(slow)).length]);
    expect(overdue.at(-1)).toEqual([1, 0]);
  });

  it.each<RunEvent>([
    { type: 'worker-lost', workerId: 'b', reason: 'it was killed', cause: 'killed' },
    { type: 'worker-drained', workerId: 'b', reason: 'the host shuts down' },
  ])('is nothing for a worker that comes back as fast as the other, after $type', (gone) => {
    const watch = watchStragglers(2);
    watch(generation);
    for (let span = 0; span < 9; span++) watch(slow);
    expect(watch(gone)).toEqual([]);
    expect(watch(step(40)).map(({ type }) => type)).toEqual(['slowdowns']);
  });
});
