import type { Counter } from 'prom-client';

/**
 * A counter of totals that are kept elsewhere: raises a series to its total. A total that is lower than one before, or no
 * finite number, changes nothing, so the counter never falls.
 */
export function cumulative<Label extends string>(
  counter: Counter<Label>,
): (labels: Readonly<Record<Label, string>>, total: number) => void {
  const reached = new Map<string, number>();
  return (labels, total) => {
    const key = JSON.stringify(labels);
    const before = reached.get(key) ?? 0;
    if (!Number.isFinite(total) || total < before) return;
    // Also where it is 0: a series that begins there can be counted from there.
    counter.inc(labels, total - before);
    reached.set(key, total);
  };
}
