import { expect, test } from 'vitest';
import { seriesIn } from '../../../../src/economics/prices/price-series.ts';
import { shippedPrices } from '../../../../src/economics/prices/price-table.ts';
import { priceRows } from '../../../support/price-rows.ts';

test('a series is of one product: by label, by what its instance has of its own, and by what is priced', () => {
  const rows = priceRows(
    'RunPod/H100/on-demand 2026-08 3.29 80 1x_H100_SXM_secure',
    'RunPod/H100/on-demand 2026-09 2.69 80 1x_H100_SXM_community',
    'Azure/A100/on-demand 2022-08 3.67 80 NC24ads_A100_v4',
    'Azure/A100/on-demand 2026-11 3.673 80 Standard_NC24ads_A100_v4',
    'GCP/K80/on-demand 2017-08 0.9 12 n1',
    'GCP/K80/on-demand 2023-06 0.45 12 GPU_SKU gpu-only',
    'own/T4/spot 2023-06 1',
    'own/T4/spot 2024-06 1 16',
  );
  expect(rows.map(seriesIn(rows))).toEqual([
    'runpod/h100/on-demand, secure',
    'runpod/h100/on-demand, community',
    'azure/a100/on-demand',
    'azure/a100/on-demand',
    'gcp/k80/on-demand',
    'gcp/k80/on-demand, card alone',
    'own/t4/spot',
    'own/t4-16gb/spot',
  ]);
});

test('in the shipped table no series mixes machines with cards alone, or secure clouds with others', () => {
  const rows = shippedPrices();
  const seriesOf = seriesIn(rows);
  const kinds = new Map<string, Set<string>>();
  for (const row of rows) {
    const kind = `${row.scope} ${/PCIe|SXM/.exec(row.instance ?? '')?.[0]} ${/secure|community/.exec(row.instance ?? '')?.[0]}`;
    kinds.set(seriesOf(row), (kinds.get(seriesOf(row)) ?? new Set()).add(kind));
  }
  for (const [series, found] of kinds) expect([...found], series).toHaveLength(1);
});
