import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createCostMetrics } from '../../../../src/coordinator/metrics/collectors/cost-metrics.ts';
import type { LedgerEvent } from '../../../../src/coordinator/run-events.ts';
import { byCategory, newAccount } from '../../../../src/economics/ledger/ledger.ts';
import { member, observedRun } from '../../../support/observed-run.ts';
import { uniform } from '../../../support/realistic-numbers.ts';
import { parseSamples } from '../../../support/scrape.ts';

/** The accounts of one worker that has spent `usd` on a category, and on nothing else. */
function ledgerEvent(workerId: string, category: string, usd: number): LedgerEvent {
  const account = {
    ...newAccount,
    priceUsdPerHour: 1,
    usd: byCategory((other) => (other === category ? usd : 0)),
  };
  const entry = { workerId, rank: 0, samples: 0, account, priceSinceUnixMs: 0 };
  return { type: 'ledger', cause: 'interim', step: 0, runSeconds: 0, costUsd: usd, entries: [entry] };
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
  observe({ type: 'generation', parameterCount: 1, reason: 'ready', members });
  const samples = parseSamples(await registry.metrics());
  const assumed = ['w0', 'w1', 'w2'].map((worker) => samples.get(`pennygrad_worker_price_assumed{worker="${worker}"}`));
  expect(assumed).toEqual([1, 0, undefined]);
  // Its costs are counted from 0, so that `increase()` sees the first of them.
  expect(samples.get('pennygrad_cost_usd_total{worker="w0",category="startup"}')).toBe(0);
});
