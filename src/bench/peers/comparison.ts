/** Turns measurements into rows of medians and ratios. */
import { medianOf } from '../../shared/core/sums.ts';

export interface Measurement {
  readonly candidate: string;
  readonly batchSize: number;
  readonly round: number;
  readonly samplesPerSecond: number;
}

export interface ComparisonRow {
  readonly candidate: string;
  readonly batchSize: number;
  /** The median and the best of the rounds. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** The median's share of the peak; undefined if the peak is not known. */
  readonly rooflineShare: number | undefined;
  /** By baseline, how many times as fast. Only has other candidates that were measured with the same batch size. */
  readonly ratios: Readonly<Record<string, number>>;
}

export interface ComparisonOptions {
  readonly baselines: readonly string[];
  readonly flopsPerSample: number;
  /** One core's peak in floating-point operations per second. */
  readonly peakFlops: number | undefined;
}

/** One row per candidate and batch size, in the order of their first measurements. */
export function compare(measurements: readonly Measurement[], options: ComparisonOptions): readonly ComparisonRow[] {
  const { baselines, flopsPerSample, peakFlops } = options;
  const pairs = new Map(
    measurements.map(({ candidate, batchSize }) => [`${candidate} ${batchSize}`, { candidate, batchSize }]),
  );
  const of = (candidate: string, batchSize: number) =>
    measurements.filter((each) => each.candidate === candidate && each.batchSize === batchSize);
  return [...pairs.values()].map(({ candidate, batchSize }) => {
    const own = of(candidate, batchSize);
    const rates = own.map(({ samplesPerSecond }) => samplesPerSecond);
    const ratios = baselines
      .filter((baseline) => baseline !== candidate)
      .map((baseline) => [baseline, ratio(own, of(baseline, batchSize))] as const)
      .filter((entry): entry is [string, number] => entry[1] !== undefined);
    const samplesPerSecond = medianOf(rates);
    return {
      candidate,
      batchSize,
      samplesPerSecond,
      bestSamplesPerSecond: Math.max(...rates),
      rooflineShare: peakFlops === undefined ? undefined : (samplesPerSecond * flopsPerSample) / peakFlops,
      ratios: Object.fromEntries(ratios),
    };
  });
}

/**
 * How many times as fast `measured` is as `baseline`: the median of the rounds' ratios, because both sides of a round
 * were measured under the same conditions. Undefined if they have no round in common.
 */
export function ratio(measured: readonly Measurement[], baseline: readonly Measurement[]): number | undefined {
  const ofRound = new Map(baseline.map(({ round, samplesPerSecond }) => [round, samplesPerSecond]));
  const ratios = measured.flatMap(({ round, samplesPerSecond }) => {
    const other = ofRound.get(round);
    return other === undefined ? [] : [samplesPerSecond / other];
  });
  return ratios.length === 0 ? undefined : medianOf(ratios);
}
