import { describe, expect, it } from 'vitest';
import {
  decideRestart,
  type EndedLife,
  neverRestarted,
  type RestartRules,
} from '../../../src/launch/decide-restart.ts';

/** Killed by a signal after a few seconds. */
const killed: EndedLife = { code: null, seconds: 3, stopping: false };
const rules: RestartRules = { restarts: 20, lossEndsRun: false };

/** What is decided of a worker that dies again and again, until it stays dead. */
function decisionsOf(lives: readonly Partial<EndedLife>[], ruled: Partial<RestartRules> = {}) {
  let past = neverRestarted;
  return lives.map((life) => {
    const decision = decideRestart({ ...killed, ...life }, past, { ...rules, ...ruled });
    if (decision.kind === 'restart') past = { count: past.count + 1, delayMs: decision.delayMs };
    return decision;
  });
}
const delaysOf = (seconds: readonly number[]) =>
  decisionsOf(seconds.map((lived) => ({ seconds: lived }))).map((decision) =>
    decision.kind === 'restart' ? decision.delayMs : decision.kind,
  );

describe('a worker that died', () => {
  it('is started again after 0.1 s, then after twice as long each time, and after 5 s at most', () => {
    expect(delaysOf([3, 3, 3, 3, 3, 3, 3, 3])).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it('is started again as soon as at first once it has lived for a minute', () => {
    expect(delaysOf([3, 3, 59.9, 60, 3, 3])).toEqual([100, 200, 400, 100, 200, 400]);
  });

  it('is started again as often as --restarts says, however long it lives', () => {
    const decisions = decisionsOf([{}, { seconds: 3600 }, {}, {}], { restarts: 3 });
    expect(decisions.map((decision) => (decision.kind === 'restart' ? decision.left : decision.reason))).toEqual([
      ...[2, 1, 0],
      'no restart is left of --restarts 3',
    ]);
  });

  it('is never started again with --restarts 0', () => {
    expect(decisionsOf([{}], { restarts: 0 })).toEqual([
      { kind: 'exhausted', reason: 'no restart is left of --restarts 0' },
    ]);
  });

  it.each([1, 3, 4, 130, 134])('is started again when it exited with code %d', (code) => {
    expect(decisionsOf([{ code }])).toMatchObject([{ kind: 'restart', delayMs: 100, left: 19 }]);
  });
});

describe('a worker is not started again', () => {
  it.each<[string, Partial<EndedLife>, Partial<RestartRules>, RegExp]>([
    ['when the run stops', { stopping: true }, {}, /run stops/],
    ['after it left by itself', { code: 0 }, {}, /left by itself/],
    ['after bad input, which stays bad', { code: 2 }, {}, /bad/],
    ['when the run ends with any loss', {}, { lossEndsRun: true }, /run ends/],
  ])('%s', (_, life, ruled, reason) => {
    expect(decisionsOf([life], ruled)).toEqual([{ kind: 'leave', reason: expect.stringMatching(reason) }]);
  });
});

describe('a worker whose machine was taken away', () => {
  it('returns when another machine is there, however it ended, and uses up no restart', () => {
    const returns = { kind: 'return', reason: 'its machine was taken away', delayMs: 60_000 };
    const lives = [{ code: 0 }, {}, { code: 0 }].map((life) => ({ ...life, replacedAfterMs: 60_000 }));
    expect(decisionsOf([...lives, {}], { restarts: 1 })).toEqual([
      ...lives.map(() => returns),
      { kind: 'restart', reason: 'its first restart', delayMs: 100, left: 0 },
    ]);
    expect(decisionsOf([{ replacedAfterMs: 0 }], { restarts: 0 })).toMatchObject([{ kind: 'return', delayMs: 0 }]);
  });

  it('stays away once the run stops, and where the run ends with its death', () => {
    expect(decisionsOf([{ stopping: true, replacedAfterMs: 0 }])).toMatchObject([{ kind: 'leave' }]);
    expect(decisionsOf([{ replacedAfterMs: 0 }], { lossEndsRun: true })).toMatchObject([{ kind: 'leave' }]);
    expect(decisionsOf([{ code: 0, replacedAfterMs: 0 }], { lossEndsRun: true })).toMatchObject([{ kind: 'return' }]);
  });
});
