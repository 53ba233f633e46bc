import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canCost, priceWorker } from '../../../src/cli/worker-price.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const own = join(temporaryFolder(), 'own.csv');
writeFileSync(own, 'gpu,provider,pricing,usd_per_hour,date\nT4,gcp,spot,0.09,2026-01\nT4,gcp,spot,0.08,2026-05\n');
const price = (gpu: string | undefined, given?: number, file?: string) =>
  priceWorker({ gpu, price: given }, file, '2026-03-31');

describe('priceWorker', () => {
  it('looks a label up in the shipped table', () => {
    expect(price('gcp/t4/spot')).toEqual({
      gpu: 'gcp/t4/spot',
      priceUsdPerHour: 0.11,
      priceOrigin: {
        source: 'github.com/skypilot-org/skypilot-catalog git:a5b8d9a:catalogs/v4/gcp/vms.csv',
        date: '~2022-10..2023-06',
      },
    });
  });

  it("prefers the user's table, as of the day", () => {
    expect(price('gcp/t4/spot', undefined, own)).toMatchObject({
      priceUsdPerHour: 0.09,
      priceOrigin: { source: 'own.csv', date: '2026-01' },
    });
    expect(price('aws/t4/on-demand', undefined, own).priceUsdPerHour).toBe(1.2);
  });

  it('takes a price that was given, whatever the label says', () => {
    expect(price('gcp/t4/spot', 0.5)).toEqual({ gpu: 'gcp/t4/spot', priceUsdPerHour: 0.5 });
    expect(price('no/such/label', 0)).toEqual({ gpu: 'no/such/label', priceUsdPerHour: 0 });
  });

  it('has no price of a name alone, nor without one', () => {
    expect(price('t4')).toEqual({ gpu: 't4' });
    expect(price(undefined)).toEqual({});
  });

  it('refuses a label without a price, and a table that cannot be read', () => {
    expect(() => price('gcp/t5/spot')).toThrow("no price is known for 'gcp/t5/spot'; similar labels:");
    expect(() => price('gcp/t4')).toThrow("'gcp/t4' must be provider/gpu/market");
    expect(() => price('gcp/t4/spot', undefined, 'none.csv')).toThrow('--prices none.csv: not found');
  });
});

it.each([
  [[undefined, 0.1], true],
  [[undefined, undefined], false],
  [[0, undefined], false],
  [[], false],
] as const)('workers at %j can cost something: %s', (prices, expected) => {
  expect(canCost(prices)).toBe(expected);
});

it('a label of a CPU has the price of each thread, and none is none', () => {
  expect(price('aws/c7a/on-demand')).toMatchObject({
    gpu: 'aws/c7a/on-demand',
    priceUsdPerHour: 0.05132,
    pricePer: 'vcpu',
  });
  expect(price('gcp/t4/spot')).not.toHaveProperty('pricePer');
  expect(priceWorker({ gpu: 'aws/c7a/on-demand', price: 'none' }, undefined, '2026-03-31')).toEqual({
    gpu: 'aws/c7a/on-demand',
    priceUsdPerHour: 'none',
  });
  expect(canCost(['none', undefined])).toBe(false);
});
