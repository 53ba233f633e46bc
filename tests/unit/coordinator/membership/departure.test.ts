/** How workers are lost, and what follows for the run. */
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { noMembers } from '../../../../src/coordinator/membership/membership-state.ts';
import { decodeWorkerMessage } from '../../../../src/shared/protocol/codec.ts';
import { protocolVersion } from '../../../../src/shared/protocol/limits.ts';
import {
  event,
  failure,
  identity,
  isReady,
  lost,
  memberLost,
  refused,
  startGathering,
  startTraining,
} from './gathering.ts';

const gather = { type: 'gather' } as const;

/** Why a worker that leaves with this code is lost. */
function causeOf(code: string) {
  return code === 'interrupted' ? 'left' : 'failed';
}

describe('a worker that leaves', () => {
  it('before the generation begins makes room for another', () => {
    const run = startGathering();
    run.input(gather);
    run.hello('w0');
    run.hello('w1');
    run.ready('w1');
    expect(run.leave('w0', { reason: 'no such engine here' })).toEqual([lost('w0', 'no such engine here', 'failed')]);
    expect(run.workers()).toEqual(['w1']);
    expect(run.hello('w2')).toHaveLength(2);
    expect(run.ready('w2')).toMatchObject([...isReady('w2'), { type: 'begin' }]);
  });

  it('and is no member leaves nothing behind', () => {
    const run = startTraining();
    const before = run.state();
    expect(run.leave('stranger')).toEqual([]);
    expect(run.state()).toBe(before);
  });

  it.each([
    ['bad-input', 'bad-input'],
    ['run-failed', 'run-failed'],
    ['diverged', 'diverged'],
    ['quorum-lost', 'quorum-lost'],
    ['interrupted', 'quorum-lost'],
  ] as const)('while it trains ends the run: %s as %s', (code, ends) => {
    const run = startTraining();
    const message = 'worker w1 (rank 1, pid 4242 on alpha) left during step: the card is on fire';
    expect(run.leave('w1', { code, phase: 'step', reason: 'the card is on fire' })).toEqual([
      lost('w1', 'the card is on fire', causeOf(code)),
      memberLost('w1', message),
      failure(ends, message),
    ]);
    expect(run.workers()).toEqual(['w0']);
  });

  it.each([
    ['bad-input', true],
    ['run-failed', false],
    ['diverged', true],
    ['quorum-lost', false],
    ['interrupted', false],
  ] as const)('while it trains ends a run that goes on after losses where all would come to it: %s', (code, ends) => {
    const run = startTraining({ onLoss: 'continue' });
    const effects = run.leave('w1', { code, phase: 'step', reason: 'why' });
    expect(effects.slice(0, 2)).toMatchObject([lost('w1', 'why', causeOf(code)), { type: 'lost', peer: 'w1' }]);
    expect(effects.slice(2)).toMatchObject(ends ? [{ type: 'fail', code }] : []);
    expect(run.workers()).toEqual(['w0']);
  });
});

describe('a worker that cannot be reached', () => {
  it('is lost; the run goes on only before a generation began', () => {
    const unreachable = { type: 'unreachable', peer: 'w0', reason: 'Host unreachable' } as const;
    const reason = 'it cannot be reached (Host unreachable)';
    const gathering = startGathering();
    gathering.hello('w0');
    expect(gathering.input(unreachable)).toEqual([lost('w0', reason, 'unreachable')]);
    expect(gathering.workers()).toEqual([]);

    const training = startTraining();
    training.members({ w0: ['communicate', 100], w1: ['compute', 100] });
    const message = `worker w0 (rank 0, pid 4242 on alpha) was lost in phase communicate: ${reason}`;
    expect(training.input(unreachable)).toEqual([
      lost('w0', reason, 'unreachable'),
      memberLost('w0', message),
      failure('quorum-lost', message),
    ]);
    expect(training.workers()).toEqual(['w1']);
    expect(training.input(unreachable)).toEqual([]);
  });
});

describe('a process that its parent sees end', () => {
  const exited = {
    type: 'exited',
    cause: 'killed',
    workerId: 'w0',
    reason: 'it was killed',
    code: 'run-failed',
    returns: false,
  } as const;

  it('before it joined ends the run: nobody will take its place', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w1');
    expect(run.input(exited)).toEqual([failure('run-failed', 'worker w0 was lost before it joined: it was killed')]);
    expect(run.workers()).toEqual(['w1']);
  });

  it('before the run waits for workers ends it when it does', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.hello('w0', {}, 'p0');
    expect(run.input(exited)).toEqual([lost('w0', 'it was killed', 'killed')]);
    expect(run.input(gather)).toEqual([failure('run-failed', 'worker w0 was lost in phase load: it was killed')]);
  });

  it('leaves the run to the others where they are enough', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1', 'w2'], fleet: { min: 2, max: 3 } });
    run.input(gather);
    for (const workerId of ['w1', 'w2']) run.hello(workerId);
    run.ready('w1');
    run.ready('w2');
    expect(run.input(exited)).toMatchObject([{ type: 'begin', workers: [{ peer: 'w1' }, { peer: 'w2' }] }]);
  });

  it('after it left as it was asked to is known to have done that', () => {
    const run = startTraining({ expectedIds: ['w0', 'w1'] });
    run.input({ type: 'drain', peer: 'w0', reason: 'the host shuts down' });
    run.input(gather);
    expect(run.input({ ...exited, reason: 'it ended' })).toEqual([
      failure('run-failed', 'worker w0 was lost in phase drain: it ended'),
    ]);
  });

  it('is waited for where it comes back', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w0', {}, 'p0');
    expect(run.input({ ...exited, returns: true })).toEqual([lost('w0', 'it was killed', 'killed')]);
    run.hello('w0', {}, 'p2');
    run.ready('p2');
    run.hello('w1');
    expect(run.ready('w1')).toMatchObject([{}, {}, { type: 'begin', workers: [{ peer: 'p2' }, { peer: 'w1' }] }]);
  });

  it('after it said why it leaves is named with its phase, not as one that never came', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w0', {}, 'p0');
    run.leave('p0', { phase: 'load', reason: 'no such engine here' });
    expect(run.input({ ...exited, reason: 'exited with code 3: no such engine here' })).toEqual([
      failure('run-failed', 'worker w0 was lost in phase load: exited with code 3: no such engine here'),
    ]);
  });

  it.each([
    ['whose connection broke first', 'load', { type: 'unreachable', peer: 'p0', reason: 'Host unreachable' }],
    ['that sent nonsense', 'load', { type: 'garbled', peer: 'p0', detail: 'step', version: undefined }],
  ] as const)('%s is named with its phase as well', (_, phase, first) => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w0', {}, 'p0');
    run.input(first);
    expect(run.input(exited)).toEqual([failure('run-failed', `worker w0 was lost in phase ${phase}: it was killed`)]);
  });

  it('because it was refused is named with its phase as well', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w0', {}, 'p0');
    run.ready('p0', { identity: { ...identity, seed: 2 } });
    expect(run.input(exited)).toEqual([failure('run-failed', 'worker w0 was lost in phase load: it was killed')]);
  });

  it('is not remembered of strangers, who could be any number', () => {
    const run = startGathering({ expectedIds: ['w0'] });
    for (let i = 0; i < 50; i++) {
      run.hello(`x${i}`);
      run.leave(`x${i}`);
    }
    expect(run.state()).toEqual(noMembers);
  });

  it.each([
    ['load', false],
    ['rendezvous', true],
  ] as const)('in phase %s ends the run, though no generation had begun', (phase, isLoaded) => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.input(gather);
    run.hello('w0', {}, 'p0');
    if (isLoaded) run.ready('p0');
    expect(run.input(exited)).toEqual([
      lost('w0', 'it was killed', 'killed'),
      failure('run-failed', `worker w0 was lost in phase ${phase}: it was killed`),
    ]);
    expect(run.workers()).toEqual([]);
  });

  const message = 'worker w0 (rank 0, pid 4242 on alpha) was lost in phase compute: it was killed';

  it('while it trains is lost like any other', () => {
    const run = startTraining();
    run.members({ w0: ['compute', 100], w1: ['compute', 100] });
    expect(run.input(exited)).toEqual([
      lost('w0', 'it was killed', 'killed'),
      memberLost('w0', message),
      failure('run-failed', message),
    ]);
    expect(run.workers()).toEqual(['w1']);
  });

  it('while a run trains that goes on after losses ends it only when it waits for others in vain', () => {
    const run = startTraining({ onLoss: 'continue', expectedIds: ['w0', 'w1'] });
    run.members({ w0: ['compute', 100], w1: ['compute', 100] });
    expect(run.input(exited)).toEqual([lost('w0', 'it was killed', 'killed'), memberLost('w0', message)]);
    expect(run.input(gather)).toEqual([failure('run-failed', 'worker w0 was lost in phase compute: it was killed')]);
  });
});

describe('frames that are no message', () => {
  const garbled = (peer: string, detail: string, version?: string) =>
    ({ type: 'garbled', peer, detail, version }) as const;

  it('from a stranger are let be', () => {
    const run = startGathering();
    run.hello('w0');
    const before = run.state();
    expect(run.input(garbled('stranger', 'nonsense'))).toEqual([]);
    expect(run.state()).toBe(before);
  });

  it('of another protocol version are refused in words that its worker prints', () => {
    const run = startGathering();
    const decoded = decodeWorkerMessage([pack({ v: protocolVersion - 1, run: 'r', type: 'heartbeat' })], 'stranger');
    const { detail, version } = { version: undefined, detail: '', ...decoded };
    const [ours, theirs] = [String(protocolVersion), String(protocolVersion - 1)];
    expect(run.input(garbled('old', detail, version))).toEqual(
      refused('old', 'of another version', 'protocol version', ours, theirs),
    );
  });

  it.each([undefined, '3'])('from a member lose it, also where its version differs: %s', (version) => {
    const words = 'it sent something that is not understood: step: Invalid input';
    const gathering = startGathering();
    gathering.hello('w0');
    expect(gathering.input(garbled('w0', 'step: Invalid input', version))).toEqual([lost('w0', words, 'misbehaved')]);
    expect(gathering.workers()).toEqual([]);

    const training = startTraining();
    training.members({ w0: ['compute', 100], w1: ['compute', 100] });
    const message = `worker w0 (rank 0, pid 4242 on alpha) was lost in phase compute: ${words}`;
    expect(training.input(garbled('w0', 'step: Invalid input', version))).toEqual([
      lost('w0', words, 'misbehaved'),
      memberLost('w0', message),
      failure('run-failed', message),
    ]);
  });
});

it('a member that misbehaves is lost at once, and the run ends with its name and what it sent, whatever it does after losses', () => {
  const run = startTraining({ onLoss: 'continue' });
  run.members({ w1: ['compute', 100] });
  const reason = 'it sent a wrong vote for step 4: samples must be 8, got 0';
  const refusal = { kind: 'wrong', reason, code: 'run-failed' } as const;
  const message = `worker w1 (rank 1, pid 4242 on alpha) was lost in phase compute: ${reason}`;
  expect(run.input({ type: 'misbehaved', peer: 'w1', refusal })).toEqual([
    lost('w1', reason, 'misbehaved'),
    memberLost('w1', message),
    failure('run-failed', message),
  ]);
  expect(run.workers()).toEqual(['w0']);
  const diverged = { kind: 'wrong', reason: 'the loss became NaN', code: 'diverged' } as const;
  expect(run.input({ type: 'misbehaved', peer: 'w0', refusal: diverged })[2]).toMatchObject({ code: 'diverged' });
  expect(run.input({ type: 'misbehaved', peer: 'stranger', refusal })).toEqual([]);
});

describe('a run that goes on after losses', () => {
  const unreachable = (peer: string) => ({ type: 'unreachable', peer, reason: 'Host unreachable' }) as const;
  const wordsOf = (workerId: string, rank: number) =>
    `worker ${workerId} (rank ${rank}, pid 4242 on alpha) was lost in phase compute: it cannot be reached (Host unreachable)`;

  /** Three of at most four train. */
  function startThree(overrides = {}) {
    const three = ['w0', 'w1', 'w2'];
    const run = startTraining({ onLoss: 'continue', fleet: { min: 2, max: 4 }, ...overrides }, three);
    run.members({ w0: ['compute', 100], w1: ['compute', 100], w2: ['compute', 100] });
    return run;
  }

  it('forms the next generation of those that are left, with new ranks', () => {
    const run = startThree();
    run.input(unreachable('w0'));
    expect(run.input(gather)).toMatchObject([
      {
        type: 'begin',
        workers: [
          { peer: 'w1', rank: 0 },
          { peer: 'w2', rank: 1 },
        ],
        reason: '2 workers are ready',
      },
    ]);
    expect(run.workers().map((peer) => run.worker(peer).rank)).toEqual([0, 1]);
    expect(run.state()).toMatchObject({ generations: 2, previousSize: 2, gatheringSince: undefined });
  });

  it('loses another while it waits, or is joined by one', () => {
    const run = startThree();
    run.input(unreachable('w0'));
    run.input(unreachable('w1'));
    const waiting = (reason: string) => [{ type: 'announce', event: { type: 'waiting', reason, seconds: 8 } }];
    expect(run.input(gather)).toEqual(waiting('1 of 2 workers ready, 1 missing'));
    // The same is not told twice.
    expect(run.input({ type: 'tick' })).toEqual([]);
    run.hello('w3');
    expect(run.ready('w3')).toMatchObject([
      {},
      {},
      {
        type: 'begin',
        workers: [
          { peer: 'w2', rank: 0 },
          { peer: 'w3', rank: 1 },
        ],
      },
    ]);
  });

  it('ends when nobody came in time, with the last loss before anything else', () => {
    const run = startThree();
    run.input(unreachable('w0'));
    run.input(unreachable('w1'));
    run.members({ w2: ['wait', 100] });
    run.input(gather);
    run.time.advance(7999);
    run.input({ type: 'heartbeat', peer: 'w2', gpu: undefined });
    run.members({ w2: ['idle', 100] });
    expect(run.input({ type: 'tick' })).toEqual([]);
    run.time.advance(1);
    expect(run.input({ type: 'tick' })).toEqual([
      failure(
        'quorum-lost',
        `${wordsOf('w1', 1)}; no other worker came to tcp://10.0.0.1:5555 after 8 s (--timeout 10): ` +
          '1 of 2 workers ready, 1 missing',
      ),
    ]);
    expect(run.state().gatheringSince).toBeUndefined();
  });

  it('does not miss one that only waited to join', () => {
    const run = startTraining({ onLoss: 'fail', fleet: { min: 2, max: 3 } });
    run.hello('w2');
    run.ready('w2');
    expect(run.input(unreachable('w2'))).toEqual([
      lost('w2', 'it cannot be reached (Host unreachable)', 'unreachable'),
    ]);
  });
});

describe('a worker that wants to leave', () => {
  const drain = (peer: string) => ({ type: 'drain', peer, reason: 'the host shuts down' }) as const;
  const draining = (workerId: string) => event({ type: 'worker-draining', workerId, reason: 'the host shuts down' });
  const released = (workerId: string, reason = 'the host shuts down') => [
    {
      type: 'send',
      peer: workerId,
      body: { type: 'stop', outcome: 'completed', reason: 'this worker has left it' },
    },
    event({ type: 'worker-drained', workerId, reason }),
  ];

  it('goes at once while it loads, before and after the run waits for it', () => {
    const run = startGathering();
    run.hello('w0');
    expect(run.input(drain('w0'))).toEqual(released('w0'));
    run.input(gather);
    run.hello('w1');
    expect(run.input(drain('w1'))).toEqual(released('w1'));
    expect(run.workers()).toEqual([]);
  });

  it('goes at once where it is ready and only waits to join', () => {
    const run = startTraining({ fleet: { min: 2, max: 3 } });
    run.hello('w2');
    run.ready('w2');
    expect(run.input(drain('w2'))).toEqual(released('w2'));
    expect(run.workers()).toEqual(['w0', 'w1']);
  });

  it('finishes the step in flight where it is a member, and says so once', () => {
    const run = startTraining();
    expect(run.input(drain('w1'))).toEqual([draining('w1')]);
    expect(run.input(drain('w1'))).toEqual([]);
    expect(run.worker('w1')).toMatchObject({ draining: true, rank: 1 });
  });

  it('is let go when the next generation gathers, which goes on without it; that is no failure', () => {
    const run = startTraining({ onLoss: 'fail', fleet: { min: 1, max: 2 } });
    run.input(drain('w0'));
    const left = 'worker w0 (rank 0, pid 4242 on alpha) has left: it was asked to leave';
    expect(run.input(gather)).toMatchObject([
      ...released('w0', 'it was asked to leave'),
      memberLost('w0', left),
      { type: 'begin', workers: [{ peer: 'w1', rank: 0 }], reason: 'a worker is ready' },
    ]);
    expect(run.workers()).toEqual(['w1']);
    // Its connection ends, and its process: nobody minds.
    expect(run.input({ type: 'unreachable', peer: 'w0', reason: 'gone' })).toEqual([]);
  });

  it('goes at once while a run gathers, though it was a member before', () => {
    const run = startTraining({ onLoss: 'continue' });
    run.leave('w1');
    run.input(gather);
    const left = 'worker w0 (rank 0, pid 4242 on alpha) has left: the host shuts down';
    expect(run.input(drain('w0'))).toMatchObject([
      ...released('w0'),
      memberLost('w0', left),
      { type: 'announce', event: { type: 'waiting' } },
    ]);
    expect(run.workers()).toEqual([]);
  });

  it('and was the one that the run waited to hear from lets it begin with the others', () => {
    const run = startGathering({ fleet: { min: 1, max: 3 } });
    run.input(gather);
    run.hello('w1');
    run.hello('w0');
    expect(run.ready('w0')).toEqual(isReady('w0'));
    expect(run.input(drain('w1'))).toMatchObject([...released('w1'), { type: 'begin', workers: [{ peer: 'w0' }] }]);
  });

  it('and all others with it are let go together', () => {
    const run = startTraining();
    run.input(drain('w0'));
    run.input(drain('w1'));
    expect(run.input(gather).filter(({ type }) => type === 'send')).toHaveLength(2);
    expect(run.workers()).toEqual([]);
    expect(run.state().gatheringSince).toBeDefined();
  });

  it('is lost like any other if it does not wait for the end of its step', () => {
    const run = startTraining({ onLoss: 'continue' });
    run.input(drain('w1'));
    expect(run.leave('w1')).toMatchObject([lost('w1', 'why', 'failed'), { type: 'lost', peer: 'w1' }]);
  });

  it('and is none of the run says nothing', () => {
    expect(startTraining().input(drain('stranger'))).toEqual([]);
  });
});

describe('a straggler that is to be dropped', () => {
  const reason = 'a sample took it 4.0 times as long';
  const drop = (workerId: string) => ({ type: 'drop', workerId, reason }) as const;
  const draining = (workerId: string) => event({ type: 'worker-draining', workerId, reason });
  const three = ['w0', 'w1', 'w2'];
  const start = () => startTraining({ onLoss: 'fail', fleet: { min: 2, max: 3 } }, three);

  it('finishes the step in flight, leaves as one that was dropped, and is not let in again', () => {
    const run = start();
    expect(run.input(drop('w1'))).toEqual([draining('w1')]);
    expect(run.input(drop('w1'))).toEqual([]);
    expect(run.input(gather)).toMatchObject([
      { type: 'send', peer: 'w1', body: { outcome: 'completed', reason: `this worker was dropped: ${reason}` } },
      event({ type: 'worker-drained', workerId: 'w1', reason, dropped: true }),
      { type: 'lost', peer: 'w1' },
      { type: 'begin', workers: [{ peer: 'w0' }, { peer: 'w2' }] },
    ]);
    const expected = 'no place for stragglers (--drop-stragglers)';
    expect(run.hello('w1', {}, 'again')).toEqual(refused('again', 'w1', 'speed', expected, `was dropped: ${reason}`));
    // Its place is free for another.
    expect(run.hello('w3')).toHaveLength(2);
  });

  it('stays where fewer than MIN would be left, which is said once', () => {
    const run = start();
    run.input(drop('w1'));
    const kept = `${reason}; 1 of at least 2 workers would be left (--workers 2:3)`;
    expect(run.input(drop('w2'))).toEqual([event({ type: 'straggler-kept', workerId: 'w2', reason: kept })]);
    expect(run.input(drop('w2'))).toEqual([]);
    run.input(gather);
    expect(run.workers()).toEqual(['w0', 'w2']);
    // With another that is ready it may go.
    run.hello('w3');
    expect(run.input(drop('w2'))).toEqual([]);
    run.ready('w3');
    expect(run.input(drop('w2'))).toEqual([draining('w2')]);
  });

  it.each([
    ['leaves', undefined],
    ['dies first', 'exited'],
  ] as const)('is not waited for with --on-loss wait, whether it %s, while others that are lost are', (_, exit) => {
    const run = startTraining({ onLoss: 'wait', fleet: { min: 1, max: 4 } }, [...three, 'w3']);
    run.input(drop('w1'));
    if (exit !== undefined)
      run.input({ type: exit, workerId: 'w1', cause: 'killed', reason: 'killed', code: 'quorum-lost', returns: true });
    expect(run.input(gather).at(-1)).toMatchObject({
      type: 'begin',
      workers: [{ peer: 'w0' }, { peer: 'w2' }, { peer: 'w3' }],
    });
    run.input(drop('w2'));
    run.leave('w3');
    expect(run.input(gather).at(-1)).toMatchObject(
      event({ type: 'waiting', reason: '1 of 2 workers ready, 1 missing', seconds: expect.any(Number) }),
    );
  });

  it('must be a member, and not about to leave by itself', () => {
    const run = start();
    expect(run.input(drop('stranger'))).toEqual([]);
    run.input({ type: 'drain', peer: 'w1', reason: 'the host shuts down' });
    expect(run.input(drop('w1'))).toEqual([]);
    // It may come back.
    run.input(gather);
    expect(run.hello('w1', {}, 'again')).toHaveLength(2);
  });
});
