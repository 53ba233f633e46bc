/** The price of a worker that nobody gave one: a documented default for what it computes on. Pure. */
import type { PriceOrigin } from '../ledger/cost.ts';
import { gpuNames, priceLabel } from './price-label.ts';
import { type DatedPrice, labelsIn, latestPrices } from './price-lookup.ts';
import type { PriceRow } from './price-row.ts';
import { cardAlone } from './price-series.ts';

/** The label whose price a vCPU is assumed to have. A vCPU of these machines is a whole core, as a thread of a worker needs. */
export const assumedCpuLabel = 'aws/c7a/on-demand';

/** What a worker computes on. */
export interface ComputesOn {
  /** Threads of the CPU; undefined where a GPU computes. */
  readonly threads: number | undefined;
  /** The name of the GPU as its driver spells it: `NVIDIA A100-SXM4-80GB`. */
  readonly card: string | undefined;
  /** The label that the user gave the worker, which names its card: `t4`. */
  readonly gpu: string | undefined;
}

export interface AssumedPrice {
  readonly usdPerHour: number;
  readonly origin: PriceOrigin;
  /** `2 vCPUs at aws/c7a/on-demand` */
  readonly from: string;
}

export type AssumePrice = (on: ComputesOn) => AssumedPrice | undefined;

/**
 * A GPU costs the lowest on-demand price that the table has for it, with its machine if there is such a price. Otherwise
 * every thread of the CPU costs a vCPU of `assumedCpuLabel`.
 * @param day ISO 8601; later prices are ignored
 * @returns undefined for a GPU that the table does not have
 */
export function assumePrice(
  rows: readonly PriceRow[],
  { threads, card, gpu }: ComputesOn,
  day: string,
): AssumedPrice | undefined {
  const row = cheapestCard(rows, gpu, day) ?? (threads === undefined ? cheapestCard(rows, card, day) : undefined);
  if (row !== undefined) {
    const scope = row.scope === 'vm' ? '' : `, ${cardAlone}`;
    return assumed(row, row.usdPerHour, `${labelsIn(rows)(row)}${scope}`);
  }
  const vcpu = latestPrices(rows, day).find((one) => one.unit === 'vcpu' && priceLabel(one) === assumedCpuLabel);
  if (threads === undefined || vcpu === undefined) return undefined;
  const vcpus = `${threads} ${threads === 1 ? 'vCPU' : 'vCPUs'}`;
  return assumed(vcpu, threads * vcpu.usdPerHour, `${vcpus} at ${assumedCpuLabel}`);
}

function assumed({ source, dateText }: DatedPrice, usdPerHour: number, from: string): AssumedPrice {
  return { usdPerHour, origin: { source, date: dateText }, from };
}

function cheapestCard(rows: readonly PriceRow[], name: string | undefined, day: string): DatedPrice | undefined {
  if (name === undefined) return undefined;
  const offers = latestPrices(rows, day).filter(({ unit, market }) => unit === 'gpu' && market === 'on-demand');
  const named = offers.filter(isCalled(name));
  const machines = named.filter(({ scope }) => scope === 'vm');
  return (machines.length > 0 ? machines : named).toSorted((a, b) => a.usdPerHour - b.usdPerHour)[0];
}

/**
 * Whether a driver's name is that of the card: it has the card's name as a word, and no other size of memory.
 * `Tesla V100-SXM2-16GB` is a V100, `NVIDIA A100-SXM4-80GB` the A100 of 80 GB.
 */
function isCalled(name: string): (row: PriceRow) => boolean {
  const words = name
    .toLowerCase()
    .replaceAll(/(\d) gb\b/g, '$1gb')
    .split(/[^a-z0-9]+/);
  const memory = words.find((word) => /^\d+gb$/.test(word));
  return (row) => {
    const [card = ''] = gpuNames(row);
    return (
      words.includes(card) &&
      (memory === undefined || row.gpuMemoryGb === undefined || memory === `${row.gpuMemoryGb}gb`)
    );
  };
}
