/** Which runs can be compared. Pure. */
import { badInput } from '../../shared/core/errors.ts';
import type { Summary } from '../record/summary.ts';
import type { ComparedRun } from './compared-fleets.ts';
import { describeMixture } from './one-fleet.ts';

/**
 * The completed runs whose workers and prices did not change.
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
  // The same data may have another path on another host.
  if (new Set(used.map(({ summary }) => identifyData(summary.dataset))).size > 1) {
    requireSame('dataset', used, ({ dataset }) => dataset.name);
    requireSame('number of images', used, ({ dataset }) => `${dataset.train} + ${dataset.test}`);
    requireSame('data', used, ({ dataset }) => describeData(dataset));
  }
  // A step would not be the same work for runs of one batch size.
  requireSame('local steps', used, ({ local_steps = 1 }) => String(local_steps));
  requireSame('compression', used, ({ compression = 'none' }) => compression);
  requireSame('model', used, ({ model }) => `${model.name} with ${model.parameters} parameters`);
  return used;
}

/** @returns why a run does not measure a fleet, as a relative clause; undefined when it does */
export function whyLeftOut({ summary }: ComparedRun): string | undefined {
  if (summary.status !== 'completed') return `which ${summary.status === 'failed' ? 'failed' : 'was interrupted'}`;
  if (summary.samples_per_second === 0) return 'which trained no step';
  const mixture = describeMixture(summary);
  return mixture === undefined ? undefined : `whose workers or prices changed: ${mixture}`;
}

function identifyData({ name, train, test, sha256 }: Summary['dataset']): string {
  const sums = Object.entries(sha256).sort(([a], [b]) => a.localeCompare(b));
  return JSON.stringify([train, test, sums.length === 0 ? name : sums]);
}

/** `mnist with SHA-256 440fcabf… 2669…`, files in the order of their names. */
function describeData({ name, sha256 }: Summary['dataset']): string {
  const sums = Object.keys(sha256)
    .sort()
    .map((file) => `${sha256[file]?.slice(0, 8)}…`);
  return sums.length === 0 ? name : `${name} with SHA-256 ${sums.join(' ')}`;
}

function requireSame(what: string, runs: readonly ComparedRun[], of: (summary: Summary) => string): void {
  const values = [...new Set(runs.map(({ summary }) => of(summary)))];
  if (values.length > 1) {
    throw badInput(
      `the runs differ in ${what}: ${values.join(', ')}; their costs cannot be compared, name runs that have it in common`,
    );
  }
}
