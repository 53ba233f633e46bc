import type { AllReduceHub } from '../../src/shared/collectives/collective.ts';
import { evenShares } from '../../src/shared/core/sampling.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';

/** In samples. */
export const microShard = 8;

/** Tells a hub of each attempt once, whichever rank begins it. */
export function beginnerOf(worldSize: number, hub: AllReduceHub | undefined): CollectiveUnderTest['begin'] {
  const begun = new Set<string>();
  const shares = evenShares({ from: 0, to: worldSize * microShard }, worldSize);
  return (attempt) => {
    const name = Object.values(attempt).join();
    if (!begun.has(name)) hub?.expect(attempt, shares);
    begun.add(name);
    return attempt;
  };
}
