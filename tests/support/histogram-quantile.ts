/**
 * Prometheus' `histogram_quantile` for classic histograms, written from its documentation: linear within the bucket that
 * holds the quantile, and the highest finite bound above that. tests/integration/monitoring/promtool.test.ts holds it against the
 * real one.
 * @param buckets cumulative counts by upper bound, `+Inf` as Infinity
 */
export function histogramQuantile(quantile: number, buckets: ReadonlyMap<number, number>): number {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  const rank = quantile * total;
  const index = sorted.findIndex(([, count]) => count >= rank);
  const [bound = Number.NaN, count = 0] = sorted[index] ?? [];
  const [below = 0, countBelow = 0] = sorted[index - 1] ?? [];
  if (bound === Number.POSITIVE_INFINITY) return below;
  return below + ((bound - below) * (rank - countBelow)) / (count - countBelow);
}

/** The buckets of one series of a histogram in a scrape, by upper bound. @param label its only other label, if it has one */
export function bucketsIn(
  samples: ReadonlyMap<string, number>,
  name: string,
  label?: string,
): ReadonlyMap<number, number> {
  const own = [...samples].flatMap(([series, value]) => {
    const labels: readonly string[] = series.startsWith(`${name}_bucket{`) ? (series.match(/\w+="[^"]*"/g) ?? []) : [];
    const bound = labels.find((one) => one.startsWith('le='))?.slice(4, -1);
    const matches = labels.length === (label === undefined ? 1 : 2) && (label === undefined || labels.includes(label));
    return bound !== undefined && matches ? [[Number(bound.replace('+Inf', 'Infinity')), value] as const] : [];
  });
  return new Map(own);
}
