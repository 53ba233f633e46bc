/**
 * How a worker measures its link to those that it reads over the network: what it asks them for next, and what came of it. Pure.
 *
 * The worker asks all of them at once, as in a step of a mesh, so that what comes from all together is what its link carries. The
 * other ranks measure theirs meanwhile and load the senders' links as a step does.
 *
 * First a few messages without floats: the shortest round trip tells the delay. Then rounds of floats, each of twice as many as
 * the one before, until one takes long enough to be told apart from a round trip, or is a mebibyte. As many are asked for twice
 * more, and the faster of these two tells the rate: the other may have waited for a processor. The rounds before do not count.
 * Shapers let some pass at full speed after a rest (a token bucket), and they have used that up.
 */
import { sumOf } from '../shared/core/sums.ts';
import type { MeasuredLink } from '../shared/protocol/messages.ts';

/** Answers of all peers to what they were asked for at once. */
export interface ProbeRound {
  /** From all of them together, without headers; 0 for a round trip. */
  readonly bytes: number;
  /** Until the last of them was there. */
  readonly seconds: number;
}

export type ProbeDecision =
  /** To be asked for next, of all together. */
  { readonly kind: 'ask'; readonly bytes: number } | { readonly kind: 'enough'; readonly link: MeasuredLink };

const roundTrips = 5;
const [fewestBytes, mostBytes] = [1 << 14, 1 << 20];
/** Peers send equal parts, so that all together may send a little less than they are asked for. */
const nearlyMost = 0.75 * mostBytes;
/** What is asked for again, so often, takes so much longer than a round trip, and so many times as long as these differ. */
const [repetitions, longSeconds, longDifferences] = [2, 0.01, 4];
/** Another round begins only if it should be over by then: after so long, or so many of the longest round trips up to a limit. */
const [budgetSeconds, budgetTrips, largestBudgetSeconds] = [0.1, 10, 0.75];

/** @param rounds so far, in their order */
export function decideProbe(rounds: readonly ProbeRound[]): ProbeDecision {
  const trips = rounds.filter(({ bytes }) => bytes === 0).map(({ seconds }) => seconds);
  const spent = sumOf(rounds.map(({ seconds }) => seconds));
  // One round trip of a long way is enough.
  if (trips.length < roundTrips && spent < budgetSeconds / 2) return { kind: 'ask', bytes: 0 };
  const last = rounds.at(-1);
  if (last === undefined || last.bytes === 0) return { kind: 'ask', bytes: fewestBytes };
  // The first is slow because code is compiled.
  const [shortest, longest] = [Math.min(...trips), Math.max(...(trips.length > 1 ? trips.slice(1) : trips))];
  const wireOf = ({ seconds }: ProbeRound) => Math.max(seconds - shortest, leastSeconds);
  const [first = last, ...repeated] = rounds.filter(({ bytes }) => bytes === last.bytes);
  const long = Math.max(longSeconds, shortest, longDifferences * (longest - shortest));
  // One that had to wait for a processor is not as long the next time, and they grow again.
  const isLong = last.bytes >= nearlyMost || wireOf(last) >= long;
  const bytes = isLong ? last.bytes : Math.min(mostBytes, 2 * last.bytes);
  const isTold = isLong && repeated.length >= repetitions;
  const secondsPerByte = Math.min(
    ...rounds.filter((round) => round.bytes > 0).map((round) => wireOf(round) / round.bytes),
  );
  const budget = Math.max(budgetSeconds, Math.min(largestBudgetSeconds, budgetTrips * longest));
  const isInBudget = spent + shortest + secondsPerByte * bytes <= budget;
  if (!isTold && isInBudget) return { kind: 'ask', bytes };
  const wire = Math.min(...(repeated.length > 0 ? repeated : [first]).map(wireOf));
  return { kind: 'enough', link: { delaySeconds: shortest / 2, bytesPerSecond: last.bytes / wire } };
}

/** What comes no later than an empty answer did: the rate is above all that matters, and finite. */
const leastSeconds = 1e-5;
