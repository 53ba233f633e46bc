import { describe, expect, test } from 'vitest';
import { type CarriedAccounts, createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import type { LedgerEvent, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { bookedUsd, byCategory, newAccount, nothingByCategory } from '../../../../src/economics/ledger/ledger.ts';
import { nothingSpent, type SpentSeconds } from '../../../../src/shared/core/phases.ts';
import { member } from '../../../support/observed-run.ts';

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

const generation = (...ranks: readonly number[]): RunEvent => ({
  type: 'generation',
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
    tell({
      type: 'epoch',
      epoch: 0,
      loss: 1,
      accuracy: 1,
      testLoss: 1,
      testAccuracy: 1,
      samples: 1,
      seconds: 1,
      evaluateSeconds: 1,
    });
    close();
    expect(books.close()).toBeUndefined();
    expect(drawnUp.map(({ cause }) => cause)).toEqual(['begin', 'interim', 'epoch', 'end']);
    expect(drawnUp.at(-1)?.entries[0]?.account.seconds).toMatchObject({ startup: 2, compute: expect.closeTo(1.5, 9) });
    expect(drawnUp.at(-1)?.costUsd).toBeCloseTo(4, 9);
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
    tell({ type: 'worker-lost', workerId: 'w1', reason: 'killed' });
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
    expect(books.spent()).toEqual({ usd: 40, seconds: 30 });
    tell(began('w0'));
    pass(2);
    expect(books.spent()).toEqual({ usd: 42, seconds: 32 });
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
});
