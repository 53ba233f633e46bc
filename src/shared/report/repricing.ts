/** A measured run at other prices: its seconds stay, its costs change. Pure. */
import { accruedCostUsd } from '../core/cost.ts';
import { badInput } from '../core/errors.ts';
import type { DatedPrice } from '../prices/price-lookup.ts';
import { describeMixture } from './one-fleet.ts';
import type { Summary } from './summary.ts';

export interface RepricedWorker {
  readonly workerId: string;
  readonly aliveSeconds: number;
  /** What it ran at; undefined when it had no price. */
  readonly measuredUsdPerHour: number | undefined;
  readonly measuredCostUsd: number;
  readonly usdPerHour: number;
  readonly costUsd: number;
}

export interface Repricing {
  readonly basis: 'repriced';
  readonly runId: string;
  readonly workers: readonly RepricedWorker[];
  /** Of workers that left before training, which keep their price: part of both sums. */
  readonly formerCostUsd: number;
  readonly measuredCostUsd: number;
  readonly costUsd: number;
  readonly secondsPerEpoch: number;
  /** Of training alone, as the summary has it. */
  readonly measuredCostPerEpochUsd: number;
  readonly costPerEpochUsd: number;
}

/**
 * @param prices USD per hour by worker; the others keep theirs
 * @throws bad-input when a worker is not in the run, one has no price at all, or the run was not one fleet at one price
 */
export function repriceRun(summary: Summary, prices: ReadonlyMap<string, number>): Repricing {
  requireOneFleet(summary);
  const ids = summary.workers.map(({ worker_id }) => worker_id);
  const unknown = [...prices.keys()].find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw badInput(`no worker '${unknown}' in run ${summary.run_id}; it had ${ids.join(', ')}`);
  const workers = summary.workers.map((worker): RepricedWorker => {
    const { worker_id: workerId, alive_seconds: aliveSeconds, price_usd_per_hour: measuredUsdPerHour } = worker;
    const usdPerHour = prices.get(workerId) ?? measuredUsdPerHour;
    if (usdPerHour === undefined)
      throw badInput(`worker ${workerId} has no price: give it one, --set ${workerId}=0.18`);
    const kept = usdPerHour === measuredUsdPerHour;
    const costUsd = kept ? worker.cost_usd : accruedCostUsd(usdPerHour, aliveSeconds);
    return { workerId, aliveSeconds, measuredUsdPerHour, measuredCostUsd: worker.cost_usd, usdPerHour, costUsd };
  });
  const sum = (of: (worker: RepricedWorker) => number) => workers.reduce((total, worker) => total + of(worker), 0);
  const secondsPerEpoch = epochSeconds(summary);
  const formerCostUsd = summary.former_workers_cost_usd;
  return {
    ...{ basis: 'repriced', runId: summary.run_id, workers, formerCostUsd, secondsPerEpoch },
    measuredCostUsd: sum(({ measuredCostUsd }) => measuredCostUsd) + formerCostUsd,
    costUsd: sum(({ costUsd }) => costUsd) + formerCostUsd,
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

/** The seconds of a run that changed are those of no fleet that new prices could be for. */
function requireOneFleet(summary: Summary): void {
  const mixture = describeMixture(summary);
  if (mixture === undefined) return;
  throw badInput(
    `run ${summary.run_id} was not one fleet at one price: ${mixture}; reprice a run that was trained in one go`,
  );
}

/** What an epoch of a run cost at one dated price for each of its workers. */
export interface DatedCost {
  readonly label: string;
  /** As the table spells it: `H100`. */
  readonly gpu: string;
  readonly date: string;
  readonly usdPerHour: number;
  readonly costPerEpochUsd: number;
  /** Against the first of the same label: −0.4 when it fell by 40 %. */
  readonly change: number;
  readonly source: string;
}

/**
 * The same seconds at each dated price, every worker at that price; by label, then by date.
 * @throws bad-input when the run was not one fleet at one price
 */
export function costOverTime(
  summary: Summary,
  rows: readonly DatedPrice[],
  labelOf: (row: DatedPrice) => string,
): readonly DatedCost[] {
  requireOneFleet(summary);
  const seconds = epochSeconds(summary);
  const labelled = rows
    .map((row) => ({ row, label: labelOf(row) }))
    .sort((a, b) => a.label.localeCompare(b.label) || a.row.date.localeCompare(b.row.date));
  return labelled.map(({ row: { gpu, date, usdPerHour, source }, label }) => {
    const first = labelled.find((other) => other.label === label)?.row.usdPerHour ?? usdPerHour;
    const costPerEpochUsd = accruedCostUsd(usdPerHour * summary.world_size, seconds);
    return { label, gpu, date, usdPerHour, costPerEpochUsd, change: usdPerHour / first - 1, source };
  });
}

/** Whose seconds are repriced, which every such figure must say. */
export function describeSeconds({ workers }: Summary): string {
  const devices = [...new Set(workers.map(({ device }) => device))].join(', ');
  return (
    `The seconds are those that this run took on ${devices}; only the price is the GPU's. ` +
    'What the GPU itself would take was not measured.'
  );
}

/**
 * Seconds that an epoch's samples take at the run's mean rate: of a run cut short too.
 * @throws bad-input when it trained no step
 */
export function epochSeconds({ run_id, dataset, samples_per_second }: Summary): number {
  if (samples_per_second === 0) throw badInput(`run ${run_id} trained no step: there is nothing to reprice`);
  return dataset.train / samples_per_second;
}
