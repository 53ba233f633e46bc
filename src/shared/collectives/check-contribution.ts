/** What every hub asks of a bucket that a rank hands in. Pure. */
import { firstBeyond } from '../core/first-beyond.ts';
import type { Interval } from '../core/sampling.ts';
import type { HubOutcome, NonFinite } from './collective.ts';

export type CheckedContribution =
  | { readonly kind: 'taken'; readonly values: Float32Array; readonly nonFinite: NonFinite | undefined }
  | Extract<HubOutcome, { kind: 'refused' | 'diverged' }>;

/**
 * @param bucket by its number, for messages
 * @param interval where it is in the gradient; undefined if there is no such bucket
 * @param largest bound on the magnitude of a float: what all ranks hand in still adds up to a finite sum
 */
export function checkContribution(
  bucket: number,
  interval: Interval | undefined,
  bucketCount: number,
  tensors: readonly Float32Array[],
  largest: number,
  takesNonFinite = false,
): CheckedContribution {
  if (interval === undefined) return refused(`bucket must be below ${bucketCount}, got ${bucket}`);
  const [values] = tensors;
  if (values === undefined || tensors.length > 1) {
    return refused(`bucket ${bucket} must have one tensor, got ${tensors.length}`);
  }
  const floats = interval.to - interval.from;
  if (values.length !== floats) return refused(`bucket ${bucket} must have ${floats} floats, got ${values.length}`);
  const odd = firstBeyond(values, largest);
  if (odd === undefined) return { kind: 'taken', values, nonFinite: undefined };
  const nonFinite = { float: interval.from + odd, value: values[odd] ?? Number.NaN };
  return takesNonFinite ? { kind: 'taken', values, nonFinite } : { kind: 'diverged', ...nonFinite };
}

function refused(reason: string): CheckedContribution {
  return { kind: 'refused', reason };
}
