/** Names samples of an epoch, for messages. Pure. */
import type { Interval } from './sampling.ts';

/** Images that are named of those of a share. */
const mostNamed = 3;

/**
 * `positions 32 to 63 of epoch 2 (training images 512, 7, 33 and 29 more)`. As in `samples.audit`, positions in the epoch's
 * order and images in the dataset count from 0.
 * @param epoch counts from 0
 * @param images what the order has at these positions; undefined where that is not known
 */
export function nameSamples(epoch: number, { from, to }: Interval, images: Uint32Array | undefined): string {
  if (from >= to) return `no samples of epoch ${epoch + 1}`;
  const positions = to - from === 1 ? `position ${from}` : `positions ${from} to ${to - 1}`;
  const named = `${positions} of epoch ${epoch + 1}`;
  if (images === undefined || images.length === 0) return named;
  const first = images.subarray(0, mostNamed).join(', ');
  const more = images.length > mostNamed ? ` and ${images.length - mostNamed} more` : '';
  return `${named} (training image${images.length === 1 ? '' : 's'} ${first}${more})`;
}
