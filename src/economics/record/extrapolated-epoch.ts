/**
 * What a whole epoch would take, where a run trained only a part of one. Such a figure is no measurement: the end of an
 * epoch may be slower or faster than its beginning. Pure.
 */
import { formatCount, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import type { RunRecord } from './run-record.ts';
import type { Summary } from './summary.ts';

/** Whether some epoch was trained to its end, tested or not, so that what an epoch takes was measured. */
export function hasWholeEpoch({ epochs, interrupted_epoch, dataset }: MeasuredEpochs): boolean {
  return epochs.some(({ cut_short }) => !cut_short) || (interrupted_epoch?.samples ?? 0) >= dataset.train;
}

type MeasuredEpochs = Pick<Summary, 'epochs' | 'interrupted_epoch' | 'dataset'>;

/**
 * Samples of an epoch / (samples per second of the run), and that time at the workers' present price.
 * @param priceUsdPerHour of all workers together
 * @returns undefined where a whole epoch was trained, or nothing
 */
export function extrapolateEpoch(
  { samples, trainSeconds }: Pick<RunRecord, 'samples' | 'trainSeconds'>,
  measured: MeasuredEpochs,
  priceUsdPerHour: number,
): Summary['extrapolated_epoch'] {
  if (hasWholeEpoch(measured) || !(samples > 0)) return undefined;
  const seconds = (measured.dataset.train / samples) * trainSeconds;
  return { samples, seconds, cost_usd: accruedCostUsd(priceUsdPerHour, seconds) };
}

/** `a whole epoch would take 51 s and $0.0012 (extrapolated from 6,400 of 60,000 samples)` */
export function describeExtrapolation({
  extrapolated_epoch: epoch,
  dataset,
  price_usd_per_hour: price,
}: Summary): string | undefined {
  if (epoch === undefined) return undefined;
  const cost = price === undefined ? '' : ` and ${formatUsd(epoch.cost_usd)}`;
  return (
    `a whole epoch would take ${formatSeconds(epoch.seconds)}${cost} ` +
    `(extrapolated from ${formatCount(epoch.samples)} of ${formatCount(dataset.train)} samples)`
  );
}
