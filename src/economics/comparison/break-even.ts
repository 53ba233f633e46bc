/** What one kind of worker may cost in the place of another. Pure. */
import { type Estimate, ratioEstimate } from '../models/confidence.ts';
import { replacementPrice } from '../models/scaling.ts';
import { type FleetRuns, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';

/** The price at which one worker of a kind trains a sample for what it costs on another. */
export interface BreakEven {
  readonly kind: string;
  readonly reference: string;
  readonly referenceUsdPerHour: number;
  readonly globalBatchSize: number;
  readonly breakEvenUsdPerHour: Estimate;
  readonly usdPerHour: number | undefined;
}

/** Every kind that was measured alone, against the dearest that was, at the same batch. */
export function breakEvensOf(groups: readonly FleetRuns[], { kindName }: Naming): readonly BreakEven[] {
  const alone = groups.flatMap((group) => {
    const kind = group.fleet[0]?.kind;
    return workersOf(group) === 1 && kind !== undefined ? [{ kind, batch: group.batch, rates: ratesOf(group) }] : [];
  });
  return [...new Set(alone.map(({ batch }) => batch))].flatMap((batch) => {
    const here = alone.filter((one) => one.batch === batch);
    const dearest = [...here].sort((a, b) => (b.kind.usdPerHour ?? -1) - (a.kind.usdPerHour ?? -1))[0];
    const price = dearest?.kind.usdPerHour;
    if (dearest === undefined || price === undefined) return [];
    return here
      .filter(({ kind }) => kind.speedKey !== dearest.kind.speedKey)
      .map(({ kind, rates }) => ({
        kind: kindName(kind),
        reference: kindName(dearest.kind),
        referenceUsdPerHour: price,
        globalBatchSize: batch,
        breakEvenUsdPerHour: ratioEstimate(
          rates,
          dearest.rates,
          replacementPrice({ usdPerHour: price, samplesPerSecond: 1 }, 1),
        ),
        usdPerHour: kind.usdPerHour,
      }));
  });
}
