/** What one kind of worker may cost in place of another. Pure. */
import { type Estimate, ratioEstimate } from '../models/confidence.ts';
import { replacementPrice } from '../models/scaling.ts';
import { type FleetRuns, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';

/** The price at which a sample costs the same on one worker of a kind as on one of the reference kind. */
export interface BreakEven {
  readonly kind: string;
  readonly reference: string;
  readonly referenceUsdPerHour: number;
  readonly globalBatchSize: number;
  readonly breakEvenUsdPerHour: Estimate;
  readonly usdPerHour: number | undefined;
}

/** Compares every kind that was measured alone with the most expensive of them, at the same batch. */
export function breakEvensOf(groups: readonly FleetRuns[], { kindName }: Naming): readonly BreakEven[] {
  const alone = groups
    .filter((group) => workersOf(group) === 1)
    .flatMap((group) => group.fleet.map(({ kind }) => ({ kind, batch: group.batch, rates: ratesOf(group) })));
  return [...new Set(alone.map(({ batch }) => batch))].flatMap((batch) => {
    const here = alone.filter((one) => one.batch === batch);
    const byPrice = here.toSorted((a, b) => (b.kind.usdPerHour ?? -1) - (a.kind.usdPerHour ?? -1));
    return byPrice.slice(0, 1).flatMap((reference) => {
      const price = reference.kind.usdPerHour;
      if (price === undefined) return [];
      return here
        .filter(({ kind }) => kind.speedKey !== reference.kind.speedKey)
        .map(({ kind, rates }) => ({
          kind: kindName(kind),
          reference: kindName(reference.kind),
          referenceUsdPerHour: price,
          globalBatchSize: batch,
          breakEvenUsdPerHour: ratioEstimate(
            rates,
            reference.rates,
            replacementPrice({ usdPerHour: price, samplesPerSecond: 1 }, 1),
          ),
          usdPerHour: kind.usdPerHour,
        }));
    });
  });
}
