/** Images as bytes in the memory of a traced engine. */
import type { Dataset, Split } from '../../shared/data/dataset.ts';
import type { FlatMemory } from './trace/flat-memory.ts';

export interface TracedImages {
  /** The address of all images of one of the dataset's splits. The first call copies them. */
  resident(split: Split): number;
  /**
   * Makes images `[start, start + count)` of any split available until the next call.
   * @returns an address, and the index there of the first image
   */
  place(split: Split, start: number, count: number): { readonly address: number; readonly first: number };
}

/**
 * @param imageSize bytes per image
 * @param largestCount largest `count` for `place`
 */
export function createTracedImages(
  memory: FlatMemory,
  { train, test }: Pick<Dataset, 'train' | 'test'>,
  imageSize: number,
  largestCount: number,
): TracedImages {
  const addresses = new Map<Split, number>();
  let stage: number | undefined;

  function resident(split: Split): number {
    const known = addresses.get(split);
    if (known !== undefined) return known;
    const address = memory.allocate(split.images.length);
    memory.bytes(address, split.images.length).set(split.images);
    addresses.set(split, address);
    return address;
  }

  return {
    resident,
    place(split, start, count) {
      if (split === train || split === test) return { address: resident(split), first: start };
      stage ??= memory.allocate(imageSize * largestCount);
      memory.bytes(stage, count * imageSize).set(split.images.subarray(start * imageSize, (start + count) * imageSize));
      return { address: stage, first: 0 };
    },
  };
}
