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

test('an instance is the same however it is spelt, and is called as it was first', () => {
  const rows = priceRows(
    'azure/A100/spot 2022-08 3.6 80 Standard_NC24ads_A100_v4',
    'azure/A100/spot 2023-08 3.5 80 nc24adsA100v4',
    'azure/A100/spot 2024-08 3.4 80 NC48ads_A100_v4',
    // Only at the beginning of a name does the word say nothing.
    'gcp/T4/spot 2024-01 0.2 16 n1_standard_4',
    'gcp/T4/spot 2024-02 0.3 16 n1_4',
  );
  expect(rows.map(seriesIn(rows))).toEqual([
    'azure/a100/spot, Standard NC24ads',
    'azure/a100/spot, Standard NC24ads',
    'azure/a100/spot, NC48ads',
    'gcp/t4/spot, standard',
    'gcp/t4/spot, n1 4',
  ]);
});

test('a price that names no instance is of any, and one whose words another has too is called in full', () => {
  const rows = priceRows(
    'own/H100/spot 2024-01 2',
    'own/H100/spot 2024-01 3 80 8x_H100',
    'own/H100/spot 2024-01 4 80 8x_H100_SXM',
  );
  expect(rows.map(seriesIn(rows))).toEqual(['own/h100/spot', 'own/h100-80gb/spot, 8x H100', 'own/h100-80gb/spot, SXM']);
  const machines = priceRows('own/T4/spot 2024-01 2 16', 'own/T4/spot 2024-01 3 16 n1');
  expect(machines.map(seriesIn(machines))).toEqual(['own/t4/spot, any machine', 'own/t4/spot, n1']);
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
