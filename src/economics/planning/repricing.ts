/** A measured run at other prices: its times stay, its costs change. Pure. */

import { badInput } from '../../shared/core/errors.ts';
import { formatPercent, formatUsd } from '../../shared/core/number-format.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { describeMixture } from '../comparison/one-fleet.ts';
import { accruedCostUsd, billedCostUsd } from '../ledger/cost.ts';
import { billingOf } from '../prices/billing-rules.ts';
import { priceCaveats } from '../prices/price-caveats.ts';
import type { PriceRow } from '../prices/price-row.ts';
import type { Summary, WorkerSummary } from '../record/summary.ts';
import type { LabelledPrice } from './price-history.ts';

export interface RepricedWorker {
  readonly workerId: string;
  readonly aliveSeconds: number;
  /** The price in the run; undefined when the worker had none. */
  readonly measuredUsdPerHour: number | undefined;
  /** Set if nobody gave the price in the run. */
  readonly measuredPriceAssumed?: true | undefined;
  readonly measuredCostUsd: number;
  readonly measuredBilledUsd: number;
  readonly usdPerHour: number;
  readonly costUsd: number;
  /** What the provider would charge at the new price, for each rental of the worker. */
  readonly billedUsd: number;
}

/** A price to apply. */
export interface NewPrice {
  readonly usdPerHour: number;
  /** The label that the price was looked up by, which says who bills it; a worker without one keeps its own. */
  readonly label?: string | undefined;
}

/** Seconds of each rental of a worker; undefined where that is not known. */
export type RentalsOf = (worker: string) => readonly number[] | undefined;

export interface Repricing {
  readonly basis: 'repriced';
  readonly runId: string;
  readonly workers: readonly RepricedWorker[];
  /** Cost of workers that left before training. They keep their price, so this is part of both sums. */
  readonly formerCostUsd: number;
  readonly measuredCostUsd: number;
  readonly costUsd: number;
  /** Both with what former workers were billed. */
  readonly measuredBilledUsd: number;
  readonly billedUsd: number;
  readonly secondsPerEpoch: number;
  /** Training alone. */
  readonly measuredCostPerEpochUsd: number;
  readonly costPerEpochUsd: number;
}

/**
 * @param prices by worker; workers that are left out keep their price
 * @param rentalsOf the run's ledger; a worker whose rentals it does not tell had as many equal ones as its summary says
 * @throws bad-input when a worker is not in the run, one has no price at all, or the run's workers or prices changed
 */
export function repriceRun(
  summary: Summary,
  prices: ReadonlyMap<string, NewPrice>,
  rentalsOf: RentalsOf = () => undefined,
): Repricing {
  requireOneFleet(summary);
  const ids = summary.workers.map(({ worker_id }) => worker_id);
  const unknown = [...prices.keys()].find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw badInput(`no worker '${unknown}' in run ${summary.run_id}; it had ${ids.join(', ')}`);
  const workers = summary.workers.map((worker): RepricedWorker => {
    const { worker_id: workerId, alive_seconds: aliveSeconds, price_usd_per_hour: measuredUsdPerHour } = worker;
    const given = prices.get(workerId);
    const usdPerHour = given?.usdPerHour ?? measuredUsdPerHour;
    if (usdPerHour === undefined)
      throw badInput(`worker ${workerId} has no price: set one, for example --set ${workerId}=0.18`);
    const kept = usdPerHour === measuredUsdPerHour;
    const keepsBill = kept && (given?.label === undefined || given.label.toLowerCase() === worker.gpu);
    const costUsd = kept ? worker.cost_usd : accruedCostUsd(usdPerHour, aliveSeconds);
    return {
      workerId,
      aliveSeconds,
      measuredUsdPerHour,
      measuredPriceAssumed: worker.price_assumed === undefined ? undefined : true,
      measuredCostUsd: worker.cost_usd,
      measuredBilledUsd: worker.billed_usd,
      usdPerHour,
      costUsd,
      billedUsd: keepsBill ? worker.billed_usd : billedAt(worker, { ...given, usdPerHour }, rentalsOf),
    };
  });
  const sum = (of: (worker: RepricedWorker) => number) => sumOf(workers.map(of));
  const secondsPerEpoch = epochSeconds(summary);
  const formerCostUsd = summary.former_workers_cost_usd;
  const formerBilledUsd = summary.former_workers_billed_usd ?? formerCostUsd;
  return {
    basis: 'repriced',
    runId: summary.run_id,
    workers,
    formerCostUsd,
    secondsPerEpoch,
    measuredCostUsd: sum(({ measuredCostUsd }) => measuredCostUsd) + formerCostUsd,
    costUsd: sum(({ costUsd }) => costUsd) + formerCostUsd,
    measuredBilledUsd: sum(({ measuredBilledUsd }) => measuredBilledUsd) + formerBilledUsd,
    billedUsd: sum(({ billedUsd }) => billedUsd) + formerBilledUsd,
    measuredCostPerEpochUsd: accruedCostUsd(
      sum(({ measuredUsdPerHour = 0 }) => measuredUsdPerHour),
      secondsPerEpoch,
    ),
    costPerEpochUsd: accruedCostUsd(
      sum(({ usdPerHour }) => usdPerHour),
      secondsPerEpoch,
    ),
  };
}

/** Each rental is rounded by itself, by the rule of the label's provider. */
function billedAt(worker: WorkerSummary, { usdPerHour, label = worker.gpu }: NewPrice, rentalsOf: RentalsOf): number {
  const { worker_id, alive_seconds: alive, rentals = 1 } = worker;
  const rule = billingOf(label);
  const times =
    rentalsOf(worker_id) ?? Array.from({ length: Math.max(1, rentals) }, () => alive / Math.max(1, rentals));
  return sumOf(times.map((seconds) => billedCostUsd(seconds, usdPerHour, rule)));
}

/** The times of a run that changed belong to no single fleet that new prices could apply to. */
function requireOneFleet(summary: Summary): void {
  const mixture = describeMixture(summary);
  if (mixture === undefined) return;
  throw badInput(
    `the workers or prices of run ${summary.run_id} changed: ${mixture}; reprice a run that kept them throughout`,
  );
}

/** How often workers pay a price of the table: once each for a GPU, once for each thread for a vCPU. */
export function unitsOf({ unit }: Pick<PriceRow, 'unit'>, workers: readonly Pick<WorkerSummary, 'threads'>[]): number {
  return unit === 'gpu' ? workers.length : workers.reduce((sum, { threads = 1 }) => sum + threads, 0);
}

/** The cost of a run's epoch if each of its workers had one dated price. */
export interface DatedCost {
  readonly label: string;
  /** Prices in one series are of the same product and can be compared: `lambda/h100/on-demand, 8x SXM`. */
  readonly series: string;
  /** As the table spells it: `H100`. */
  readonly gpu: string;
  /** ISO 8601 */
  readonly date: string;
  /** The date as the table spells it. */
  readonly dateText: string;
  readonly usdPerHour: number;
  readonly costPerEpochUsd: number;
  /** Relative to the first price of the series: −0.4 after a fall of 40 %. */
  readonly change: number;
  readonly source: string;
  /** What makes the price look better or surer than it was on its day. */
  readonly caveats: readonly string[];
}

/**
 * The run's epoch at each dated price, ordered by series, then by date. Where a series has several prices on a day, the
 * lowest counts, as in charts of prices.
 * @throws bad-input when the run's workers or prices changed
 */
export function costOverTime(summary: Summary, prices: readonly LabelledPrice[]): readonly DatedCost[] {
  requireOneFleet(summary);
  const seconds = epochSeconds(summary);
  const cheapest = new Map<string, { readonly date: string; readonly price: LabelledPrice }>();
  for (const price of prices) {
    const { date, usdPerHour } = price.row;
    if (date === undefined) continue;
    const key = JSON.stringify([price.series, date]);
    const other = cheapest.get(key)?.price.row.usdPerHour;
    if (other === undefined || usdPerHour < other) cheapest.set(key, { date, price });
  }
  const sorted = [...cheapest.values()].sort(
    (a, b) => a.price.series.localeCompare(b.price.series) || a.date.localeCompare(b.date),
  );
  return sorted.map(({ date, price: { label, series, row } }) => {
    const { gpu, usdPerHour, dateText, source } = row;
    const first = sorted.find(({ price }) => price.series === series)?.price.row.usdPerHour ?? usdPerHour;
    const costPerEpochUsd = accruedCostUsd(usdPerHour * unitsOf(row, summary.workers), seconds);
    return {
      label,
      series,
      gpu,
      date,
      dateText,
      usdPerHour,
      costPerEpochUsd,
      change: usdPerHour / first - 1,
      source,
      caveats: priceCaveats(row, date).map(({ text }) => text),
    };
  });
}

/**
 * For each series with several dates: `the same epoch cost $0.0051 at prices of 2017-10 and $0.0044 at those of 2026-09,
 * -14 %: aws/v100/on-demand`.
 */
export function describeCostsOverTime(costs: readonly DatedCost[]): readonly string[] {
  return [...new Set(costs.map(({ series }) => series))].flatMap((series) => {
    const own = costs.filter((cost) => cost.series === series);
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined || first === last) return [];
    return [
      `the same epoch cost ${formatUsd(first.costPerEpochUsd)} at prices of ${first.dateText} and ` +
        `${formatUsd(last.costPerEpochUsd)} at those of ${last.dateText}, ${formatChange(last.change)}: ${series}`,
    ];
  });
}

/** `-14 %`, `+3 %`, `unchanged` */
export function formatChange(change: number): string {
  const text = formatPercent(change, 0);
  return Number.parseFloat(text) === 0 ? 'unchanged' : `${change > 0 ? '+' : ''}${text}`;
}

/** Whose times are repriced. Every page with repriced figures must say so. */
export function describeSeconds({ workers }: Summary): string {
  const devices = [...new Set(workers.map(({ device }) => device))].join(', ');
  return (
    `The times are those of this run on ${devices}; only the prices are of other machines. ` +
    'How long those would take was not measured.'
  );
}

/**
 * Seconds that a whole epoch takes at the run's mean rate, also for a run that was cut short.
 * @throws bad-input when the run trained no step
 */
export function epochSeconds({ run_id, dataset, samples_per_second }: Summary): number {
  if (samples_per_second === 0) throw badInput(`run ${run_id} trained no step: there is nothing to reprice`);
  return dataset.train / samples_per_second;
}
