import { describe, expect, it } from 'vitest';
import { assumedCpuLabel, assumePrice } from '../../../../src/economics/prices/assumed-price.ts';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';
import { shippedPrices } from '../../../../src/economics/prices/price-table.ts';

const day = '2026-11-01';
const nothing = { threads: undefined, card: undefined, gpu: undefined };
const onThreads = (threads: number) => assumePrice(shippedPrices(), { ...nothing, threads }, day);
const onCard = (card: string, rows = shippedPrices()) => assumePrice(rows, { ...nothing, card }, day);
const table = (...lines: readonly string[]) =>
  parsePriceFile('prices.csv', ['gpu,gpu_mem_gb,provider,pricing,usd_per_hour,date,scope', ...lines].join('\n'));

describe('a worker on a CPU', () => {
  it('costs a vCPU for each of its threads, at the documented label', () => {
    expect(assumedCpuLabel).toBe('aws/c7a/on-demand');
    expect(onThreads(1)).toEqual({
      usdPerHour: 0.05132,
      origin: { source: expect.stringContaining('aws/karpenter-provider-aws'), date: '2026-02' },
      from: '1 vCPU at aws/c7a/on-demand',
    });
    expect(onThreads(8)).toMatchObject({ usdPerHour: 8 * 0.05132, from: '8 vCPUs at aws/c7a/on-demand' });
  });

  it("takes the user's own price of that label", () => {
    const own = parsePriceFile('own.csv', 'cpu,vcpu_count,provider,usd_per_hour,date\nc7a,4,AWS,0.1,2026-10\n');
    expect(assumePrice(own, { ...nothing, threads: 2 }, day)).toEqual({
      usdPerHour: 0.05,
      origin: { source: 'own.csv', date: '2026-10' },
      from: '2 vCPUs at aws/c7a/on-demand',
    });
  });

  it('has no price of a later day, nor of a GPU that is called so', () => {
    const later = parsePriceFile('own.csv', 'cpu,provider,usd_per_hour,date\nc7a,AWS,0.1,2027-01\n');
    expect(assumePrice(later, { ...nothing, threads: 2 }, day)).toBeUndefined();
    const gpu = parsePriceFile('own.csv', 'gpu,provider,usd_per_hour,date\nc7a,AWS,9,2026-01\n');
    expect(assumePrice(gpu, { ...nothing, threads: 2 }, day)).toBeUndefined();
  });

  it('has no price without that label', () => {
    expect(assumePrice(table('T4,16,acme,on-demand,1,2026-01,vm'), { ...nothing, threads: 2 }, day)).toBeUndefined();
  });

  it('costs what the card in its label costs, if it is labelled as one', () => {
    expect(assumePrice(shippedPrices(), { threads: 1, card: undefined, gpu: 't4' }, day)).toMatchObject({
      from: 'aws/t4/on-demand',
    });
    expect(assumePrice(shippedPrices(), { threads: 1, card: undefined, gpu: 'laptop' }, day)).toEqual(onThreads(1));
  });
});

describe('a worker on a GPU', () => {
  it.each([
    ['NVIDIA H200', 'aws/h200/on-demand'],
    ['Tesla T4', 'aws/t4/on-demand'],
    ['NVIDIA A10G', 'aws/a10g/on-demand'],
    ['NVIDIA L4', 'gcp/l4/on-demand'],
    ['webgpu, NVIDIA L4', 'gcp/l4/on-demand'],
  ])('that calls itself %s costs %s', (name, from) => {
    expect(onCard(name)?.from).toBe(from);
  });

  it.each(['NVIDIA GeForce RTX 4090', 'NVIDIA L40S', 'NVIDIA A1000', 'llvmpipe (LLVM 19.1.7, 256 bits)', ''])(
    'that the table does not have has no price: %j',
    (name) => {
      expect(onCard(name)).toBeUndefined();
    },
  );

  const a100s = table('A100,40,acme,on-demand,1,2026-01,vm', 'A100,80,acme,on-demand,2,2026-01,vm');
  it.each([
    ['NVIDIA A100-SXM4-40GB', 1],
    ['NVIDIA A100-SXM4-80GB', 2],
    ['NVIDIA A100 80GB PCIe', 2],
    ['NVIDIA A100 80 GB', 2],
  ])('%s is told by its memory', (name, usdPerHour) => {
    expect(onCard(name, a100s)).toMatchObject({
      usdPerHour,
      from: `acme/a100-${usdPerHour === 1 ? 40 : 80}gb/on-demand`,
    });
  });

  it('costs the least that is asked on demand for it with its machine', () => {
    const offers = table(
      'T4,16,dear,on-demand,3,2026-01,vm',
      'T4,16,fair,on-demand,2,2026-01,vm',
      'T4,16,old,on-demand,1,2027-01,vm',
      'T4,16,spot,spot,0.5,2026-01,vm',
      'T4,16,bare,on-demand,0.2,2026-01,gpu-only',
    );
    expect(onCard('Tesla T4', offers)).toEqual({
      usdPerHour: 2,
      origin: { source: 'prices.csv', date: '2026-01' },
      from: 'fair/t4/on-demand',
    });
    expect(onCard('Tesla T4', offers.slice(3))?.from).toBe('bare/t4/on-demand, card alone');
  });

  it('is never taken for a CPU of that name, nor priced by the CPU beside it', () => {
    expect(onCard('NVIDIA c7a')).toBeUndefined();
    expect(assumePrice(shippedPrices(), nothing, day)).toBeUndefined();
  });
});
