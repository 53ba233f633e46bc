import { describe, expect, test } from 'vitest';
import { type CarriedAccounts, createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { entryOf, ledgerLines } from '../../../../src/coordinator/record/ledger-file.ts';
import type { LedgerEvent, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { bookedUsd, byCategory, newAccount, nothingByCategory } from '../../../../src/economics/ledger/ledger.ts';
import { noPhaseSeconds, nothingSpent, type SpentSeconds } from '../../../../src/shared/core/phases.ts';
import { member, savedCheckpoint, stepEvent } from '../../../support/observed-run.ts';

/** Books whose clock is moved by hand; at $3600 an hour a second costs a dollar. */
function openBooks(carried?: CarriedAccounts) {
  let now = 0;
  const drawnUp: LedgerEvent[] = [];
  const books = createBookkeeper({
    clock: { now: () => now, unixMs: () => now * 1000 },
    startedAt: 0,
    carried,
  });
  const keep = (accounts: LedgerEvent | undefined) => {
    if (accounts !== undefined) drawnUp.push(accounts);
  };
  return {
    books,
    drawnUp,
    close: () => keep(books.close()),
    pass(seconds: number) {
      now += seconds;
    },
    tell(...events: readonly RunEvent[]) {
      for (const event of events) keep(books.observe(event));
    },
    began: (workerId: string): RunEvent => ({ type: 'worker-began', workerId, at: now, priceUsdPerHour: 3600 }),
    spent: (workerId: string, seconds: Partial<SpentSeconds>, redone = false): RunEvent => ({
      type: 'spent',
      redone,
      members: [{ workerId, at: now, seconds: { ...nothingSpent, ...seconds }, bytes: { sent: 0, received: 0 } }],
    }),
    accountOf: (workerId: string) => drawnUp.at(-1)?.entries.find((entry) => entry.workerId === workerId)?.account,
  };
}

const epochEvent = (epoch: number): RunEvent => ({
  type: 'epoch',
  epoch,
  loss: 1,
  accuracy: 1,
  testLoss: 1,
  testAccuracy: 1,
  samples: 1,
  seconds: 1,
  evaluateSeconds: 1,
});

const generation = (...ranks: readonly number[]): RunEvent => ({
  type: 'generation',
  number: 1,
  parameterCount: 1,
  reason: 'ready',
  members: ranks.map((rank) => member(rank, 3600)),
});

describe('the books of a run', () => {
  test('have a line of a worker at the beginning, every second, at epochs and checkpoints, and at the end', () => {
    const { books, close, drawnUp, pass, tell, began, spent } = openBooks();
    tell(began('w0'));
    pass(2);
    tell(generation(0));
    for (let step = 0; step < 5; step++) {
      pass(0.4);
      tell(spent('w0', { compute: 0.3, communicate: 0.1 }));
    }
    tell(epochEvent(0));
    close();
    expect(books.close()).toBeUndefined();
    expect(drawnUp.map(({ cause }) => cause)).toEqual(['begin', 'interim', 'epoch', 'end']);
    expect(drawnUp.at(-1)?.entries[0]?.account.seconds).toMatchObject({ startup: 2, compute: expect.closeTo(1.5, 9) });
    expect(drawnUp.at(-1)?.costUsd).toBeCloseTo(4, 9);
  });

  test('go on while the run only waits: a worker that gets ready costs its time, second by second', () => {
    const { drawnUp, pass, tell, began, accountOf } = openBooks();
    tell(began('w0'));
    for (const seconds of [0.5, 0.5, 0.25, 0.75, 2]) {
      pass(seconds);
      tell({ type: 'tick' });
    }
    expect(drawnUp.map(({ cause, costUsd, runSeconds }) => [cause, costUsd, runSeconds])).toEqual([
      ['interim', 1, 1],
      ['interim', 2, 2],
      ['interim', 4, 4],
    ]);
    expect(accountOf('w0')?.seconds).toMatchObject({ startup: 4 });
  });

  test("leave a member's time to its reports, however long it says nothing", () => {
    const { pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), generation(0));
    pass(30);
    tell({ type: 'tick' });
    expect(accountOf('w0')?.seconds).toEqual(nothingByCategory);
    pass(1);
    tell(spent('w0', { evaluate: 31 }));
    expect(accountOf('w0')?.seconds).toMatchObject({ evaluate: 31, startup: 0, other: 0 });
  });

  test('have what members wait for another generation, before they report it, and once', () => {
    const { pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), generation(0));
    pass(0.5);
    tell({ type: 'waiting', reason: '1 of 2 workers ready', seconds: 24 });
    for (let second = 0; second < 15; second++) {
      pass(1);
      if (second === 5) tell({ type: 'waiting', reason: '1 of 2 workers ready, w1 still loading', seconds: 18 });
      tell({ type: 'tick' });
      // A coordinator that is killed now leaves these accounts.
      expect(accountOf('w0')?.seconds).toMatchObject({ idle: second + 1 });
    }
    tell(generation(0, 1), spent('w0', { compute: 0.3, communicate: 0.2, idle: 15 }, true));
    pass(2);
    tell(spent('w0', { compute: 2 }));
    expect(accountOf('w0')?.seconds).toMatchObject({
      idle: expect.closeTo(15, 9),
      wasted: expect.closeTo(0.5, 9),
      compute: expect.closeTo(2, 9),
      other: expect.closeTo(0, 9),
    });
    pass(30);
    tell({ type: 'tick' });
    expect(accountOf('w0')?.seconds).toMatchObject({ idle: expect.closeTo(15, 9) });
  });

  test('call wasted what a run that fails was in the middle of, and idle what one that ends well was', () => {
    for (const [status, category] of [
      ['failed', 'wasted'],
      ['completed', 'idle'],
      ['interrupted', 'idle'],
    ] as const) {
      const { close, pass, tell, began, accountOf, spent } = openBooks();
      tell(began('w0'), generation(0));
      pass(1);
      tell(spent('w0', { compute: 1 }));
      pass(3);
      tell({ type: 'ended', status, code: undefined });
      pass(0.5);
      tell({ type: 'worker-ended', workerId: 'w0' });
      pass(100);
      close();
      expect(accountOf('w0')?.seconds).toEqual(byCategory((c) => ({ compute: 1, [category]: 3.5 })[c] ?? 0));
    }
  });

  test('end the life of a worker that is lost, and go on with the others', () => {
    const { books, close, pass, tell, began, accountOf } = openBooks();
    tell(began('w0'), began('w1'), generation(0, 1));
    pass(2);
    tell({ type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' });
    pass(5);
    tell({ type: 'ended', status: 'failed', code: undefined });
    close();
    expect(accountOf('w1')?.seconds).toMatchObject({ wasted: 2, idle: 0 });
    expect(accountOf('w0')?.seconds).toMatchObject({ wasted: 7 });
    expect(books.spent().usd).toBeCloseTo(9, 9);
  });

  test('call wasted what is trained again, but not what was spent waiting for orders', () => {
    const { close, pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), generation(0));
    pass(3);
    tell(spent('w0', { load: 0.25, compute: 1, communicate: 0.5, wait: 0.5, apply: 0.25, idle: 0.5 }, true));
    close();
    expect(accountOf('w0')?.seconds).toMatchObject({ wasted: 2.5, idle: 0.5, compute: 0, other: 0 });
  });

  test('go on with what was carried over, and count it in what is spent', () => {
    const seconds = { ...nothingByCategory, compute: 10 };
    const account = {
      seconds,
      usd: { ...nothingByCategory, compute: 20 },
      priceUsdPerHour: 7200,
      rentals: 1,
      endedBilledUsd: 60,
      life: undefined,
    };
    const entry = (workerId: string, rank: number) => ({ workerId, rank, samples: 5, account, priceSinceUnixMs: 0 });
    const carried = { entries: [entry('w0', 0), entry('w1', 1)], runSeconds: 30, step: 7 };
    const { books, drawnUp, pass, tell, began, accountOf } = openBooks(carried);
    expect(books.spent()).toEqual({ usd: 40, billedUsd: 120, billedAtEndUsd: 120, seconds: 30 });
    tell(began('w0'));
    pass(2);
    expect(books.spent()).toMatchObject({ usd: 42, billedUsd: 122, seconds: 32 });
    tell(generation(0));
    expect(accountOf('w0')).toMatchObject({ seconds: { compute: 10, startup: 2 }, usd: { compute: 20, startup: 2 } });
    expect(accountOf('w1')?.usd.compute).toBe(20);
    expect(accountOf('w0')).toMatchObject({ rentals: 2, endedBilledUsd: 60 });
    expect(drawnUp.at(-1)).toMatchObject({ step: 7, runSeconds: 32, costUsd: 42 });
  });

  test("bill a worker's lives by the rule of its label's provider", () => {
    const { close, pass, tell, began, accountOf } = openBooks();
    const life = (gpu: string) => {
      tell({ ...began('w0'), gpu } as RunEvent);
      pass(5.5);
      tell({ type: 'worker-ended', workerId: 'w0' });
    };
    life('gcp/t4/spot');
    life('vast/t4/on-demand');
    close();
    expect(accountOf('w0')).toMatchObject({ rentals: 2, endedBilledUsd: 60 + 6 });
    expect(bookedUsd(accountOf('w0') ?? newAccount)).toBe(11);
  });

  test('book every category of what a worker says, and call other only what is left', () => {
    const { close, pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'));
    pass(4);
    tell(generation(0));
    pass(10);
    tell(spent('w0', { load: 0.25, compute: 1, communicate: 0.5, wait: 2, apply: 0.75, evaluate: 1.5, idle: 3 }), {
      type: 'ended',
      status: 'completed',
      code: undefined,
    });
    pass(5);
    close();
    expect(accountOf('w0')?.seconds).toEqual({
      compute: 1.75,
      communicate: 0.5,
      wait: 2,
      load: 0.25,
      startup: 4,
      evaluate: 1.5,
      idle: 3 + 5,
      wasted: 0,
      other: 1,
    });
  });

  test('book the same, trained again, as wasted but for what is no step', () => {
    const { close, pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), generation(0));
    pass(10);
    const seconds = { load: 0.25, compute: 1, communicate: 0.5, wait: 2, apply: 0.75, evaluate: 1.5, idle: 3 };
    tell(spent('w0', seconds, true));
    close();
    expect(accountOf('w0')?.seconds).toEqual(
      byCategory((category) => ({ wasted: 4.5, evaluate: 1.5, idle: 3, other: 1 })[category as string] ?? 0),
    );
  });

  test('count the samples of each worker, its rank, and the steps', () => {
    const { close, drawnUp, pass, tell, began } = openBooks();
    tell(began('w1'), began('w0'), generation(0, 1));
    expect(drawnUp.at(-1)).toMatchObject({ cause: 'begin', step: 0, runSeconds: 0, costUsd: 0 });
    const phases = noPhaseSeconds;
    const members = [
      { workerId: 'w0', samples: 3, phases },
      { workerId: 'w1', samples: 5, phases },
      { workerId: 'unknown', samples: 7, phases },
    ];
    for (const step of [6, 7]) tell(stepEvent(step, { members }));
    pass(2);
    close();
    const [last] = drawnUp.slice(-1);
    expect(last).toMatchObject({ type: 'ledger', cause: 'end', step: 8, runSeconds: 2 });
    expect(last?.epoch).toBeUndefined();
    expect(last?.entries.map(({ workerId, rank, samples }) => [workerId, rank, samples])).toEqual([
      ['w1', 1, 10],
      ['w0', 0, 6],
    ]);
  });

  test('draw up no line that changes afterwards', () => {
    const { close, drawnUp, pass, tell, began } = openBooks();
    tell(began('w0'), generation(0));
    const before = structuredClone(drawnUp[0]);
    pass(3);
    tell(stepEvent(0));
    close();
    expect(drawnUp[0]).toEqual(before);
  });

  test('have a line a second of work at most, one an epoch and one a checkpoint, whenever they come', () => {
    const { drawnUp, pass, tell, began, spent } = openBooks();
    tell(began('w0'), generation(0));
    pass(0.999);
    tell(spent('w0', { compute: 0.5 }));
    expect(drawnUp).toHaveLength(1);
    pass(0.001);
    tell(spent('w0', { compute: 0.5 }));
    expect(drawnUp.at(-1)).toMatchObject({ cause: 'interim', runSeconds: 1 });
    tell({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 });
    expect(drawnUp.at(-1)).toMatchObject({ cause: 'checkpoint' });
    pass(0.5);
    tell(spent('w0', { compute: 0.5 }));
    expect(drawnUp).toHaveLength(3);
    tell(epochEvent(4));
    expect(drawnUp.at(-1)).toMatchObject({ cause: 'epoch', epoch: 4 });
    tell(
      { type: 'listening', endpoint: 'tcp://x' },
      { type: 'worker-lost', workerId: 'nobody', reason: '', cause: 'killed' },
    );
    expect(drawnUp).toHaveLength(4);
  });

  test('book what a worker did before it was a member, or without becoming one, as startup', () => {
    const { close, pass, tell, began, accountOf } = openBooks();
    tell(began('w0'), began('w1'));
    pass(2);
    tell({ type: 'worker-ended', workerId: 'w1' });
    pass(3);
    tell(generation(0), { type: 'ended', status: 'failed', code: 'run-failed' });
    close();
    expect(accountOf('w1')?.seconds).toEqual(byCategory((category) => (category === 'startup' ? 2 : 0)));
    expect(accountOf('w0')?.seconds).toEqual(byCategory((category) => (category === 'startup' ? 5 : 0)));
  });

  test('know from when on a price holds by the wall clock, a new one with each life', () => {
    const { drawnUp, pass, tell, close } = openBooks();
    pass(10);
    const life = (at: number, priceUsdPerHour: number): RunEvent => ({
      type: 'worker-began',
      workerId: 'w0',
      at,
      priceUsdPerHour,
    });
    tell(life(7, 3600));
    pass(10);
    tell(life(15, 7200));
    pass(1);
    close();
    expect(drawnUp.at(-1)?.entries).toMatchObject([
      { priceSinceUnixMs: 15_000, rank: undefined, samples: 0, account: { priceUsdPerHour: 7200, rentals: 2 } },
    ]);
    // The first life's eight seconds at a dollar were wasted; the second has had six at two dollars to start up.
    expect(drawnUp.at(-1)?.costUsd).toBe(8 + 12);
  });

  test('know what will be billed if the run is told to end, with its steps, its checkpoint and its processes', () => {
    const { books, pass, tell, began } = openBooks();
    const rented = { type: 'worker-began', workerId: 'w1', at: 0, priceUsdPerHour: 3600, gpu: 'gcp/t4/spot' } as const;
    tell(began('w0'), rented, generation(0, 1));
    pass(10);
    // By the second, as far as is known, and a minute at least.
    expect(books.spent()).toMatchObject({ usd: 20, billedUsd: 10 + 60 });
    const leaving = books.spent().billedAtEndUsd - 70;
    expect(leaving).toBeGreaterThanOrEqual(1);
    tell(stepEvent(0, { seconds: 4 }), { type: 'checkpoint-saved', step: 1, seconds: 2, unixMs: 0 });
    expect(books.spent().billedAtEndUsd).toBeCloseTo(70 + 4 + 4 + 2 + leaving, 9);
    // A quick step does not make the slow one forgotten.
    tell(stepEvent(1, { seconds: 1 }));
    expect(books.spent().billedAtEndUsd).toBeGreaterThan(79 + leaving);
    for (let step = 2; step < 1000; step++) tell(stepEvent(step, { seconds: 1 }));
    expect(books.spent().billedAtEndUsd).toBeCloseTo(70 + 1 + 1 + 2 + leaving, 9);
  });

  test('say by which rule the rentals of this sitting are billed', () => {
    const { drawnUp, tell, began } = openBooks();
    tell(began('w0'), { type: 'worker-began', workerId: 'w1', at: 0, priceUsdPerHour: 1, gpu: 'hetzner/cx/on-demand' });
    tell(generation(0, 1));
    expect(drawnUp.at(-1)?.entries.map(({ billing }) => billing?.granularitySeconds)).toEqual([1, 3600]);
  });

  test('say what a worker computes on once it is ready, and what card its label names', () => {
    const { drawnUp, tell } = openBooks();
    const ready = (workerId: string): RunEvent => ({ type: 'worker-ready', workerId, backend: 'wasm', device: 'SIMD' });
    tell(
      { type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 1, gpu: 'gcp/t4/spot' },
      { type: 'worker-began', workerId: 'w1', at: 0, priceUsdPerHour: 1 },
      ready('w0'),
      ready('nobody'),
      generation(0, 1),
    );
    expect(drawnUp.at(-1)?.entries.map(({ workerId, device, gpu }) => [workerId, device, gpu])).toEqual([
      ['w0', 'SIMD', 'gcp/t4/spot'],
      ['w1', undefined, undefined],
    ]);
  });

  test('pay no heed to what a worker says that nobody knows', () => {
    const { books, drawnUp, pass, tell, began, spent } = openBooks();
    tell(began('w0'));
    pass(2);
    tell(spent('w1', { compute: 2 }));
    expect(books.spent()).toMatchObject({ usd: 2, seconds: 2 });
    tell(generation(0, 1));
    expect(drawnUp.at(-1)?.entries.map(({ workerId }) => workerId)).toEqual(['w0']);
  });

  test('count the time of the run from its start, which was before the books were opened', () => {
    const clock = { now: () => 107, unixMs: () => 0 };
    expect(createBookkeeper({ clock, startedAt: 105, carried: undefined }).spent()).toMatchObject({
      usd: 0,
      seconds: 2,
    });
  });
});

test('a worker whose price is assumed once it is ready costs that price from its beginning, and says so', () => {
  const { drawnUp, pass, tell, accountOf } = openBooks();
  pass(3);
  tell({ type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 3600, priceAssumed: '1 vCPU at a/b/c' });
  tell(generation(0));
  expect(accountOf('w0')?.usd.startup).toBe(3);
  const [event] = drawnUp;
  if (event === undefined) throw new Error('no accounts');
  const [line] = ledgerLines(event, 0);
  if (line === undefined) throw new Error('no line');
  expect(line).toMatchObject({ price_usd_per_hour: 3600, price_assumed: true });
  expect(entryOf(line)).toMatchObject({ priceAssumed: true, account: { priceUsdPerHour: 3600 } });

  // Its next life is paid for.
  tell({ type: 'worker-began', workerId: 'w0', at: 3, priceUsdPerHour: 7200 }, generation(0));
  expect(ledgerLines(drawnUp.at(-1) as LedgerEvent, 0)[0]?.price_assumed).toBeUndefined();
});

describe('the books of a run whose fleet changes', () => {
  test('leave the time between two generations to the reports of those that are in both', () => {
    const { close, pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), began('w1'));
    pass(1);
    tell(generation(0, 1));
    pass(2);
    tell({ type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' });
    pass(5);
    tell(generation(0), spent('w0', { wait: 3, idle: 4 }, true));
    close();
    expect(accountOf('w0')?.seconds).toEqual(
      byCategory((category) => ({ startup: 1, wasted: 3, idle: 4 })[category as string] ?? 0),
    );
    expect(accountOf('w1')?.seconds).toEqual(
      byCategory((category) => ({ startup: 1, wasted: 2 })[category as string] ?? 0),
    );
  });

  test('call startup what a newcomer does before it is a member, and a worker that comes back', () => {
    const { close, pass, tell, began, accountOf } = openBooks();
    tell(began('w0'), began('w1'), generation(0, 1));
    pass(1);
    tell({ type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' });
    pass(10);
    tell(began('w1'), began('w2'));
    pass(2);
    tell({ type: 'tick' });
    expect(accountOf('w1')?.seconds).toMatchObject({ startup: 2, wasted: 1 });
    pass(1);
    tell(generation(0, 1, 2), { type: 'ended', status: 'completed', code: undefined });
    close();
    expect(accountOf('w1')?.seconds).toMatchObject({ startup: 3, wasted: 1, idle: 0 });
    expect(accountOf('w2')?.seconds).toMatchObject({ startup: 3, wasted: 0, idle: 0 });
    expect(accountOf('w1')?.rentals).toBe(2);
  });

  test('call idle what a worker waited that left as it wanted to, and end its life', () => {
    const { books, close, pass, tell, began, accountOf, spent } = openBooks();
    tell(began('w0'), began('w1'), generation(0, 1));
    pass(3);
    tell(spent('w1', { compute: 2 }));
    pass(1);
    tell({ type: 'worker-drained', workerId: 'w1', reason: 'a spot notice' });
    pass(100);
    tell({ type: 'tick' });
    expect(accountOf('w1')?.seconds).toMatchObject({ compute: 2, idle: 1, other: 1, wasted: 0 });
    expect(books.spent().usd).toBeCloseTo(4 + 104, 9);
    tell({ type: 'worker-ended', workerId: 'w1' });
    close();
    expect(accountOf('w1')?.seconds).toMatchObject({ compute: 2, idle: 1, wasted: 0, startup: 0 });
  });

  test('have the rank of each worker in the last generation that it was in', () => {
    const { drawnUp, tell, began, close } = openBooks();
    tell(began('w0'), began('w1'), began('w2'), generation(0, 1, 2));
    const members = [
      { ...member(1, 3600), rank: 0 },
      { ...member(2, 3600), rank: 1 },
    ];
    tell({ type: 'generation', number: 2, parameterCount: 1, reason: 'ready', members });
    expect(drawnUp.map(({ cause }) => cause)).toEqual(['begin', 'begin']);
    close();
    expect(drawnUp.at(-1)?.entries.map(({ workerId, rank }) => [workerId, rank])).toEqual([
      ['w0', 0],
      ['w1', 0],
      ['w2', 1],
    ]);
  });

  test('count no sample of steps that nobody has any more, but all that they cost', () => {
    const { books, drawnUp, pass, tell, began, spent, close } = openBooks();
    const train = (step: number, samples: number) => {
      pass(1);
      tell(stepEvent(step, { members: [{ workerId: 'w0', samples, phases: noPhaseSeconds }] }));
      tell(spent('w0', { compute: 1 }));
    };
    const samplesAtEnd = () => drawnUp.at(-1)?.entries.map(({ samples }) => samples);
    tell(began('w0'), generation(0));
    train(0, 8);
    tell({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 });
    train(1, 8);
    train(2, 8);
    tell({ type: 'rolled-back', step: 1, lostSteps: 2 });
    train(1, 5);
    tell({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 });
    expect(drawnUp.at(-1)).toMatchObject({ step: 2 });
    expect(samplesAtEnd()).toEqual([13]);
    train(2, 8);
    tell({ type: 'rolled-back', step: 2, lostSteps: 1 });
    close();
    expect(drawnUp.at(-1)).toMatchObject({ step: 2 });
    expect(samplesAtEnd()).toEqual([13]);
    expect(books.spent().usd).toBeCloseTo(5, 9);
  });

  test('count no sample of a worker that came after the last checkpoint, and went with its steps', () => {
    const { drawnUp, tell, began, close } = openBooks();
    tell(
      began('w0'),
      generation(0),
      { type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 },
      began('w1'),
      generation(0, 1),
    );
    tell(stepEvent(1), { type: 'rolled-back', step: 1, lostSteps: 1 });
    close();
    expect(drawnUp.at(-1)?.entries.map(({ samples }) => samples)).toEqual([0, 0]);
  });
});
