/** Which runs can be compared. Pure. */
import { badInput } from '../../shared/core/errors.ts';
import type { Summary } from '../record/summary.ts';
import type { ComparedRun } from './compared-fleets.ts';
import { describeMixture } from './one-fleet.ts';

/**
 * The runs that were completed, by one fleet at one price.
 * @throws bad-input when there are none, or they trained different things
 */
export function comparableRuns(runs: readonly ComparedRun[]): readonly [ComparedRun, ...ComparedRun[]] {
  const [first, ...others] = runs.filter((run) => whyLeftOut(run) === undefined);
  if (first === undefined) {
    const [reason, ...more] = runs.map((run) => `${run.folder}, ${whyLeftOut(run)}`);
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw badInput(`none of the runs can be compared: ${reason}${others}`);
  }
  const used = [first, ...others] as const;
  requireSame('dataset', used, ({ dataset }) => dataset.name);
  requireSame('number of images', used, ({ dataset }) => `${dataset.train} + ${dataset.test}`);
  requireSame('data', used, ({ dataset }) => describeData(dataset));
  requireSame('model', used, ({ model }) => `${model.name} of ${model.parameters} parameters`);
  return used;
}

/** Why a run is no measurement of a fleet; undefined where it is one. */
export function whyLeftOut({ summary }: ComparedRun): string | undefined {
  if (summary.status !== 'completed') return `which is ${summary.status}`;
  if (summary.samples_per_second === 0) return 'which trained no step';
  const mixture = describeMixture(summary);
  return mixture === undefined ? undefined : `which was not one fleet at one price: ${mixture}`;
}

/** `mnist of SHA-256 440fcabf…, 2669…`: its files in the order of their names. */
function describeData({ name, sha256 }: Summary['dataset']): string {
  const sums = Object.keys(sha256)
    .sort()
    .map((file) => `${sha256[file]?.slice(0, 8)}…`);
  return sums.length === 0 ? name : `${name} of SHA-256 ${sums.join(' ')}`;
}

function requireSame(what: string, runs: readonly ComparedRun[], of: (summary: Summary) => string): void {
  const values = [...new Set(runs.map(({ summary }) => of(summary)))];
  if (values.length > 1) {
    throw badInput(`the runs differ in ${what}: ${values.join(', ')}; their costs do not compare, name runs of one`);
  }
}
