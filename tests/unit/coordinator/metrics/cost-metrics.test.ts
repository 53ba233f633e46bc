import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createCostMetrics } from '../../../../src/coordinator/metrics/collectors/cost-metrics.ts';
import { parseSamples } from '../../../support/scrape.ts';

test('whatever is booked, cost_usd_total never falls, and is the most that was reached', async () => {
  const booking = fc.record({
    worker: fc.constantFrom('w0', 'w1'),
    category: fc.constantFrom('compute', 'other'),
    begins: fc.boolean(),
    usd: fc.oneof(fc.double({ min: -1, max: 100, noNaN: true }), fc.constant(Number.NaN), fc.constant(Infinity)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(booking, { maxLength: 20 }), async (bookings) => {
      const registry = new Registry();
      const metrics = createCostMetrics(registry);
      let before: ReadonlyMap<string, number> = new Map();
      for (const { worker, category, usd, begins } of bookings) {
        if (begins) metrics.costBegins(worker);
        metrics.costReached(worker, category, usd);
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
