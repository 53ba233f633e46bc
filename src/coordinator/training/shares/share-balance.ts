/**
 * Shares of the global batch that follow measured speed.
 *
 * A rank that took `t` seconds for `n` samples, of which `f` are known to be the same for any share (choosing indices,
 * the update), would take `f + (t − f) × n′ / n` for `n′`. Computing has a fixed cost as well, so a real change is
 * smaller than the predicted one: shares approach the balance from one side and never swing past it. The fixed point is
 * the same (equal times), so that cost need not be fitted.
 *
 * A change is judged by replay: what would the recent steps have taken with the new shares? Noise that hits all shares
 * alike gains nothing in the replay, so it changes nothing.
 */
import { meanOf, medianOf, sumOf } from '../../../shared/core/sums.ts';

/** What the next decision is based on. */
export interface BalanceState {
  /** Samples of a full global batch, by rank: whole units, so that the last share may count samples past the batch's end. */
  readonly shares: readonly number[];
  /** In samples. */
  readonly unit: number;
  /** Recent steps with these shares, oldest first. */
  readonly recent: readonly BusyTimes[];
  /** Whether these shares were chosen from a measurement. */
  readonly measured: boolean;
}

/** A step's seconds by rank. */
export interface BusyTimes {
  /** Everything except communication and waiting. */
  readonly busy: readonly number[];
  /** The part of `busy` that any share would take. */
  readonly fixed: readonly number[];
}

/** A committed step. */
export interface MeasuredStep extends BusyTimes {
  /** By rank. */
  readonly samples: readonly number[];
}

export interface Rebalanced {
  readonly state: BalanceState;
  /** Why the shares changed, with the old and the new ones; undefined when they did not. */
  readonly reason: string | undefined;
}

/** Steps that are remembered: more than a slow spell of a shared machine lasts, but few enough to react soon. */
const rememberedSteps = 30;
/**
 * The ratio by which a change must promise to shorten the step. It is higher the fewer steps there are: a large imbalance
 * is corrected soon, a small one only on good evidence. From three steps on, the median ignores one slow step. Before
 * that a change needs workers that are far apart and were never measured: one such step may take minutes.
 */
function requiredGain(steps: number, measured: boolean): number {
  if (steps >= 3) return 0.02 + 0.4 / steps;
  return measured ? Number.POSITIVE_INFINITY : 0.8;
}

/**
 * The first shares: in proportion to what is known of the ranks' speeds.
 * @param globalBatch in samples
 * @param secondsPerSample by rank; undefined where nothing is known, which makes the shares even
 * @param unit in samples: shares are multiples of it
 */
export function beginBalance(
  globalBatch: number,
  worldSize: number,
  secondsPerSample: readonly number[] | undefined = undefined,
  unit = 1,
): BalanceState {
  const shares = sharesInUnits(globalBatch, secondsPerSample ?? Array(worldSize).fill(1), unit);
  return { shares, unit, recent: [], measured: secondsPerSample !== undefined };
}

function sharesInUnits(
  samples: number,
  secondsPerSample: readonly number[],
  unit: number,
  fixedSeconds?: readonly number[],
): readonly number[] {
  const perUnit = secondsPerSample.map((seconds) => seconds * unit);
  return fastestShares(Math.ceil(samples / unit), perUnit, fixedSeconds).map((units) => units * unit);
}

/** What each rank's samples took lately, by rank; undefined before anything was measured with the present shares. */
export function secondsPerSample({ shares, recent }: BalanceState): readonly number[] | undefined {
  if (recent.length === 0 || shares.includes(0)) return undefined;
  return shares.map((share, rank) => medianOf(recent.map((step) => ofTheShare(step, rank))) / share);
}

function ofTheShare({ busy, fixed }: BusyTimes, rank: number): number {
  return (busy[rank] ?? 0) - (fixed[rank] ?? 0);
}

/**
 * Takes in a step and decides the shares of steps that are not assigned yet. A step with other shares than the present
 * ones (assigned before they changed, or the short last step of an epoch) is ignored.
 */
export function rebalance(state: BalanceState, { samples, busy, fixed }: MeasuredStep): Rebalanced {
  const { shares, unit } = state;
  const isMeasured = busy.every((spent, rank) => spent > (fixed[rank] ?? 0));
  const inUnits = samples.map((count) => Math.ceil(count / unit) * unit);
  if (inUnits.join() !== shares.join() || !isMeasured) return { state, reason: undefined };
  const recent = [...state.recent, { busy, fixed }].slice(-rememberedSteps);
  const kept = { ...state, recent };
  if (shares.includes(0)) return { state: kept, reason: undefined };

  const candidate = sharesInUnits(
    sumOf(shares),
    shares.map((share, rank) => medianOf(recent.map((step) => ofTheShare(step, rank))) / share),
    unit,
    shares.map((_, rank) => medianOf(recent.map((step) => step.fixed[rank] ?? 0))),
  );
  const growth = candidate.map((share, rank) => share / (shares[rank] ?? share));
  const secondsAfter = (step: BusyTimes) =>
    Math.max(...growth.map((ratio, rank) => (step.fixed[rank] ?? 0) + ofTheShare(step, rank) * ratio));
  const before = meanOf(recent.map((step) => Math.max(...step.busy)));
  const gain = 1 - meanOf(recent.map(secondsAfter)) / before;
  if (gain < requiredGain(recent.length, state.measured)) return { state: kept, reason: undefined };
  const reason =
    `shares ${shares.join('/')} -> ${candidate.join('/')}: ` +
    `the slowest worker would have finished ${percent(gain)} sooner in the last ${recent.length === 1 ? 'step' : `${recent.length} steps`}`;
  return { state: { shares: candidate, unit, recent: [], measured: true }, reason };
}

/**
 * Whole shares with which the slowest rank finishes soonest; at least one sample each, if there are enough.
 * @param total samples to share out
 * @param secondsPerSample by rank, all positive
 * @param fixedSeconds by rank, whatever the share; none unless given
 */
export function fastestShares(
  total: number,
  secondsPerSample: readonly number[],
  fixedSeconds: readonly number[] = [],
): readonly number[] {
  const speeds = secondsPerSample.map((spent) => 1 / spent);
  const fewest = total >= speeds.length ? 1 : 0;
  // When all ranks would finish if samples were divisible and shares could be negative.
  const done = (total + sumOf(speeds.map((speed, rank) => speed * (fixedSeconds[rank] ?? 0)))) / sumOf(speeds);
  const shares = speeds.map((speed, rank) =>
    Math.min(total, Math.max(fewest, Math.floor((done - (fixedSeconds[rank] ?? 0)) * speed))),
  );
  const secondsWith = (rank: number, more: number) =>
    (fixedSeconds[rank] ?? 0) + ((shares[rank] ?? 0) + more) * (secondsPerSample[rank] ?? 0);
  const ranks = [...shares.keys()];
  // Rounding leaves some over, or the minimum of one each takes too many.
  for (let left = total - sumOf(shares); left > 0; left--) {
    const rank = ranks.reduce((best, other) => (secondsWith(other, 1) < secondsWith(best, 1) ? other : best));
    shares[rank] = (shares[rank] ?? 0) + 1;
  }
  for (let over = sumOf(shares) - total; over > 0; over--) {
    const givers = ranks.filter((rank) => (shares[rank] ?? 0) > fewest);
    const rank = givers.reduce((worst, other) => (secondsWith(other, 0) > secondsWith(worst, 0) ? other : worst));
    shares[rank] = (shares[rank] ?? 0) - 1;
  }
  return shares;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}
