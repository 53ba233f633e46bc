/** What happens to a run's workers while time passes. */
import { describe, expect, it } from 'vitest';
import { event, failure, lost, memberLost, startGathering, startTraining } from './gathering.ts';

const gather = { type: 'gather' } as const;
const tick = { type: 'tick' } as const;

describe('a heartbeat', () => {
  it("is told with the wall clock, and with the GPU's reading if there is one", () => {
    const run = startGathering();
    run.hello('w0', {}, 'p0');
    run.time.advance(1000);
    const unixMs = run.time.clock.unixMs();
    const gpu = { utilizationRatio: 0.5 };
    expect(run.input({ type: 'heartbeat', peer: 'p0', gpu })).toStrictEqual([
      event({ type: 'worker-heard', workerId: 'w0', unixMs, gpu }),
    ]);
    expect(run.input({ type: 'heartbeat', peer: 'p0', gpu: undefined })).toStrictEqual([
      event({ type: 'worker-heard', workerId: 'w0', unixMs, gpu: undefined }),
    ]);
    expect(run.worker('p0')).toMatchObject({ since: 100, lastHeard: 101 });
  });

  it('of a stranger says nothing', () => {
    const run = startGathering();
    expect(run.input({ type: 'heartbeat', peer: 'p0', gpu: undefined })).toEqual([]);
    expect(run.workers()).toEqual([]);
  });

  it('like any message counts as a sign of life, from when it came', () => {
    const run = startGathering({ fleet: { min: 3, max: 3 } });
    for (const workerId of ['w0', 'w1', 'w2']) run.hello(workerId);
    run.time.advance(2000);
    run.input({ type: 'heartbeat', peer: 'w1', gpu: undefined });
    const at = new Map([
      ['w0', 101],
      ['w1', 101.5],
      ['stranger', 101],
    ]);
    expect(run.input({ type: 'heard', at })).toEqual([]);
    expect(run.workers()).toEqual(['w0', 'w1', 'w2']);
    expect(['w0', 'w1', 'w2'].map((peer) => run.worker(peer).lastHeard)).toEqual([101, 102, 100]);
  });
});

describe('workers that do not come', () => {
  it('end the run at the deadline, by name where their names are known', () => {
    const run = startGathering({ fleet: { min: 4, max: 4 }, expectedIds: ['w0', 'w1', 'w2', 'w3'] });
    run.time.advance(3000); // The deadline counts from the moment the run begins to wait.
    run.input(gather);
    run.hello('w1');
    run.hello('w0');
    run.ready('w0');
    const message =
      'rendezvous at tcp://10.0.0.1:5555 timed out after 8 s (--timeout 10): ' +
      '1 of 4 workers ready, w1 still loading, w2, w3 never arrived';
    // Whoever is here still sends its heartbeats.
    const seen = [4000, 4500].flatMap((ms) => {
      const effects = run.pass(ms);
      for (const peer of ['w0', 'w1']) run.input({ type: 'heartbeat', peer, gpu: undefined });
      return effects;
    });
    expect(seen).toEqual([{ afterMs: 4000, effects: [failure('quorum-lost', message)] }]);
  });

  it('are counted where their names are not known, and the deadline is exact', () => {
    const run = startGathering();
    run.input(gather);
    run.time.advance(7999);
    expect(run.input(tick)).toEqual([]);
    run.time.advance(1);
    expect(run.input(tick)).toEqual([
      failure(
        'quorum-lost',
        'rendezvous at tcp://10.0.0.1:5555 timed out after 8 s (--timeout 10): 0 of 2 workers ready, 2 never arrived',
      ),
    ]);
  });

  it('do not end a run that does not wait for them, or waits no longer', () => {
    expect(startGathering().pass(60_000)).toEqual([]);
    const run = startTraining();
    run.members({ w0: ['compute', 100], w1: ['compute', 100] });
    expect(run.pass(8000)).toEqual([]);
  });
});

describe('a worker that is stuck', () => {
  it('in silence while it loads gives up its place just past the deadline, not at it', () => {
    const run = startGathering();
    run.hello('w0');
    run.time.advance(8000);
    expect(run.input(tick)).toEqual([]);
    run.time.advance(1);
    expect(run.input(tick)).toEqual([lost('w0', 'silent for 8.0 s, though it is connected', 'stuck')]);
    expect(run.workers()).toEqual([]);
  });

  it('in a step ends the run just past the deadline, not at it', () => {
    const run = startTraining();
    run.members({ w0: ['communicate', 100], w1: ['compute', 100] });
    run.time.advance(8000);
    expect(run.input(tick)).toEqual([]);
    run.time.advance(1);
    const reason = 'no result for 8.0 s, though it is alive';
    const message = `worker w1 (rank 1, pid 4242 on alpha) was lost in phase compute: ${reason}`;
    expect(run.input(tick)).toEqual([
      lost('w1', reason, 'stuck'),
      memberLost('w1', message),
      failure('quorum-lost', message),
    ]);
    expect(run.workers()).toEqual(['w0']);
  });

  it('is lost with the name of whoever it waited for, as it last said', () => {
    const reasonAfter = (...heartbeats: readonly (readonly string[] | undefined)[]) => {
      const run = startTraining({ onLoss: 'continue' });
      run.members({ w0: ['wait', 100], w1: ['idle', 100] });
      for (const awaited of heartbeats) run.input({ type: 'heartbeat', peer: 'w0', gpu: undefined, awaited });
      run.input({ type: 'heartbeat', peer: 'w1', gpu: undefined });
      run.time.advance(8001);
      run.input({ type: 'heard', at: new Map([['w1', 108]]) });
      return run.input(tick);
    };
    const reason = 'no result for 8.0 s, though it is alive';
    expect(reasonAfter()).toContainEqual(lost('w0', reason, 'stuck'));
    expect(reasonAfter(['w1'], ['w1', 'w2'])).toContainEqual(
      lost('w0', `${reason}; it waited for the gradient of w1, w2, as it last said`, 'stuck'),
    );
    expect(reasonAfter(['w1'], undefined)).toContainEqual(lost('w0', reason, 'stuck'));
  });

  it('is lost with what to change, where its local updates took too long', () => {
    const optimizer = {
      name: 'sgd',
      learningRate: 0.1,
      local: { batchSize: 8, learningRate: 1, momentum: 0 },
    } as const;
    const lossIn = (activity: 'compute' | 'wait') => {
      const run = startTraining({ onLoss: 'continue', optimizer });
      run.members({ w0: [activity, 100], w1: ['rendezvous', 108] });
      run.time.advance(8001);
      return run.input(tick);
    };
    const advice =
      'all --local-steps of a step have to end within 8 s (0.8 of --timeout): use fewer, or a longer --timeout';
    const reason = 'no result for 8.0 s, though it is alive';
    expect(lossIn('compute')).toContainEqual(lost('w0', `${reason}; ${advice}`, 'stuck'));
    expect(lossIn('wait')).toContainEqual(lost('w0', reason, 'stuck'));
  });

  it('is told that it may ask for its place again, where the run waits for somebody and its connection is alive', () => {
    const run = startTraining({ onLoss: 'continue' });
    run.members({ w0: ['communicate', 100], w1: ['compute', 100] });
    run.time.advance(8001);
    expect(run.input(tick)).toContainEqual({
      type: 'send',
      peer: 'w1',
      body: {
        type: 'refuse',
        field: 'progress',
        expected: 'it may ask for its place again',
        actual: 'no result for 8.0 s, though it is alive',
        passing: true,
      },
    });
    const silent = startTraining({ onLoss: 'continue' });
    silent.members({ w0: ['idle', 100], w1: ['predict', 107] });
    silent.time.advance(8001);
    expect(silent.input(tick).filter(({ type }) => type === 'send')).toEqual([]);
  });

  it('is found by the ticks of a run that nothing else happens in', () => {
    const run = startTraining();
    run.members({ w0: ['idle', 100], w1: ['predict', 101] });
    const reason = 'silent for 8.5 s, though it is connected';
    const message = `worker w0 (rank 0, pid 4242 on alpha) was lost in phase idle: ${reason}`;
    expect(run.pass(9000).slice(0, 1)).toEqual([
      {
        afterMs: 8500,
        effects: [lost('w0', reason, 'stuck'), memberLost('w0', message), failure('quorum-lost', message)],
      },
    ]);
  });

  it('may take as long as it likes to load while its heart beats', () => {
    const run = startGathering();
    run.hello('w0');
    for (let beat = 0; beat < 60; beat++) {
      expect(run.pass(1000)).toEqual([]);
      run.input({ type: 'heartbeat', peer: 'w0', gpu: undefined });
    }
  });

  it('in a part of a test pass ends the run, though its heart beats', () => {
    const run = startTraining();
    run.members({ w0: ['idle', 100], w1: ['evaluate', 100] });
    const effects = Array.from({ length: 9 }, () => {
      for (const peer of ['w0', 'w1']) run.input({ type: 'heartbeat', peer, gpu: undefined });
      return run.pass(1000);
    }).flat();
    const reason = 'no result for 8.5 s, though it is alive';
    const message = `worker w1 (rank 1, pid 4242 on alpha) was lost in phase evaluate: ${reason}`;
    expect(effects.slice(0, 1)).toEqual([
      {
        afterMs: 500,
        effects: [lost('w1', reason, 'stuck'), memberLost('w1', message), failure('quorum-lost', message)],
      },
    ]);
  });

  it('and gone in the moment of the deadline is told before the run ends for want of it', () => {
    const run = startGathering();
    run.hello('w0');
    run.time.advance(1);
    run.input(gather);
    run.time.advance(8000);
    expect(run.input(tick)).toMatchObject([
      lost('w0', 'silent for 8.0 s, though it is connected', 'stuck'),
      { type: 'fail', message: expect.stringContaining('0 of 2 workers ready, 2 never arrived') },
    ]);
  });
});

describe('a coordinator that stood still', () => {
  it.each([
    ['loading', 'load'],
    ['waiting for the others', 'rendezvous'],
  ])('holds nothing against a worker that is %s, nor against those who are to come', (_, activity) => {
    const run = startGathering();
    run.input(gather);
    run.hello('w0');
    if (activity === 'rendezvous') run.ready('w0');
    run.time.advance(3000);
    run.input({ type: 'heartbeat', peer: 'w0', gpu: undefined });
    run.time.advance(1000 + 60_000);
    expect(run.input({ type: 'stood-still', seconds: 60 })).toEqual([event({ type: 'stood-still', seconds: 60 })]);
    // From the gathering to the end of the deadline of 8 s, 4 s are left.
    run.time.advance(3999);
    expect(run.input(tick)).toEqual([]);
    run.time.advance(1);
    expect(run.input(tick)).toMatchObject([{ type: 'fail', code: 'quorum-lost' }]);
    expect(run.worker('w0').lastHeard).toBe(163);
  });

  it('gives a worker that loads its time before others may have its place', () => {
    const run = startGathering({ fleet: { min: 1, max: 1 } });
    run.hello('w0');
    run.time.advance(1000 + 60_000);
    run.input({ type: 'stood-still', seconds: 60 });
    run.time.advance(3000);
    expect(run.hello('w1')).toMatchObject([{ body: { field: 'world size' } }, {}]);
    run.time.advance(1);
    expect(run.hello('w1')).toMatchObject([{ body: { field: 'loading time' } }, {}, {}, {}]);
  });

  it('does not take what was heard meanwhile for the future', () => {
    const run = startGathering();
    run.hello('w0');
    run.time.advance(10_000);
    run.input({ type: 'heartbeat', peer: 'w0', gpu: undefined });
    run.time.advance(10);
    run.input({ type: 'stood-still', seconds: 10 });
    expect(run.worker('w0')).toMatchObject({ since: 110, lastHeard: 110.01 });
  });

  it('tells it only where somebody would have been given up: from half of the timeout', () => {
    const run = startGathering();
    expect(run.input({ type: 'stood-still', seconds: 4.99 })).toEqual([]);
    expect(run.input({ type: 'stood-still', seconds: 5 })).toEqual([event({ type: 'stood-still', seconds: 5 })]);
  });
});
