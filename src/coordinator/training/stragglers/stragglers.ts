/**
 * Stragglers: workers that are persistently slower than the others. Pure.
 *
 * Slow means that a sample takes long: the seconds in which a worker computes gradients, by the samples of its share. How
 * long a step takes, and who waits for whom, do not tell. Where shares follow speed (`../shares/share-balance.ts`), as with
 * `--balance on` or workers that differ, a slow worker soon has a small share and delays nobody. It costs as much an hour
 * all the same, and does less for it. Workers that are alike keep even shares by default, and wait for a slow one in every
 * step. Where computing takes some time whatever the share, that time is counted to the samples as well, so a worker with
 * a small share is taken for what it contributes. A slow link is no straggler: exchanging gradients is not computing.
 *
 * Each worker is compared with the others, itself left out, so that it does not move what it is measured by. With two
 * workers the other one is the measure. It is slow where it is above both limits:
 * - the others' median plus 3.5 standard deviations, estimated from their median absolute deviation as 1.4826 × MAD, after
 *   B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers (1993). In a fleet that is mixed anyway this is far off.
 * - 1.5 times their median. The MAD of workers alike is so small, or, with one or two others, says so little, that noise
 *   would pass the first limit.
 * Other trainers have the second limit alone: NVIDIA's resiliency extension takes a rank for a straggler below 0.75 of the best
 * one's speed (`identify_stragglers`), DLRover a node above twice the median (`_detect_stragglers`).
 *
 * Steps are gathered in spans of a second or longer, of which the last ten count. A worker that was slow in eight of them
 * is a straggler, until it is slow in fewer than five. So a pause or a burst of noise makes nobody one, however long the
 * step is that it hits. Spans know workers by their names, and so outlast generations.
 */
import { secondsPerHour } from '../../../economics/ledger/cost.ts';
import { leastSlowdown } from '../../../settings/membership-settings.ts';
import { formatUsd } from '../../../shared/core/number-format.ts';
import { meanOf, medianOf, sumOf } from '../../../shared/core/sums.ts';
import type { MemberStep } from '../../run-events.ts';

/** What a worker did in a span. */
interface Work {
  /** Spent on computing gradients. */
  readonly seconds: number;
  readonly samples: number;
}

/** How a worker compared with the others in a span. */
interface Comparison {
  /** What a sample took it, and what it took the others (median), in seconds. */
  readonly own: number;
  readonly others: number;
  readonly isSlow: boolean;
  readonly samples: number;
}

export interface Span {
  /** By workerId: those that computed while others did, too. */
  readonly workers: ReadonlyMap<string, Comparison>;
  readonly seconds: number;
}

export interface StragglerState {
  /** The span that has not ended. */
  readonly open: { readonly seconds: number; readonly work: ReadonlyMap<string, Work> };
  /** Those that have, oldest first. */
  readonly spans: readonly Span[];
  /** The stragglers, by workerId. */
  readonly stragglers: ReadonlySet<string>;
}

export interface StragglerVerdict {
  readonly workerId: string;
  readonly isStraggler: boolean;
  /** Whether it was none before, or was one. */
  readonly isNews: boolean;
  /** What a sample takes it over what it takes the others: the median of the spans. */
  readonly slowdown: number;
  /** The slowdown that it reached in eight of the last ten spans; undefined before there are eight. */
  readonly lastingSlowdown: number | undefined;
  /** In words, with the numbers. */
  readonly reason: string;
}

const spanSeconds = 1;
const keptSpans = 10;
/** So many slow spans of those make a straggler. */
export const slowSpans = 8;
/** With fewer slow spans than this it is none any more. */
const stillSlowSpans = 5;
/** So many standard deviations above the others' median are too many. */
const deviations = 3.5;
/** The standard deviation of a normal distribution over its median absolute deviation. */
const deviationOverMad = 1.4826;

const emptySpan: StragglerState['open'] = { seconds: 0, work: new Map() };

export const noStragglers: StragglerState = { open: emptySpan, spans: [], stragglers: new Set() };

/**
 * Takes in a committed step.
 * @param seconds from the commit before to this one
 * @returns verdicts on the workers of a span that has ended with the step, the slowest first; none in the middle of a span
 */
export function advanceStragglers(
  { open, spans, stragglers }: StragglerState,
  { seconds, members }: { readonly seconds: number; readonly members: readonly MemberStep[] },
): { readonly state: StragglerState; readonly verdicts: readonly StragglerVerdict[] } {
  const work = new Map(open.work);
  for (const { workerId, samples, phases } of members) {
    // Without samples there is nothing to measure, and nobody reported where the time of a step went that was made up for.
    if (samples === 0 || phases.compute <= 0) continue;
    const before = work.get(workerId) ?? { seconds: 0, samples: 0 };
    work.set(workerId, { seconds: before.seconds + phases.compute, samples: before.samples + samples });
  }
  const span = { seconds: open.seconds + seconds, work };
  if (span.seconds < spanSeconds) return { state: { open: span, spans, stragglers }, verdicts: [] };
  const recent = [...spans, { seconds: span.seconds, workers: compare(work) }].slice(-keptSpans);
  const verdicts = decideStragglers(recent, stragglers);
  const after = new Set(stragglers);
  for (const { workerId, isStraggler } of verdicts) {
    if (isStraggler) after.add(workerId);
    // Who had no samples in the span, as in the short last step of an epoch, stays what it was.
    else after.delete(workerId);
  }
  return { state: { open: emptySpan, spans: recent, stragglers: after }, verdicts };
}

/** The worker is gone. Whoever comes back by its name, a new process or another machine, is judged by its own spans alone. */
export function forgetStraggler({ open, spans, stragglers }: StragglerState, workerId: string): StragglerState {
  return {
    open: { seconds: open.seconds, work: without(open.work, workerId) },
    spans: spans.map(({ seconds, workers }) => ({ seconds, workers: without(workers, workerId) })),
    stragglers: new Set([...stragglers].filter((id) => id !== workerId)),
  };
}

function without<Value>(byId: ReadonlyMap<string, Value>, workerId: string): ReadonlyMap<string, Value> {
  return new Map([...byId].filter(([id]) => id !== workerId));
}

/** Compares each worker with the others of a span. */
function compare(work: ReadonlyMap<string, Work>): ReadonlyMap<string, Comparison> {
  const all = [...work].map(([workerId, { seconds, samples }]) => ({ workerId, samples, own: seconds / samples }));
  if (all.length < 2) return new Map();
  const ascending = all.toSorted((a, b) => a.own - b.own);
  const times = ascending.map(({ own }) => own);
  const found = new Map(
    ascending.map(({ workerId, samples, own }, place) => {
      const others = medianWithout(times, place);
      const rest = () => times.filter((_, other) => other !== place);
      const isSlow = own > leastSlowdown * others && own > others + deviations * deviationOf(rest(), others);
      return [workerId, { own, others, isSlow, samples }] as const;
    }),
  );
  return new Map(
    [...work.keys()].flatMap((workerId) => {
      const comparison = found.get(workerId);
      return comparison === undefined ? [] : [[workerId, comparison] as const];
    }),
  );
}

/** The median of two or more values in ascending order, but for the one at a place: no list of each worker's others is made. */
function medianWithout(ascending: readonly number[], place: number): number {
  const at = (index: number) => ascending[index < place ? index : index + 1] as number;
  const middle = (ascending.length - 1) / 2;
  return meanOf([at(Math.ceil(middle) - 1), at(Math.floor(middle))]);
}

/** An estimate of the standard deviation that outliers do not move. */
function deviationOf(values: readonly number[], median: number): number {
  return deviationOverMad * medianOf(values.map((value) => Math.abs(value - median)));
}

/**
 * Who is a straggler, of the workers that are in the newest span.
 * @param spans oldest first
 * @param before those that were stragglers, by workerId
 * @returns the slowest first
 */
export function decideStragglers(spans: readonly Span[], before: ReadonlySet<string>): readonly StragglerVerdict[] {
  const present = [...(spans.at(-1)?.workers.keys() ?? [])];
  const verdicts = present.map((workerId): StragglerVerdict => {
    const known = spans.flatMap(({ workers }) => workers.get(workerId) ?? []);
    const slow = known.filter(({ isSlow }) => isSlow).length;
    const was = before.has(workerId);
    const isStraggler = slow >= (was ? stillSlowSpans : slowSpans);
    const ratios = known.map(({ own, others }) => own / others);
    const slowdown = medianOf(ratios);
    return {
      workerId,
      isStraggler,
      isNews: isStraggler !== was,
      slowdown,
      lastingSlowdown: ratios.toSorted((a, b) => b - a)[slowSpans - 1],
      reason: `${describeSlowdown(known, slowdown)}; it was slow in ${slow} of the last ${spans.length} spans of 1 s or longer`,
    };
  });
  return verdicts.sort((a, b) => b.slowdown - a.slowdown);
}

function describeSlowdown(known: readonly Comparison[], slowdown: number): string {
  const own = medianOf(known.map((span) => span.own));
  const others = medianOf(known.map((span) => span.others));
  return `a sample takes it ${formatTimes(slowdown)} times as long as the others (${milliseconds(own)} to their ${milliseconds(others)} ms)`;
}

/**
 * What samples cost on a worker and on the others, over the spans that it was in: all are paid for their whole time.
 * @param usdPerHour by workerId; undefined where it is not known
 * @returns in words; undefined where a price is not known, or nothing costs anything
 */
export function compareCosts(
  spans: readonly Span[],
  workerId: string,
  usdPerHour: ReadonlyMap<string, number | undefined>,
): string | undefined {
  const parts = spans
    .filter(({ workers }) => workers.has(workerId))
    .flatMap(({ workers, seconds }) =>
      [...workers].map(([id, { samples }]) => {
        const usd = ((usdPerHour.get(id) ?? Number.NaN) * seconds) / secondsPerHour;
        return { isOwn: id === workerId, samples, usd };
      }),
    );
  // NaN is not above 0 either.
  if (!(sumOf(parts.map(({ usd }) => usd)) > 0)) return undefined;
  const perMillion = (own: boolean) => {
    const chosen = parts.filter(({ isOwn }) => isOwn === own);
    return formatUsd((sumOf(chosen.map(({ usd }) => usd)) / sumOf(chosen.map(({ samples }) => samples))) * 1e6);
  };
  return `a million samples cost ${perMillion(true)} on it and ${perMillion(false)} on the others`;
}

/** As in `3.2 times`. */
export function formatTimes(slowdown: number): string {
  return slowdown.toFixed(slowdown < 9.95 ? 1 : 0);
}

/** With two significant digits. */
function milliseconds(seconds: number): number {
  return Number((seconds * 1000).toPrecision(2));
}
