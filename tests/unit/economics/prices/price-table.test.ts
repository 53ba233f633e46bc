import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isDated } from '../../../../src/economics/prices/price-lookup.ts';
import { loadPrices, mergePrices, shippedPrices } from '../../../../src/economics/prices/price-table.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

describe('the shipped price table', () => {
  const rows = shippedPrices();

  it.each([
    ['gpu-prices.csv', 'gpu'],
    ['cpu-prices.csv', 'vcpu'],
  ])('has a row for every line of %s, priced by %s', (file, unit) => {
    const text = readFileSync(new URL(`../../../../data/${file}`, import.meta.url), 'utf8');
    expect(rows.filter((row) => row.unit === unit)).toHaveLength(text.trim().split('\n').length - 1);
  });

  it('says what one vCPU costs, for machines of every large provider', () => {
    const vcpus = rows.filter(({ unit }) => unit === 'vcpu');
    expect(new Set(vcpus.map(({ provider }) => provider))).toEqual(new Set(['AWS', 'GCP', 'Azure', 'Hetzner']));
    expect(vcpus.every(isDated)).toBe(true);
    expect(vcpus.find(({ gpu }) => gpu === 'c7a')).toMatchObject({
      provider: 'AWS',
      market: 'on-demand',
      usdPerHour: 0.05132,
      instanceUsdPerHour: 0.10264,
      gpuCount: 2,
      date: '2026-02-01',
    });
    // A typing error of a digit would make a vCPU cost a tenth of, or ten times, what any provider asks.
    for (const { usdPerHour } of vcpus) expect(usdPerHour).toSatisfy((usd: number) => usd > 0.002 && usd < 0.08);
  });

  it('says what one GPU costs, and what the instance does', () => {
    expect(rows.find(({ instance, market }) => instance === 'p4d.24xlarge' && market === 'on-demand')).toEqual({
      unit: 'gpu',
      gpu: 'A100',
      gpuMemoryGb: 40,
      provider: 'AWS',
      market: 'on-demand',
      usdPerHour: 4.0963,
      instanceUsdPerHour: 32.77,
      gpuCount: 8,
      instance: 'p4d.24xlarge',
      region: 'us',
      scope: 'vm',
      grade: 'B',
      date: '2022-08-01',
      dateText: '2022-08',
      note: undefined,
      source: 'github.com/the-full-stack/website git:64463be:docs/cloud-gpus/cloud-gpus.csv',
    });
  });

  it('has a source for every price that a reader can find: an address, or a published list and its version', () => {
    for (const { source } of rows) expect(source).toMatch(/[a-z]\.[a-z]{2,}\/|AWS Price List, .* version \d{14}/);
  });

  it('keeps a comma in a quoted cell', () => {
    expect(rows.map(({ note }) => note)).toContain('observed spot, single AZ');
  });
});

it("a user's prices replace what is shipped for the same GPU, provider and market, whatever the date", () => {
  const shipped = shippedPrices();
  const [spot] = shipped.filter(({ gpu, market }) => gpu === 'T4' && market === 'spot');
  if (spot === undefined) throw new Error('no T4 spot price is shipped');
  const own = [{ ...spot, provider: 'gcp', date: '2017-01-01', usdPerHour: 0.09 }];
  const merged = mergePrices(shipped, own);
  expect(merged.filter(({ gpu, market }) => gpu === 'T4' && market === 'spot')).toEqual(own);
  expect(merged).toHaveLength(shipped.length);
});

describe('loadPrices', () => {
  const fileWith = (text: string) => {
    const file = join(temporaryFolder(), 'prices.csv');
    writeFileSync(file, text);
    return file;
  };

  it('without a file is what is shipped', () => {
    expect(loadPrices(undefined)).toEqual(shippedPrices());
  });

  it("lays a user's file over it", () => {
    const rows = loadPrices(fileWith('gpu,provider,usd_per_hour,date\nT4,acmé,0.2,2026-01\n'));
    expect(rows).toHaveLength(shippedPrices().length + 1);
    expect(rows.at(-1)).toMatchObject({ gpu: 'T4', provider: 'acmé', usdPerHour: 0.2, source: 'prices.csv' });
  });

  it('says which file cannot be read, and why', () => {
    const missing = join(temporaryFolder(), 'no-such-folder', 'prices.csv');
    expect(() => loadPrices(missing)).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: expect.stringContaining(`--prices ${missing}: not found`),
      }),
    );
  });
});
