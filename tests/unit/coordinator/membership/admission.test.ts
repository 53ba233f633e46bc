/** Who may join a run, and what each is told. */
import { describe, expect, it } from 'vitest';
import { nothingUsed } from '../../../support/nothing-used.ts';
import {
  event,
  helloOf,
  identity,
  isReady,
  lost,
  model,
  readyOf,
  refused,
  rejection,
  startGathering,
} from './gathering.ts';

const gather = { type: 'gather' } as const;
const tick = { type: 'tick' } as const;

describe('workers that fit', () => {
  it('join, get ready, and begin a generation once all are there', () => {
    const run = startGathering();
    expect(run.input(gather)).toEqual([]);
    expect(run.hello('w1', { pid: 11, uptime: 2.5 })).toEqual([
      event({ type: 'worker-joined', workerId: 'w1', host: 'alpha', pid: 11 }),
      {
        type: 'send',
        peer: 'w1',
        body: {
          type: 'welcome',
          dataset: { name: 'mnist', digest: 'abc' },
          model,
          optimizer: { name: 'adam', learningRate: 0.001 },
          seed: 1,
          timeout: 10,
          checksumEvery: 50,
          generation: 0,
        },
      },
    ]);
    run.time.advance(1000);
    expect(run.ready('w1')).toEqual(isReady('w1', 97.5));
    expect(run.hello('w0')).toHaveLength(2);
    run.time.advance(1000);
    const w1 = run.worker('w1');
    const effects = run.ready('w0');
    expect(effects).toEqual([
      ...isReady('w0', 99),
      {
        type: 'begin',
        workers: [
          { ...run.worker('w0'), rank: 0 },
          { ...w1, rank: 1 },
        ],
        reason: 'all 2 workers are ready',
      },
    ]);
    expect(run.worker('w0')).toMatchObject({ rank: 0, since: 102, lastHeard: 102, ready: readyOf() });
    expect(run.worker('w1')).toEqual({ ...w1, rank: 1 });
    expect(w1).toMatchObject({ rank: undefined, since: 101, lastHeard: 101 });
    expect(run.state()).toMatchObject({ gatheringSince: undefined, generations: 1 });
  });

  it('begin at once when the run asks for them last, and only once', () => {
    const run = startGathering({ fleet: { min: 1, max: 1 } });
    run.hello('w0');
    expect(run.ready('w0')).toEqual(isReady('w0'));
    expect(run.pass(60_000)).toEqual([{ afterMs: 8500, effects: [expect.anything()] }]); // silent, and gone
    run.hello('w0');
    run.ready('w0');
    expect(run.input(gather)).toMatchObject([{ type: 'begin', reason: 'a worker is ready' }]);
    run.members({ w0: ['compute', run.time.clock.now()] });
    expect(run.input(tick)).toEqual([]);
  });

  it('have ranks by their names, not by their arrival', () => {
    const run = startGathering({ fleet: { min: 3, max: 3 } });
    run.input(gather);
    for (const workerId of ['w10', 'w2', 'w1']) run.hello(workerId);
    for (const workerId of ['w2', 'w10']) run.ready(workerId);
    const begin = run.ready('w1').find(({ type }) => type === 'begin');
    expect(begin?.type === 'begin' && begin.workers.map(({ peer, rank }) => [peer, rank])).toEqual([
      ['w1', 0],
      ['w2', 1],
      ['w10', 2],
    ]);
    expect(run.workers().map((peer) => [peer, run.worker(peer).rank])).toEqual([
      ['w10', 2],
      ['w2', 1],
      ['w1', 0],
    ]);
  });

  it('are known by what their hello says', () => {
    const run = startGathering();
    const priceOrigin = { source: 'list', date: '2025-06' };
    const hello = { uptime: 3, priceUsdPerHour: 0.5, emulatedSpeed: 0.25, priceOrigin, gpu: 'gcp/t4/spot' };
    run.hello('w0', hello, 'p');
    expect(run.worker('p')).toStrictEqual({
      peer: 'p',
      hello: helloOf('w0', hello),
      info: {
        workerId: 'w0',
        host: 'alpha',
        pid: 4242,
        cpu: 'x64',
        // Known once it is ready.
        priceUsdPerHour: undefined,
        emulatedSpeed: 0.25,
        priceOrigin: undefined,
        priceAssumed: undefined,
        gpu: 'gcp/t4/spot',
        aliveSinceUnixMs: run.time.clock.unixMs() - 3000,
      },
      aliveSince: 97,
      earliest: 80,
      ready: undefined,
      rank: undefined,
      draining: false,
      since: 100,
      lastHeard: 100,
    });
  });

  it.each([
    { own: undefined, byDefault: undefined, price: undefined },
    { own: undefined, byDefault: 0.4, price: 0.4 },
    { own: 0.5, byDefault: 0.4, price: 0.5 },
    { own: 0, byDefault: 0.4, price: 0 },
  ])('cost their own price, or else the default: $own, $byDefault', ({ own, byDefault, price }) => {
    const run = startGathering({ defaultPriceUsdPerHour: byDefault });
    run.hello('w0', { priceUsdPerHour: own, gpu: 'gcp/t4/spot' });
    const effects = run.ready('w0');
    expect(effects[0]).toEqual(
      event({ type: 'worker-began', workerId: 'w0', at: 98, priceUsdPerHour: price, gpu: 'gcp/t4/spot' }),
    );
    expect(run.worker('w0').info.priceUsdPerHour).toBe(price);
  });
});

describe('a worker that comes back with what it has trained', () => {
  it.each([
    [{ reports: [], usage: nothingUsed }, true],
    [undefined, undefined],
  ])('is told of as one that returns: %j', (kept, returns) => {
    const run = startGathering();
    run.hello('w0');
    expect(run.ready('w0', { kept })[0]).toMatchObject({ event: { type: 'worker-began', workerId: 'w0', returns } });
  });
});

describe('the time of a worker', () => {
  const tenYears = 10 * 365 * 24 * 3600;
  const begins = (effects: readonly unknown[]) => effects[0];
  const at = (workerId: string, moment: number) => isReady(workerId, moment)[0];

  it('is not booked before it is ready', () => {
    const run = startGathering();
    const effects = [
      ...run.hello('w0', { uptime: tenYears, priceUsdPerHour: 1000 }),
      ...run.leave('w0', { reason: 'done' }),
      ...run.hello('w1', { uptime: tenYears }),
      ...run.ready('w1', { parametersChecksum: 0, identity: { ...identity, seed: 2 } }),
    ];
    expect(JSON.stringify(effects)).not.toMatch(/worker-began/);
  });

  it.each([
    ['as it says', 2, 98],
    ['for as long as the coordinator has run', 10, 90],
    ['for the timeout before that', 20, 80],
    ['and no longer', 20.5, 80],
    ['and no longer, whatever it says', tenYears, 80],
  ])('is booked %s', (_, uptime, from) => {
    const run = startGathering();
    run.hello('w0', { uptime });
    run.time.advance(3000);
    expect(begins(run.ready('w0'))).toEqual(at('w0', from));
    expect(run.worker('w0').info.aliveSinceUnixMs).toBe(run.time.clock.unixMs() - 3000 - (100 - from) * 1000);
  });

  it.each([
    ['from its birth, though its hello waited for the coordinator', 7, 96],
    ['from its birth by its hello, where it says later that it is younger', 1, 98],
    ['for the timeout before the coordinator and no longer, whatever it says later', tenYears, 80],
  ])('is booked %s', (_, uptime, from) => {
    const run = startGathering();
    run.hello('w0', { uptime: 2 });
    run.time.advance(3000);
    expect(begins(run.ready('w0', { uptime }))).toEqual(at('w0', from));
    expect(run.worker('w0').info.aliveSinceUnixMs).toBe(run.time.clock.unixMs() - 3000 - (100 - from) * 1000);
  });

  it('is booked once for a place, however often it is given up', () => {
    const run = startGathering();
    let booked = 0;
    for (let life = 0; life < 20; life++) {
      run.hello(`w${life}`, { uptime: tenYears });
      run.time.advance(500);
      const [began] = run.ready(`w${life}`);
      if (began?.type !== 'announce' || began.event.type !== 'worker-began') throw new Error('no account');
      run.time.advance(500);
      run.leave(`w${life}`);
      booked += run.time.clock.now() - began.event.at;
    }
    expect(booked).toBe(20 + 20);
  });

  it('is not cut by a worker that left before it was ready', () => {
    const run = startGathering();
    run.hello('w0');
    run.leave('w0');
    run.hello('w1', { uptime: 5 });
    expect(begins(run.ready('w1'))).toEqual(at('w1', 95));
  });
});

describe('a newcomer that does not fit', () => {
  const ended = (workerId: string) => event({ type: 'worker-ended', workerId });
  const taken = '--id chooses another';
  const full = 'one has to become free';

  it.each([
    ['another version', [], helloOf('w0', { version: '2.0.0' }), ['pennygrad version', '1.0.0', '2.0.0']],
    ['a name that is taken', ['w0'], helloOf('w0'), ['worker id', taken, 'the name w0 is taken']],
    ['one too many', ['w0', 'w1'], helloOf('w2'), ['world size', full, 'all 2 places are taken']],
    ['all of it: the version', ['w0', 'w1'], helloOf('w1', { version: '2' }), ['pennygrad version', '1.0.0', '2']],
    [
      'a name that is taken, and one too many',
      ['w0', 'w1'],
      helloOf('w1'),
      ['worker id', taken, 'the name w1 is taken'],
    ],
  ] as const)('is refused for %s', (_, present, hello, [field, expected, actual]) => {
    const run = startGathering();
    for (const workerId of present) run.hello(workerId);
    const before = run.state();
    // A place may become free; another version stays another.
    const passing = field === 'pennygrad version' ? undefined : true;
    expect(run.input({ type: 'hello', peer: 'new', hello })).toEqual(
      refused('new', hello.workerId, field, expected, actual, passing),
    );
    expect(run.state()).toBe(before);
  });

  it('and asks again is told so again, and nobody else is', () => {
    const run = startGathering({ fleet: { min: 1, max: 1 } });
    run.hello('w0');
    const [told] = run.hello('w1');
    expect(run.hello('w1', { asked: 1 })).toEqual([told]);
    expect(run.hello('w1', { asked: 2 })).toEqual([told]);
    run.leave('w0');
    expect(run.hello('w1', { asked: 3 })).toMatchObject([
      { event: { type: 'worker-joined', workerId: 'w1' } },
      { body: { type: 'welcome' } },
    ]);
  });

  it.each([
    ['pennygrad version', { identity: { ...identity, version: '2' } }, '1.0.0', '2'],
    [
      'model',
      { identity: { ...identity, model: { ...model, name: 'mlp' as const } } },
      'cnn (28×28×1 to 10 classes)',
      'mlp (28×28×1 to 10 classes)',
    ],
    [
      'model',
      { identity: { ...identity, model: { ...model, inputShape: [28, 82, 1] as [number, number, number] } } },
      'cnn (28×28×1 to 10 classes)',
      'cnn (28×82×1 to 10 classes)',
    ],
    ['dataset digest', { identity: { ...identity, datasetDigest: 'xyz' } }, 'abc', 'xyz'],
    ['seed', { identity: { ...identity, seed: 2 } }, '1', '2'],
    ['number of parameters', { parameterCount: 11, bucketEnds: [4, 11] }, '10', '11'],
    ['number of parameters', { parameterCount: 9, bucketEnds: [9] }, '10', '9'],
    ['gradient buckets', { bucketEnds: [4, 11] }, 'ends that ascend to 10', '4,11'],
    ['gradient buckets', { bucketEnds: [6, 4, 10] }, 'ends that ascend to 10', '6,4,10'],
    ['gradient buckets', { bucketEnds: [10] }, '4,10', '10'],
    ['gradient buckets', { bucketEnds: [10], parametersChecksum: 78 }, '4,10', '10'],
    ['checksum of the initial parameters', { parametersChecksum: 78 }, '77', '78'],
  ] as const)('is refused when it is ready: %s', (field, difference, expected, actual) => {
    const run = startGathering();
    run.input(gather);
    run.hello('w0');
    run.ready('w0');
    run.hello('w1');
    expect(run.ready('w1', difference)).toEqual([...refused('w1', 'w1', field, expected, actual), ended('w1')]);
    expect(run.workers()).toEqual(['w0']);
    // Its place is free for another, even of the same name.
    run.hello('w1', {}, 'again');
    expect(run.ready('again')).toMatchObject([...isReady('w1'), { type: 'begin' }]);
  });

  it('is compared with a worker that is ready, not with one that loads', () => {
    const run = startGathering({ fleet: { min: 3, max: 3 } });
    run.hello('w0');
    run.hello('w1');
    expect(run.ready('w1', { parametersChecksum: 78, bucketEnds: [10] })).toEqual(isReady('w1'));
    expect(run.ready('w0', { bucketEnds: [10] })).toEqual([
      ...refused('w0', 'w0', 'checksum of the initial parameters', '78', '77'),
      ended('w0'),
    ]);
  });

  it('is told no more than a thousand characters of a field', () => {
    const run = startGathering({ identity: { ...identity, datasetDigest: 'e'.repeat(1001) } });
    run.hello('w0');
    expect(run.ready('w0', { identity: { ...identity, datasetDigest: 'a'.repeat(1001) } })).toEqual([
      ...refused('w0', 'w0', 'dataset digest', 'e'.repeat(1000), 'a'.repeat(1000)),
      ended('w0'),
    ]);
  });
});

describe('a place that nobody gets ready in', () => {
  /** With a timeout of 10 s a worker has 4 s before others may have its place. */
  const late = (seconds: string) => `it was not ready after ${seconds} s, and another worker asks for its place`;
  const lateRefusal = (peer: string, seconds: string) => ({
    type: 'send',
    peer,
    body: {
      type: 'refuse',
      field: 'loading time',
      expected: 'a worker has 4 s to load while others ask for a place',
      actual: `it was not ready after ${seconds} s`,
      passing: true,
    },
  });
  const joins = (workerId: string) => [
    { type: 'announce', event: { type: 'worker-joined', workerId } },
    { type: 'send', body: { type: 'welcome' } },
  ];

  it('goes to the next that asks, but not before the deadline', () => {
    const run = startGathering();
    run.input(gather);
    run.hello('w0');
    run.ready('w0');
    run.hello('hung');
    run.time.advance(4000);
    expect(run.hello('w1')).toMatchObject([{ body: { type: 'refuse', passing: true } }, {}]);
    run.time.advance(1);
    expect(run.hello('w1', { asked: 1 })).toMatchObject([
      lateRefusal('hung', '4.0'),
      lost('hung', late('4.0'), 'stuck'),
      ...joins('w1'),
    ]);
    expect(run.workers()).toEqual(['w0', 'w1']);
    // The run begins without it, in time; what it says after all comes from a stranger.
    expect(run.ready('hung')).toEqual([]);
    expect(run.ready('w1')).toMatchObject([...isReady('w1', 102.001), { type: 'begin' }]);
  });

  it('goes to one of the same name, and to no other while that one is here', () => {
    const run = startGathering();
    run.hello('w0');
    run.hello('w1');
    run.time.advance(4001);
    expect(run.hello('w1', {}, 'again')).toMatchObject([
      lateRefusal('w1', '4.0'),
      lost('w1', late('4.0'), 'stuck'),
      ...joins('w1'),
    ]);
    expect(run.workers()).toEqual(['w0', 'again']);
    // A namesake that got ready, or has just come, keeps its place, however late somebody else is.
    expect(run.hello('w1', {}, 'third')).toMatchObject([{ body: { field: 'worker id', passing: true } }, {}]);
    run.ready('again');
    run.time.advance(60_000);
    expect(run.hello('w1', {}, 'third')).toMatchObject([{ body: { field: 'worker id', passing: true } }, {}]);
  });

  it('is that of the one that has been loading longest', () => {
    const run = startGathering({ fleet: { min: 3, max: 3 } });
    for (const workerId of ['b', 'a', 'c']) {
      run.hello(workerId);
      run.time.advance(1000);
    }
    run.time.advance(4000);
    run.ready('b');
    run.hello('w0');
    expect(run.workers()).toEqual(['b', 'c', 'w0']);
  });

  it('stays its own while nobody asks, and once it is ready', () => {
    const run = startGathering({ fleet: { min: 1, max: 1 } });
    run.hello('w0');
    run.time.advance(7000);
    expect(run.ready('w0')).toEqual(isReady('w0'));
    expect(run.hello('w1')).toMatchObject([{ body: { field: 'world size', passing: true } }, {}]);
    expect(run.workers()).toEqual(['w0']);
  });

  it('is not taken by one that would not fit', () => {
    const run = startGathering({ fleet: { min: 1, max: 1 } });
    run.hello('w0');
    run.time.advance(5000);
    const before = run.state();
    expect(run.hello('w1', { version: '2' })).toMatchObject([{ body: { field: 'pennygrad version' } }, {}]);
    expect(run.state()).toBe(before);
  });
});

it('a stranger is not ready, whatever it says', () => {
  const run = startGathering();
  const before = run.state();
  expect(run.ready('stranger')).toEqual([]);
  expect(run.state()).toBe(before);
});

describe('a member that repeats itself', () => {
  it('has a second hello rejected, under any name, and stays what it was', () => {
    const run = startGathering();
    run.hello('w0');
    const before = run.state();
    for (const workerId of ['w0', 'w1']) {
      expect(run.hello(workerId, {}, 'w0')).toEqual([rejection('peer', 'a second hello')]);
    }
    expect(run.state()).toBe(before);
  });

  it('has a second ready rejected, though it was heard', () => {
    const run = startGathering();
    run.hello('w0');
    run.ready('w0');
    const before = run.worker('w0');
    run.time.advance(500);
    expect(run.ready('w0', { parametersChecksum: 78 })).toEqual([rejection('stale', 'a second ready')]);
    expect(run.worker('w0')).toEqual({ ...before, lastHeard: 100.5 });
  });
});
