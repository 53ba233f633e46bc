/** Whether what a run uses grows while it lasts: the median of the last third of all samples against that of the first. */
import { medianOf } from '../../shared/core/sums.ts';

/** What is looked at; each is a number of one sample. */
export interface Figure {
  readonly name: string;
  /** By how much it may grow: so much in all, and this share of what it was at first. */
  readonly allowed: { readonly amount: number; readonly share: number };
}

export interface Growth {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** The most that `last` may be. */
  readonly limit: number;
  readonly grows: boolean;
}

/** Fewer samples than this have no thirds worth comparing. */
export const fewestSamples = 3;

/** @param samples in the order of their time, at least `fewestSamples`, each with a number for each figure */
export function findGrowth(
  figures: readonly Figure[],
  samples: readonly Readonly<Record<string, number>>[],
): readonly Growth[] {
  const third = Math.floor(samples.length / 3);
  return figures.map(({ name, allowed }) => {
    const valuesOf = (some: typeof samples) => some.map((sample) => sample[name] ?? Number.NaN);
    const [first, last] = [medianOf(valuesOf(samples.slice(0, third))), medianOf(valuesOf(samples.slice(-third)))];
    const limit = first + Math.max(allowed.amount, allowed.share * first);
    // A figure that is no number has not been shown to stay.
    return { name, first, last, limit, grows: !(last <= limit) };
  });
}
