import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createCostMetrics } from '../../../../src/coordinator/metrics/collectors/cost-metrics.ts';
import type { LedgerEvent } from '../../../../src/coordinator/run-events.ts';
import { type Account, billedUsd, book, byCategory, newAccount } from '../../../../src/economics/ledger/ledger.ts';
import { member, observedRun } from '../../../support/observed-run.ts';
import { hourlyPrice, uniform } from '../../../support/realistic-numbers.ts';
import { parseSamples } from '../../../support/scrape.ts';

/** The accounts of one worker that has spent `usd` on a category, and on nothing else. */
function ledgerEvent(workerId: string, category: string, usd: number): LedgerEvent {
  const account = {
    ...newAccount,
    priceUsdPerHour: 1,
    usd: byCategory((other) => (other === category ? usd : 0)),
  };
  const entry = { workerId, rank: 0, samples: 0, account, priceSinceUnixMs: 0 };
  return { type: 'ledger', at: 0, cause: 'interim', step: 0, runSeconds: 0, costUsd: usd, entries: [entry] };
}

test('whatever is booked, cost_usd_total never falls, and is the most that was reached', async () => {
  const booking = fc.record({
    worker: fc.constantFrom('w0', 'w1'),
    category: fc.constantFrom('compute', 'other'),
    begins: fc.boolean(),
    usd: fc.oneof(uniform(-1, 100), fc.constant(Number.NaN), fc.constant(Infinity)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(booking, { maxLength: 20 }), async (bookings) => {
      const registry = new Registry();
      const observe = createCostMetrics(registry, observedRun);
      let before: ReadonlyMap<string, number> = new Map();
      for (const { worker, category, usd, begins } of bookings) {
        if (begins) observe({ type: 'worker-began', workerId: worker, at: 0, priceUsdPerHour: 1 });
        observe(ledgerEvent(worker, category, usd));
        const now = parseSamples(await registry.metrics());
        for (const [series, value] of before) expect(now.get(series), series).toBeGreaterThanOrEqual(value);
        before = now;
      }
      for (const worker of ['w0', 'w1']) {
        for (const category of ['compute', 'other']) {
          const finite = bookings.filter(
            (b) => b.worker === worker && b.category === category && Number.isFinite(b.usd),
          );
          const most = Math.max(0, ...finite.map(({ usd }) => usd));
          const series = `pennygrad_cost_usd_total{worker="${worker}",category="${category}"}`;
          expect(before.get(series) ?? 0).toBeCloseTo(most, 9);
        }
      }
    }),
  );
});

test('says which prices nobody gave', async () => {
  const registry = new Registry();
  const observe = createCostMetrics(registry, observedRun);
  const members = [
    { ...member(0, 0.1), priceAssumed: '2 vCPUs at a/b/c' },
    member(1, 0.5),
    { ...member(2, 0), priceUsdPerHour: undefined },
  ];
  observe({ type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 0.1, priceAssumed: '2 vCPUs at a/b/c' });
  observe({ type: 'generation', number: 1, parameterCount: 1, reason: 'ready', members });
  const samples = parseSamples(await registry.metrics());
  const assumed = ['w0', 'w1', 'w2'].map((worker) => samples.get(`pennygrad_worker_price_assumed{worker="${worker}"}`));
  expect(assumed).toEqual([1, 0, undefined]);
  // Its costs are counted from 0, so that `increase()` sees the first of them.
  expect(samples.get('pennygrad_cost_usd_total{worker="w0",category="startup"}')).toBe(0);
});

describe('billed_usd_total', () => {
  const rules = {
    aws: { granularitySeconds: 1, minimumSeconds: 60 },
    hourly: { granularitySeconds: 3600, minimumSeconds: 0 },
  };
  const eventOf = (account: Account): LedgerEvent => {
    const entry = { workerId: 'w0', rank: 0, samples: 0, account, priceSinceUnixMs: 0 };
    return { type: 'ledger', at: 0, cause: 'interim', step: 0, runSeconds: 0, costUsd: 0, entries: [entry] };
  };
  const series = 'pennygrad_billed_usd_total{worker="w0"}';
  const life = fc.record({
    price: hourlyPrice,
    billing: fc.constantFrom(...Object.values(rules)),
    parts: fc.array(uniform(0.01, 5000), { minLength: 1, maxLength: 4 }),
  });

  test('never falls, whatever lives a worker has, and is the sum of what each is billed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { maxLength: 5 }), async (lives) => {
        const registry = new Registry();
        const observe = createCostMetrics(registry, observedRun);
        let [account, at, before, owed] = [newAccount, 0, 0, 0];
        for (const { price: priceUsdPerHour, billing, parts } of lives) {
          observe({ type: 'worker-began', workerId: 'w0', at, priceUsdPerHour });
          account = book(account, { type: 'began', at, priceUsdPerHour, billing });
          let alive = 0;
          for (const seconds of parts) {
            [at, alive] = [at + seconds, alive + seconds];
            account = book(account, { type: 'passed', at, category: 'compute' });
            observe(eventOf(account));
            const now = parseSamples(await registry.metrics()).get(series) ?? Number.NaN;
            expect(now).toBeGreaterThanOrEqual(before);
            expect(now).toBeCloseTo(billedUsd(account), 6);
            before = now;
          }
          account = book(account, { type: 'ended', at, category: 'idle' });
          const units = Math.ceil(Math.max(alive, billing.minimumSeconds) / billing.granularitySeconds - 1e-9);
          owed += (units * billing.granularitySeconds * priceUsdPerHour) / 3600;
        }
        observe(eventOf(account));
        expect(parseSamples(await registry.metrics()).get(series) ?? 0).toBeCloseTo(owed, 6);
      }),
    );
  });

  test('begins at 0 with a worker that has a price, and at what was billed where a run goes on', async () => {
    const registry = new Registry();
    const account = { ...newAccount, usd: byCategory(() => 0.01), endedBilledUsd: 0.6 };
    const carried = [{ workerId: 'w0', rank: 0, samples: 1, account, priceSinceUnixMs: 0 }];
    const observe = createCostMetrics(registry, { ...observedRun, carried });
    observe({ type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 36 });
    observe({ type: 'worker-began', workerId: 'w1', at: 0, priceUsdPerHour: 36 });
    observe({ type: 'worker-began', workerId: 'w2', at: 0, priceUsdPerHour: undefined });
    const samples = parseSamples(await registry.metrics());
    const billed = ['w0', 'w1', 'w2'].map((worker) => samples.get(`pennygrad_billed_usd_total{worker="${worker}"}`));
    expect(billed).toEqual([0.6, 0, undefined]);
  });
});
