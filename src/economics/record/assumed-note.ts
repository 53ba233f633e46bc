/** Says which prices of a run nobody gave. Wherever a cost is shown that rests on one, this is shown too. Pure. */
import type { WorkerSummary } from './summary.ts';

type Priced = Pick<WorkerSummary, 'worker_id' | 'price_assumed' | 'price_date'>;

/** Names that the note lists; of a larger fleet it says how many. */
const mostNames = 5;

/** How to replace an assumption. */
export const assumptionRemedy = '--price USD_PER_HOUR sets it, --price none leaves it out';

/**
 * `assumed, not given: 1 vCPU at aws/c7a/on-demand (2026-02) for every worker`
 * @returns undefined where no price was assumed
 */
export function describeAssumed(workers: readonly Priced[]): string | undefined {
  const groups = new Map<string, string[]>();
  for (const { worker_id, price_assumed: from, price_date } of workers) {
    if (from === undefined) continue;
    const text = price_date === undefined ? from : `${from} (${price_date})`;
    groups.set(text, [...(groups.get(text) ?? []), worker_id]);
  }
  if (groups.size === 0) return undefined;
  const whom = (ids: readonly string[]) =>
    ids.length === workers.length ? 'every worker' : ids.length > mostNames ? `${ids.length} workers` : ids.join(', ');
  return `assumed, not given: ${[...groups].map(([text, ids]) => `${text} for ${whom(ids)}`).join('; ')}`;
}
