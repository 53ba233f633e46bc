/** What interruptions cost, by the ledger of a run whose clock is moved by hand. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { deriveEvents } from '../../../../src/coordinator/record/derived-events.ts';
import type { CutOff, LedgerEntry, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { type Interruption, type LossCause, lossCauses } from '../../../../src/economics/record/interruption.ts';
import { nothingSpent, type SpentSeconds } from '../../../../src/shared/core/phases.ts';
import { member, stepEvent } from '../../../support/observed-run.ts';
import { uniform } from '../../../support/realistic-numbers.ts';

/** At $3600 an hour a second costs a dollar; worker wN costs N + 1 dollars a second. */
const priceOf = (rank: number) => 3600 * (rank + 1);

/** Three workers that have trained a step. */
function interruptedRun(workers = 3) {
  const run = followedRun();
  const all = Array.from({ length: workers }, (_, rank) => rank);
  run.begin(...all);
  run.generation(...all);
  run.train(...all);
  return run;
}

/** Nobody has come yet. */
function resumedRun(cutOffs: readonly CutOff[], step: number) {
  const run = followedRun(step);
  run.tell({ type: 'resumed', step, samples: 0, epoch: undefined, cutOffs });
  return run;
}

function followedRun(committed = 0) {
  let now = 0;
  let step = committed;
  let generations = 0;
  const seen: Interruption[] = [];
  let entries: readonly LedgerEntry[] = [];
  const clock = { now: () => now, unixMs: () => now * 1000 };
  const books = createBookkeeper({ clock, startedAt: 0, carried: undefined });
  const derive = deriveEvents(books, clock);

  function tell(event: RunEvent): void {
    if (event.type === 'interruption') seen.push(event.interruption);
    if (event.type === 'ledger') entries = event.entries;
    for (const derived of derive(event)) tell(derived);
  }
  function report(seconds: Partial<SpentSeconds>, redone: boolean, ...ranks: readonly number[]): void {
    const bytes = { sent: 0, received: 0 };
    const members = ranks.map((rank) => ({
      workerId: `w${rank}`,
      at: now,
      seconds: { ...nothingSpent, ...seconds },
      bytes,
    }));
    tell({ type: 'spent', redone, members });
  }
  const run = {
    seen,
    tell,
    pass(seconds: number) {
      now += seconds;
    },
    begin(...ranks: readonly number[]) {
      for (const rank of ranks) {
        tell({ type: 'worker-began', workerId: `w${rank}`, at: now, priceUsdPerHour: priceOf(rank) });
      }
    },
    generation(...ranks: readonly number[]) {
      generations += 1;
      const members = ranks.map((rank) => member(rank, priceOf(rank)));
      tell({ type: 'generation', number: generations, parameterCount: 1, reason: 'ready', members });
    },
    /** A step of a second of all these, in which nobody waits. */
    train(...ranks: readonly number[]) {
      now += 1;
      tell(stepEvent(step, { members: [] }));
      step += 1;
      report({ compute: 1 }, false, ...ranks);
    },
    report,
    rollBack(to: number) {
      tell({ type: 'rolled-back', step: to, lostSteps: step - to });
      step = to;
    },
    /** Workers have kept the steps up to this one. */
    goOn(from: number) {
      const nothing = {
        samplesBefore: 0,
        samples: 0,
        trainSeconds: 0,
        skippedSteps: 0,
        skippedInRow: 0,
        epochs: [],
        milestones: [],
        keptMetrics: '',
      };
      const record = { ...nothing, step: from, generation: 1, openEpoch: undefined, samplesByWorker: undefined };
      tell({ type: 'went-on', step: from, record });
      step = from;
    },
    retrain(...ranks: readonly number[]) {
      now += 1;
      tell(stepEvent(step, { members: [] }));
      step += 1;
      report({ compute: 1 }, true, ...ranks);
    },
    lose(rank: number, cause: LossCause = 'killed') {
      tell({ type: 'worker-lost', workerId: `w${rank}`, reason: 'a test', cause });
    },
    end(status: 'completed' | 'failed') {
      tell({ type: 'ended', status, code: undefined });
      const accounts = books.close();
      if (accounts !== undefined) tell(accounts);
    },
    /** What the ledger has of these, of all workers together. */
    booked: (...categories: readonly ('wasted' | 'idle')[]) =>
      entries.reduce((sum, { account }) => sum + categories.reduce((s, c) => s + account.seconds[c], 0), 0),
  };
  return run;
}

describe('an interruption', () => {
  test('costs the step in flight of all members, and what the survivors waited', () => {
    const run = interruptedRun();
    run.pass(0.5);
    run.lose(2);
    run.pass(0.25);
    run.generation(0, 1);
    // Half a second of work, and a quarter of waiting for the next generation.
    run.report({ compute: 0.5, idle: 0.25 }, true, 0, 1);
    run.pass(0.25);
    expect(run.seen).toEqual([]);
    run.tell(stepEvent(1, { members: [] }));
    run.report({ compute: 0.125, idle: 0.125 }, false, 0, 1);
    expect(run.seen).toEqual([
      {
        workerId: 'w2',
        reason: 'killed',
        step: 1,
        recoverySeconds: 1,
        // w2: 0.5 s at $3; w0 and w1: 0.875 s each at $1 and $2.
        wastedSeconds: 0.5 + 2 * 0.875,
        wastedUsd: 0.5 * 3 + 0.875 * 3,
        lostSteps: 0,
      },
    ]);
    run.train(0, 1);
    expect(run.seen).toHaveLength(1);
  });

  test('costs the last step as well, where the gradient of the lost worker reached nobody who is left', () => {
    const run = interruptedRun();
    for (let count = 0; count < 4; count++) run.train(0, 1, 2);
    run.lose(2);
    run.generation(0, 1);
    run.goOn(4);
    run.retrain(0, 1);
    run.train(0, 1);
    // Each second of both is wasted: the step was trained before.
    expect(run.seen).toMatchObject([{ workerId: 'w2', step: 5, lostSteps: 1, wastedSeconds: 2 }]);
  });

  test('begins when the process ends, if that is known before why the worker is gone', () => {
    const run = interruptedRun();
    run.pass(0.5);
    run.tell({ type: 'worker-ended', workerId: 'w2' });
    run.pass(0.25);
    run.lose(2, 'exited');
    run.generation(0, 1);
    run.report({ compute: 0.5, idle: 0.25 }, true, 0, 1);
    run.train(0, 1);
    expect(run.seen).toMatchObject([{ reason: 'exited', recoverySeconds: 1.75, wastedSeconds: 0.5 + 2 * 0.75 }]);
  });

  test('counts as recovery the time in which nobody knew of it', () => {
    const run = interruptedRun();
    run.pass(9);
    run.lose(2, 'stuck');
    run.generation(0, 1);
    run.train(0, 1);
    expect(run.seen).toMatchObject([{ reason: 'stuck', recoverySeconds: 10 }]);
  });

  test.each(lossCauses)('has the cause of the loss as its reason: %s', (cause) => {
    const run = interruptedRun();
    run.lose(1, cause);
    run.generation(0, 2);
    run.train(0, 2);
    expect(run.seen).toMatchObject([{ workerId: 'w1', reason: cause, recoverySeconds: 1 }]);
  });

  test('is none where no member is gone, nor when the run has ended', () => {
    const run = interruptedRun();
    run.begin(7);
    run.lose(7);
    run.tell({ type: 'worker-drained', workerId: 'nobody', reason: 'it got SIGTERM' });
    run.train(0, 1, 2);
    run.tell({ type: 'worker-ended', workerId: 'w0' });
    run.end('completed');
    run.lose(1);
    expect(run.seen).toEqual([]);
  });

  test('by a worker that drains costs what the others wait; its own work is kept', () => {
    const run = interruptedRun();
    run.tell({ type: 'worker-draining', workerId: 'w1', reason: 'it got SIGTERM' });
    run.train(0, 1, 2);
    run.tell({ type: 'worker-drained', workerId: 'w1', reason: 'it got SIGTERM' });
    run.generation(0, 2);
    run.pass(0.5);
    run.report({ idle: 0.5 }, true, 0, 2);
    run.train(0, 2);
    expect(run.seen).toMatchObject([{ reason: 'drained', step: 2, wastedSeconds: 1, wastedUsd: 0.5 * (1 + 3) }]);
  });

  test('by a straggler that is dropped has a reason of its own', () => {
    const run = interruptedRun();
    run.tell({ type: 'worker-drained', workerId: 'w1', reason: 'it is slow', dropped: true });
    run.generation(0, 2);
    run.train(0, 2);
    expect(run.seen.map(({ reason }) => reason)).toEqual(['dropped']);
  });

  test.each(['drained', 'lost'] as const)('after a notice is a preemption, whether the worker drained: %s', (how) => {
    const run = interruptedRun();
    run.tell({ type: 'worker-preempted', workerId: 'w1', seconds: 30 });
    if (how === 'lost') run.lose(1);
    else run.tell({ type: 'worker-drained', workerId: 'w1', reason: 'it got SIGUSR1' });
    run.generation(0, 2);
    run.train(0, 2);
    // It comes back, and a later loss is none.
    run.begin(1);
    run.generation(0, 1, 2);
    run.train(0, 1, 2);
    run.lose(1);
    run.generation(0, 2);
    run.train(0, 2);
    expect(run.seen.map(({ reason }) => reason)).toEqual(['preempted', 'killed']);
  });

  test('that healed a replica costs the attempt in which it was found', () => {
    const run = interruptedRun();
    run.pass(0.5);
    run.generation(0, 1, 2);
    run.report({ compute: 0.5 }, true, 0, 1, 2);
    run.pass(0.25);
    run.tell({ type: 'healed', workerId: 'w1', step: 1 });
    run.train(0, 1, 2);
    expect(run.seen).toMatchObject([{ workerId: 'w1', reason: 'desync', recoverySeconds: 1.75, wastedSeconds: 1.5 }]);
  });

  describe('by a coordinator that ended without a word', () => {
    const cutOff = { at: -7, steps: 5, lostSteps: undefined, wasted: { seconds: 0, usd: 0 } };

    test.each([
      ['that workers have kept', 5, 0],
      ['of which workers have kept one', 4, 1],
      ['of which only the checkpoint is left', undefined, 2],
    ])('lasts from its last accounts, over steps %s', (_, wentOn, lostSteps) => {
      const run = resumedRun([cutOff], 3);
      run.begin(0, 1);
      run.generation(0, 1);
      if (wentOn !== undefined) run.goOn(wentOn);
      for (let lost = 0; lost < lostSteps; lost++) {
        expect(run.seen).toEqual([]);
        run.retrain(0, 1);
      }
      run.train(0, 1);
      expect(run.seen).toMatchObject([
        {
          workerId: 'coordinator',
          reason: 'coordinator',
          step: 5,
          recoverySeconds: 8,
          wastedSeconds: 2 * lostSteps,
          lostSteps,
        },
      ]);
    });

    test('is not over while what a worker has trained meanwhile is put on record', () => {
      const run = resumedRun([cutOff], 3);
      run.begin(0);
      run.generation(0);
      run.goOn(5);
      run.tell(stepEvent(5, { members: [], generation: 1 }));
      run.report({ idle: 2 }, true, 0);
      expect(run.seen).toEqual([]);
      run.pass(3);
      run.tell(stepEvent(6, { members: [] }));
      run.report({ compute: 1 }, false, 0);
      expect(run.seen).toMatchObject([{ reason: 'coordinator', recoverySeconds: 10 }]);
    });

    test('counts also where the one before it was lost before it had recovered from another', () => {
      const before = { at: -20, steps: 6, lostSteps: 2, wasted: { seconds: 4, usd: 9 } };
      const run = resumedRun([before, cutOff], 3);
      run.begin(0, 1);
      run.generation(0, 1);
      run.goOn(4);
      run.retrain(0, 1);
      // It is back where the last one was, and the one before had been a step further.
      expect(run.seen).toMatchObject([{ step: 5, recoverySeconds: 8, lostSteps: 1, wastedSeconds: 1 }]);
      run.train(0, 1);
      expect(run.seen).toMatchObject([
        { reason: 'coordinator', step: 5, recoverySeconds: 8, lostSteps: 1, wastedSeconds: 1, wastedUsd: 1.5 },
        { reason: 'coordinator', step: 6, recoverySeconds: 21, lostSteps: 2, wastedSeconds: 4 + 1, wastedUsd: 9 + 1.5 },
      ]);
    });

    test('is none where the run had been ended', () => {
      const run = resumedRun([], 3);
      run.begin(0);
      run.generation(0);
      run.train(0);
      expect(run.seen).toEqual([]);
    });
  });

  test('that leaves nobody with some steps costs the time in which they are trained again', () => {
    const run = interruptedRun(2);
    for (let step = 0; step < 4; step++) run.train(0, 1);
    run.lose(0);
    run.lose(1);
    run.begin(2);
    run.generation(2);
    run.rollBack(2);
    for (let step = 0; step < 2; step++) {
      run.retrain(2);
      expect(run.seen.map(({ workerId }) => workerId)).toEqual(['w0']);
    }
    run.retrain(2);
    // While both were open they shared what was wasted: the first step, after which w0's was over.
    expect(run.seen).toMatchObject([
      { workerId: 'w0', step: 5, recoverySeconds: 1, wastedSeconds: 0.5, lostSteps: 0 },
      { workerId: 'w1', step: 5, recoverySeconds: 1, wastedSeconds: 2.5, lostSteps: 3 },
    ]);
  });

  test('in a test pass is over with the first part of it that is tested again', () => {
    const run = interruptedRun();
    run.lose(0);
    run.generation(1, 2);
    run.pass(0.5);
    run.report({ idle: 0.5 }, true, 1, 2);
    run.pass(0.5);
    run.report({ evaluate: 0.5 }, false, 1, 2);
    expect(run.seen).toMatchObject([{ recoverySeconds: 1, wastedSeconds: 1 }]);
  });

  test('from which a run does not recover has no time of recovery', () => {
    const run = interruptedRun();
    run.pass(2);
    run.lose(0);
    run.pass(3);
    run.report({ wait: 5 }, true, 1, 2);
    run.end('failed');
    expect(run.seen).toEqual([
      expect.objectContaining({ workerId: 'w0', recoverySeconds: undefined, wastedSeconds: 2 + 2 * 5 }),
    ]);
  });
});

type Act =
  | { readonly kind: 'train' | 'pass' | 'idle'; readonly seconds: number }
  | { readonly kind: 'lose' | 'drain' | 'preempt' | 'end process'; readonly rank: number; readonly cause: LossCause };

test('interruptions never cost less than nothing, nor together more than the ledger calls wasted or idle', () => {
  const time = fc.record({
    kind: fc.constantFrom('train' as const, 'pass' as const, 'idle' as const),
    seconds: uniform(0, 5),
  });
  const gone = fc.record({
    kind: fc.constantFrom('lose' as const, 'drain' as const, 'preempt' as const, 'end process' as const),
    rank: fc.integer({ min: 0, max: 4 }),
    cause: fc.constantFrom(...lossCauses),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(time, gone) as fc.Arbitrary<Act>, { maxLength: 60 }), (acts) => {
      const run = interruptedRun(5);
      let members = [0, 1, 2, 3, 4];
      let losses = 0;
      const regroup = () => {
        run.generation(...members);
        run.report({ compute: 0.1, idle: 0.2 }, true, ...members);
      };
      for (const act of acts) {
        switch (act.kind) {
          case 'train':
            run.train(...members);
            break;
          case 'pass':
            run.pass(act.seconds);
            break;
          case 'idle':
            run.pass(act.seconds);
            run.report({ idle: act.seconds }, false, ...members);
            break;
          case 'preempt':
            run.tell({ type: 'worker-preempted', workerId: `w${act.rank}`, seconds: 30 });
            break;
          default: {
            const wasMember = members.includes(act.rank);
            if (act.kind === 'end process') run.tell({ type: 'worker-ended', workerId: `w${act.rank}` });
            if (act.kind === 'drain') run.tell({ type: 'worker-drained', workerId: `w${act.rank}`, reason: '' });
            else run.lose(act.rank, act.cause);
            members = members.filter((rank) => rank !== act.rank);
            if (wasMember) losses += 1;
            if (wasMember && members.length > 0) regroup();
          }
        }
      }
      run.end('failed');
      expect(run.seen).toHaveLength(losses);
      for (const { wastedSeconds, wastedUsd } of run.seen) {
        expect(wastedSeconds).toBeGreaterThanOrEqual(0);
        expect(wastedUsd).toBeGreaterThanOrEqual(0);
      }
      const together = run.seen.reduce((sum, { wastedSeconds }) => sum + wastedSeconds, 0);
      expect(together).toBeLessThanOrEqual(run.booked('wasted', 'idle') + 1e-9);
    }),
  );
});
