/** When a generation begins and with whom, and when another one should. */
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  decideQuorum,
  findChange,
  type Gathering,
  type WantedWorkers,
} from '../../../../src/coordinator/membership/quorum.ts';

const states = { r: 'ready', j: 'joined', d: 'draining' } as const;

/** Candidates as `r:w0`: r is ready, j loads, d is about to leave. */
function candidatesOf(...texts: readonly string[]): readonly Candidate[] {
  return texts.map((text) => {
    const [state = '', workerId = ''] = text.split(':');
    return { workerId, state: states[state as keyof typeof states] };
  });
}

/** From `2:4` of w0, w1 and so on, as many as are expected; undefined where strangers come. */
function wanted(fleet: string, expected?: number, onLoss: WantedWorkers['onLoss'] = 'continue'): WantedWorkers {
  const [min = 0, max = 0] = fleet.split(':').map(Number);
  const expectedIds = expected === undefined ? undefined : Array.from({ length: expected }, (_, index) => `w${index}`);
  return { fleet: { min, max }, onLoss, expectedIds };
}

/** The first gathering, a second before its deadline. */
const first: Gathering = { waitedMs: 9000, deadlineMs: 10_000, previousSize: undefined, gone: [] };
const overdue: Gathering = { ...first, waitedMs: 10_000 };
const afterLoss = (previousSize: number, ...gone: readonly string[]): Gathering => ({ ...first, previousSize, gone });

const wait = (reason: string) => ({ kind: 'wait', reason });
const begin = (members: readonly string[], reason: string) => ({ kind: 'begin', members, reason });
const giveUp = (isHopeless: boolean, reason: string) => ({ kind: 'give-up', isHopeless, reason });

describe('the first generation of a fixed number', () => {
  it('begins when all are ready, in the order of their names whatever their order of arrival', () => {
    expect(decideQuorum(candidatesOf('r:w10', 'r:w2', 'r:w0'), wanted('3:3'), first)).toEqual(
      begin(['w0', 'w2', 'w10'], 'all 3 workers are ready'),
    );
  });

  it('takes no more than it was asked for: the first by name', () => {
    expect(decideQuorum(candidatesOf('r:w2', 'r:w1', 'r:w0'), wanted('2:2'), first)).toEqual(
      begin(['w0', 'w1'], 'all 2 workers are ready'),
    );
  });

  it.each([
    [['r:w0', 'r:w1'], ['w0', 'w1', 'w2'], '2 of 3 workers ready, w2 never arrived'],
    [['r:w0', 'r:w1', 'j:w2'], undefined, '2 of 3 workers ready, w2 still loading'],
    [['j:w10', 'j:w2', 'j:w1'], ['w1', 'w2', 'w10'], '0 of 3 workers ready, w1, w2, w10 still loading'],
    [[], undefined, '0 of 3 workers ready, 3 never arrived'],
    [['r:other'], ['w0', 'w1', 'w2'], '1 of 3 workers ready, w0, w1, w2 never arrived'],
  ])('says what it waits for: of %j, %j', (present, expectedIds, reason) => {
    const three = { ...wanted('3:3'), expectedIds };
    expect(decideQuorum(candidatesOf(...present), three, first)).toEqual(wait(reason));
  });

  it('waits, then gives up, and says who is missing', () => {
    const candidates = candidatesOf('r:a', 'j:b');
    const reason = '1 of 4 workers ready, b still loading, 2 never arrived';
    expect(decideQuorum(candidates, wanted('4:4'), { ...first, waitedMs: 9999 })).toEqual(wait(reason));
    expect(decideQuorum(candidates, wanted('4:4'), overdue)).toEqual(giveUp(false, reason));
    const named = { ...wanted('4:4'), expectedIds: ['a', 'b', 'c', 'd'] };
    expect(decideQuorum(candidates, named, overdue).reason).toBe(
      '1 of 4 workers ready, b still loading, c, d never arrived',
    );
  });

  it('is hopeless as soon as one of those that it needs will not come', () => {
    const candidates = candidatesOf('r:w0', 'j:w1');
    expect(decideQuorum(candidates, wanted('3:3', 3), { ...first, gone: ['w2'] })).toEqual(
      giveUp(true, '1 of 3 workers ready, w1 still loading, w2 gone for good'),
    );
  });
});

describe('the first generation of MIN:MAX', () => {
  it('of known workers waits for all of them, since they are sure to come', () => {
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1', 'r:w2'), wanted('2:4', 4), first)).toEqual(
      wait('3 of 4 workers ready, w3 never arrived'),
    );
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1', 'r:w2', 'r:w3'), wanted('2:4', 4), first)).toEqual(
      begin(['w0', 'w1', 'w2', 'w3'], 'all 4 workers are ready'),
    );
  });

  it('does not wait for those that will not come', () => {
    const gone = { ...first, gone: ['w3'] };
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1'), wanted('2:4', 4), gone)).toEqual(
      wait('2 of 4 workers ready, w3 gone for good, w2 never arrived'),
    );
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1', 'r:w2'), wanted('2:4', 4), gone)).toEqual(
      begin(['w0', 'w1', 'w2'], '3 workers are ready'),
    );
  });

  it('is hopeless when fewer than MIN are left, and not before', () => {
    const candidates = candidatesOf('r:w0');
    expect(decideQuorum(candidates, wanted('2:4', 4), { ...first, gone: ['w2', 'w3'] }).kind).toBe('wait');
    expect(decideQuorum(candidates, wanted('2:4', 4), { ...first, gone: ['w1', 'w2', 'w3'] })).toEqual(
      giveUp(true, '1 of 4 workers ready, w1, w2, w3 gone for good'),
    );
  });

  it('of strangers begins with MIN, and waits for one that loads: it will be ready soon', () => {
    expect(decideQuorum(candidatesOf('r:a'), wanted('2:4'), first)).toEqual(
      wait('1 of 4 workers ready, 3 never arrived'),
    );
    expect(decideQuorum(candidatesOf('r:a', 'r:b', 'j:c'), wanted('2:4'), first)).toEqual(
      wait('2 of 4 workers ready, c still loading, 1 never arrived'),
    );
    expect(decideQuorum(candidatesOf('r:a', 'r:b'), wanted('2:4'), first)).toEqual(
      begin(['a', 'b'], '2 workers are ready'),
    );
    expect(decideQuorum(candidatesOf('r:a', 'r:b', 'r:c'), wanted('2:4'), first)).toEqual(
      begin(['a', 'b', 'c'], '3 workers are ready'),
    );
  });

  it.each([undefined, 4])(
    'begins with MIN at the deadline, whoever still loads or never came: %j expected',
    (expected) => {
      expect(decideQuorum(candidatesOf('r:w1', 'j:w2', 'r:w0'), wanted('2:4', expected), overdue)).toEqual(
        begin(['w0', 'w1'], '2 workers are ready'),
      );
      expect(decideQuorum(candidatesOf('r:w0', 'j:w2'), wanted('2:4', expected), overdue)).toMatchObject({
        kind: 'give-up',
        isHopeless: false,
        reason: expect.stringMatching(/^1 of 2 workers ready, w2 still loading/),
      });
    },
  );

  it('takes no more than MAX, where more are expected', () => {
    expect(decideQuorum(candidatesOf('r:w0', 'r:w2', 'r:w1'), wanted('1:2', 3), first)).toEqual(
      begin(['w0', 'w1'], 'all 2 workers are ready'),
    );
  });
});

describe('the generation after a loss', () => {
  it.each([undefined, 4])('begins with MIN at once where the run is to continue: %j expected', (expected) => {
    expect(decideQuorum(candidatesOf('r:w0', 'j:w2'), wanted('1:4', expected), afterLoss(4))).toEqual(
      begin(['w0'], 'a worker is ready'),
    );
    expect(decideQuorum(candidatesOf('r:w0', 'r:w2'), wanted('3:4', expected), afterLoss(4))).toMatchObject({
      kind: 'wait',
      reason: expect.stringMatching(/^2 of 3 workers ready, /),
    });
  });

  it('says who is missing, not that they never came', () => {
    expect(decideQuorum(candidatesOf('r:w0'), wanted('2:3', 3), afterLoss(3)).reason).toBe(
      '1 of 2 workers ready, w1, w2 missing',
    );
    expect(decideQuorum(candidatesOf('r:a'), wanted('2:3'), afterLoss(3)).reason).toBe(
      '1 of 2 workers ready, 1 missing',
    );
  });

  it('waits for as many as there were where the run is to wait, not for as many as there may be', () => {
    const three = wanted('1:4', 4, 'wait');
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1'), three, afterLoss(3))).toEqual(
      wait('2 of 3 workers ready, w2, w3 missing'),
    );
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1', 'r:w3'), three, afterLoss(3))).toEqual(
      begin(['w0', 'w1', 'w3'], '3 workers are ready'),
    );
  });

  it('waits no longer than the deadline', () => {
    const waiting = wanted('1:4', 4, 'wait');
    const gathering = { ...afterLoss(3), waitedMs: 10_000 };
    expect(decideQuorum(candidatesOf('r:w0'), waiting, gathering)).toEqual(begin(['w0'], 'a worker is ready'));
    expect(decideQuorum([], waiting, gathering)).toEqual(giveUp(false, '0 of 1 workers ready, w0, w1, w2, w3 missing'));
  });

  it('does not wait for those that will not come back', () => {
    expect(decideQuorum(candidatesOf('r:w0', 'r:w1'), wanted('1:3', 3, 'wait'), afterLoss(3, 'w2'))).toEqual(
      begin(['w0', 'w1'], '2 workers are ready'),
    );
    expect(decideQuorum(candidatesOf('r:w0'), wanted('2:3', 3), afterLoss(3, 'w1', 'w2'))).toEqual(
      giveUp(true, '1 of 2 workers ready, w1, w2 gone for good'),
    );
  });
});

it('a worker that is about to leave counts for nothing', () => {
  const candidates = candidatesOf('r:w0', 'd:w1');
  expect(decideQuorum(candidates, wanted('2:2'), first)).toEqual(wait('1 of 2 workers ready, 1 never arrived'));
  expect(decideQuorum(candidates, wanted('1:2'), afterLoss(2))).toEqual(begin(['w0'], 'a worker is ready'));
});

describe('another generation', () => {
  const of = (members: readonly string[], others: readonly string[] = []) => [
    ...candidatesOf(...members).map((candidate) => ({ ...candidate, isMember: true })),
    ...candidatesOf(...others).map((candidate) => ({ ...candidate, isMember: false })),
  ];
  const three = { min: 1, max: 3 };

  it('has no reason while members stay, and whoever comes is not ready', () => {
    expect(findChange([], three)).toBeUndefined();
    expect(findChange(of(['r:w0', 'r:w1']), three)).toBeUndefined();
    expect(findChange(of(['r:w0', 'r:w1'], ['j:w2', 'd:w3']), three)).toBeUndefined();
  });

  it('lets in a worker that is ready, if there is a place', () => {
    const change = { reason: 'w2 is ready to join', leavesTooFew: false };
    expect(findChange(of(['r:w0', 'r:w1'], ['j:w3', 'r:w2']), three)).toEqual(change);
    expect(findChange(of(['r:w0', 'r:w1', 'r:w3'], ['r:w2']), three)).toBeUndefined();
  });

  it('lets out a member that wants to leave, and knows if it was the last', () => {
    expect(findChange(of(['r:w0', 'd:w1']), three)).toEqual({ reason: 'w1 is about to leave', leavesTooFew: false });
    expect(findChange(of(['d:w0', 'd:w1']), three)).toEqual({ reason: 'w0 is about to leave', leavesTooFew: true });
  });

  it('has the state to save before a member leaves if the run will wait for others then', () => {
    const two = { min: 2, max: 3 };
    const change = { reason: 'w1 is about to leave', leavesTooFew: true };
    expect(findChange(of(['r:w0', 'd:w1']), two)).toEqual(change);
    expect(findChange(of(['r:w0', 'd:w1'], ['j:w2']), two)).toEqual(change);
    expect(findChange(of(['r:w0', 'd:w1'], ['r:w2']), two)).toEqual({ ...change, leavesTooFew: false });
    expect(findChange(of(['r:w0', 'd:w1', 'r:w2']), two)).toEqual({ ...change, leavesTooFew: false });
  });

  it('has the state of the members to save before they leave, even where newcomers take their place', () => {
    expect(findChange(of(['d:w0'], ['r:w1']), three)).toEqual({ reason: 'w0 is about to leave', leavesTooFew: true });
  });
});
