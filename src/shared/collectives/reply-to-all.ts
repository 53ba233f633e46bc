/** How a hub answers once a bucket's sum is complete. Pure. */
import type { HubOutcome, NonFinite, ToHub } from './collective.ts';

/**
 * The sum goes to every rank, with how long its own part has waited for the last one.
 * @param arrivals by rank: when its part came, in seconds
 * @param nonFinite of the part that completed the sum
 */
export function replyToAll(
  { generation, step, attempt, bucket }: Pick<ToHub, 'generation' | 'step' | 'attempt' | 'bucket'>,
  arrivals: readonly (number | undefined)[],
  sum: Float32Array,
  now: number,
  nonFinite: NonFinite | undefined,
): Extract<HubOutcome, { kind: 'reply' }> {
  const replies = arrivals.map((arrival = now, rank) => ({
    rank,
    body: { type: 'reduced' as const, generation, step, attempt, bucket, waited: now - arrival },
    tensors: [sum],
  }));
  return { kind: 'reply', replies, nonFinite };
}
