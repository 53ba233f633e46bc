/** How workers are lost, and what follows for the run. */
import { describe, expect, it } from 'vitest';
import { failure, identity, isReady, lost, refused, startGathering, startTraining } from './gathering.ts';

const gather = { type: 'gather' } as const;

describe('a worker that leaves', () => {
  it('before the generation begins makes room for another', () => {
    const run = startGathering();
    run.input(gather);
    run.hello('w0');
    run.hello('w1');
    run.ready('w1');
    expect(run.leave('w0', { reason: 'no such engine here' })).toEqual([lost('w0', 'no such engine here')]);
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
    expect(run.leave('w1', { code, phase: 'step', reason: 'the card is on fire' })).toEqual([
      lost('w1', 'the card is on fire'),
      failure(ends, 'worker w1 (rank 1, pid 4242 on alpha) left during step: the card is on fire'),
    ]);
    expect(run.workers()).toEqual(['w0']);
  });
});

describe('a worker that cannot be reached', () => {
  it('is lost; the run goes on only before a generation began', () => {
    const unreachable = { type: 'unreachable', peer: 'w0', reason: 'Host unreachable' } as const;
    const reason = 'it cannot be reached (Host unreachable)';
    const gathering = startGathering();
    gathering.hello('w0');
    expect(gathering.input(unreachable)).toEqual([lost('w0', reason)]);
    expect(gathering.workers()).toEqual([]);

    const training = startTraining();
    training.members({ w0: ['communicate', 100], w1: ['compute', 100] });
    expect(training.input(unreachable)).toEqual([
      lost('w0', reason),
      failure('quorum-lost', `worker w0 (rank 0, pid 4242 on alpha) was lost in phase communicate: ${reason}`),
    ]);
    expect(training.workers()).toEqual(['w1']);
    expect(training.input(unreachable)).toEqual([]);
  });
});

describe('a process that its parent sees end', () => {
  const exited = {
    type: 'exited',
    workerId: 'w0',
    reason: 'it was killed',
    code: 'run-failed',
    returns: false,
  } as const;

  it('before it joined ends the run: nobody will take its place', () => {
    const run = startGathering();
    run.hello('w1');
    const before = run.state();
    expect(run.input(exited)).toEqual([failure('run-failed', 'worker w0 was lost before it joined: it was killed')]);
    expect(run.state()).toBe(before);
  });

  it('after it said why it leaves is named with its phase, not as one that never came', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.hello('w0', {}, 'p0');
    run.leave('p0', { phase: 'load', reason: 'no such engine here' });
    expect(run.input({ ...exited, reason: 'exited with code 3: no such engine here' })).toEqual([
      failure('run-failed', 'worker w0 was lost in phase load: exited with code 3: no such engine here'),
    ]);
  });

  it.each([
    ['whose connection broke first', 'load', { type: 'unreachable', peer: 'p0', reason: 'Host unreachable' }],
    ['that sent nonsense', 'load', { type: 'garbled', peer: 'p0', reason: 'fields', detail: 'step' }],
  ] as const)('%s is named with its phase as well', (_, phase, first) => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
    run.hello('w0', {}, 'p0');
    run.input(first);
    expect(run.input(exited)).toEqual([failure('run-failed', `worker w0 was lost in phase ${phase}: it was killed`)]);
  });

  it('because it was refused is named with its phase as well', () => {
    const run = startGathering({ expectedIds: ['w0', 'w1'] });
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
    expect(run.state()).toEqual({ workers: new Map(), gatheringSince: undefined, generations: 0, departed: new Map() });
  });

  it.each([
    ['load', false],
    ['rendezvous', true],
  ] as const)('in phase %s ends the run, though no generation had begun', (phase, isLoaded) => {
    const run = startGathering();
    run.hello('w0', {}, 'p0');
    if (isLoaded) run.ready('p0');
    expect(run.input(exited)).toEqual([
      lost('w0', 'it was killed'),
      failure('run-failed', `worker w0 was lost in phase ${phase}: it was killed`),
    ]);
    expect(run.workers()).toEqual([]);
  });

  it('while it trains is lost like any other; the first failure is the one with its rank', () => {
    const run = startTraining();
    run.members({ w0: ['compute', 100], w1: ['compute', 100] });
    expect(run.input(exited)).toEqual([
      lost('w0', 'it was killed'),
      failure('run-failed', 'worker w0 (rank 0, pid 4242 on alpha) was lost in phase compute: it was killed'),
      failure('run-failed', 'worker w0 was lost in phase compute: it was killed'),
    ]);
    expect(run.workers()).toEqual(['w1']);
  });
});

describe('frames that are no message', () => {
  const garbled = (peer: string, reason: string, detail: string) =>
    ({ type: 'garbled', peer, reason, detail }) as const;

  it.each(['frames', 'header', 'fields', 'tensor'])('from a stranger are let be: %s', (reason) => {
    const run = startGathering();
    run.hello('w0');
    const before = run.state();
    expect(run.input(garbled('stranger', reason, 'nonsense'))).toEqual([]);
    expect(run.state()).toBe(before);
  });

  it('of another protocol version are refused in words that its worker prints', () => {
    const run = startGathering();
    expect(run.input(garbled('old', 'version', 'protocol version 3, this side speaks 5'))).toEqual(
      refused('old', 'of another version', 'protocol version', '5', 'protocol version 3, this side speaks 5'),
    );
  });

  it.each(['version', 'fields'])('from a member lose it: %s', (reason) => {
    const words = 'it sent something that is not understood: step: Invalid input';
    const gathering = startGathering();
    gathering.hello('w0');
    expect(gathering.input(garbled('w0', reason, 'step: Invalid input'))).toEqual([lost('w0', words)]);
    expect(gathering.workers()).toEqual([]);

    const training = startTraining();
    training.members({ w0: ['compute', 100], w1: ['compute', 100] });
    expect(training.input(garbled('w0', reason, 'step: Invalid input'))).toEqual([
      lost('w0', words),
      failure('run-failed', `worker w0 (rank 0, pid 4242 on alpha) was lost in phase compute: ${words}`),
    ]);
  });
});

it('a member that misbehaves is lost at once, and the run ends with its name and what it sent', () => {
  const run = startTraining();
  run.members({ w1: ['compute', 100] });
  const reason = 'it sent a wrong vote for step 4: samples must be 8, got 0';
  const refusal = { kind: 'wrong', reason, code: 'run-failed' } as const;
  expect(run.input({ type: 'misbehaved', peer: 'w1', refusal })).toEqual([
    lost('w1', reason),
    failure('run-failed', `worker w1 (rank 1, pid 4242 on alpha) was lost in phase compute: ${reason}`),
  ]);
  expect(run.workers()).toEqual(['w0']);
  const diverged = { kind: 'wrong', reason: 'the loss became NaN', code: 'diverged' } as const;
  expect(run.input({ type: 'misbehaved', peer: 'w0', refusal: diverged })[1]).toMatchObject({ code: 'diverged' });
  expect(run.input({ type: 'misbehaved', peer: 'stranger', refusal })).toEqual([]);
});
