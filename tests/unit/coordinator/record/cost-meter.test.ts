import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publishTo } from '../../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { advanceMeter, newCostMeter, readMeter } from '../../../../src/coordinator/record/cost-meter.ts';
import { deriveEvents } from '../../../../src/coordinator/record/derived-events.ts';
import type { LedgerEvent, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { bookedUsd } from '../../../../src/economics/ledger/ledger.ts';
import { nothingSpent } from '../../../../src/shared/core/phases.ts';
import { member } from '../../../support/observed-run.ts';
import { orZero, uniform } from '../../../support/realistic-numbers.ts';

/** A meter beside the books of a run, as a coordinator has them; at $3600 an hour a second costs a dollar. */
function openMeter() {
  let now = 0;
  let meter = newCostMeter;
  let last: LedgerEvent | undefined;
  const see = (event: RunEvent) => {
    meter = advanceMeter(meter, event, now);
    if (event.type === 'ledger') last = event;
  };
  const books = createBookkeeper({
    clock: { now: () => now, unixMs: () => now * 1000 },
    startedAt: 0,
    carried: undefined,
  });
  const publish = publishTo([see], deriveEvents(books, { now: () => now }));
  const tell = (...events: readonly RunEvent[]) => events.forEach(publish);
  return {
    close() {
      const accounts = books.close();
      if (accounts !== undefined) see(accounts);
    },
    tell,
    pass(seconds: number) {
      now += seconds;
    },
    begin(...prices: readonly (number | undefined)[]) {
      const began = prices.map(
        (priceUsdPerHour, rank): RunEvent => ({
          type: 'worker-began',
          workerId: `w${rank}`,
          at: now,
          priceUsdPerHour,
        }),
      );
      const members = prices.map((price, rank) => member(rank, price));
      tell(...began, { type: 'generation', number: 1, parameterCount: 1, reason: 'ready', members });
    },
    /** @param late seconds that the worker's words took to arrive */
    spent(rank: number, compute: number, late = 0) {
      const seconds = { ...nothingSpent, compute: compute - late };
      const heard = { workerId: `w${rank}`, at: now, seconds, bytes: { sent: 0, received: 0 } };
      tell({ type: 'spent', redone: false, members: [heard] });
    },
    read: () => readMeter(meter, now),
    booked: () => last?.entries.map(({ account }) => bookedUsd(account)) ?? [],
  };
}

describe('the cost meter', () => {
  test('is what is booked, and the price of the time since, by worker and for all', () => {
    const run = openMeter();
    run.begin(3600, 7200);
    run.pass(0.5);
    expect(run.read().usd).toBeCloseTo(1.5, 9);
    expect(run.read().usdByWorker.get('w1')).toBeCloseTo(1, 9);
    expect(run.read().usdPerHour).toBe(10_800);
  });

  test.each<RunEvent>([
    { type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' },
    { type: 'worker-drained', workerId: 'w1', reason: 'it got SIGTERM' },
  ])('stops for a worker that is gone, before its account is drawn up: $type', (gone) => {
    const run = openMeter();
    run.begin(3600, 3600);
    run.pass(2);
    run.tell(gone);
    run.pass(3);
    expect(run.read().usd).toBeCloseTo(7, 9);
    expect(run.read().usdPerHour).toBe(3600);
    run.tell({ type: 'worker-ended', workerId: 'w0' });
    run.pass(10);
    expect(run.read()).toMatchObject({ usd: expect.closeTo(7, 9), usdPerHour: undefined });
    run.close();
    expect(run.read().usd).toBeCloseTo(7, 9);
  });

  test('says nothing of workers without a price', () => {
    const run = openMeter();
    run.begin(undefined);
    run.pass(5);
    expect(run.read()).toMatchObject({ usd: 0, usdByWorker: new Map(), usdPerHour: undefined });
  });

  test('never falls, whatever is reported and when, and ends with what the ledger has', () => {
    const rank = fc.constantFrom(0, 1);
    const passed = fc.record({
      type: fc.constant('pass' as const),
      seconds: orZero(uniform(0, 2)),
    });
    const spent = fc.record({
      type: fc.constant('spent' as const),
      rank,
      compute: orZero(uniform(0, 3)),
      late: uniform(0, 0.5),
    });
    const checkpoint = fc.record({ type: fc.constant('epoch' as const) });
    const gone = fc.record({ type: fc.constantFrom('worker-lost' as const, 'worker-ended' as const), rank });
    fc.assert(
      fc.property(fc.array(fc.oneof(passed, passed, spent, spent, checkpoint, gone), { maxLength: 40 }), (acts) => {
        const run = openMeter();
        run.begin(3600, 1800);
        let before = run.read();
        const look = () => {
          const now = run.read();
          // Sums of the same amounts in another order may differ in the last digit.
          expect(now.usd).toBeGreaterThanOrEqual(before.usd - 1e-9);
          for (const [worker, usd] of before.usdByWorker) {
            expect(now.usdByWorker.get(worker)).toBeGreaterThanOrEqual(usd - 1e-9);
          }
          before = now;
        };
        for (const act of acts) {
          switch (act.type) {
            case 'pass':
              run.pass(act.seconds);
              break;
            case 'spent':
              run.spent(act.rank, act.compute, Math.min(act.late, act.compute));
              break;
            case 'epoch':
              run.tell({
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
              break;
            default:
              run.tell(goneEvent(act.type, `w${act.rank}`));
          }
          look();
        }
        run.tell({ type: 'ended', status: 'completed', code: undefined });
        run.close();
        look();
        expect(before.usd).toBeCloseTo(
          run.booked().reduce((sum, usd) => sum + usd, 0),
          9,
        );
      }),
    );
  });
});

function goneEvent(type: 'worker-lost' | 'worker-ended', workerId: string): RunEvent {
  return type === 'worker-ended' ? { type, workerId } : { type, workerId, reason: 'gone', cause: 'killed' };
}
