/** What a reader must know to trust the figures of a comparison. Pure. */

import { describeRules } from '../record/billing-text.ts';
import { hasWholeEpoch } from '../record/extrapolated-epoch.ts';
import { whyLeftOut } from './comparable-runs.ts';
import type { ComparedRun } from './compared-fleets.ts';
import type { ComparedPoint } from './compared-point.ts';

export function notesOf(
  runs: readonly ComparedRun[],
  used: readonly ComparedRun[],
  points: readonly Pick<ComparedPoint, 'globalBatchSize' | 'runs' | 'usdPerHour'>[],
): readonly string[] {
  const hosts = new Set(used.flatMap(({ summary }) => summary.workers.map(({ host }) => host)));
  const machines = [...new Set(used.map(machinesOf))];
  const fallback = used.find(({ summary }) => summary.dataset.fallback_reason !== undefined);
  return [
    ...runs.flatMap((run) => {
      const reason = whyLeftOut(run);
      return reason === undefined ? [] : [`left out: ${run.folder}, ${reason}`];
    }),
    ...(fallback === undefined ? [] : ['the data is generated digits, not MNIST']),
    ...(points.some((point) => point.usdPerHour === undefined)
      ? ['workers without a price have no costs: pass --price to train, or use reprice']
      : []),
    ...assumedPrices(used),
    ...(used.every(({ summary }) => hasWholeEpoch(summary))
      ? []
      : [
          'extrapolated: no whole epoch was trained in some run, so what an epoch takes and costs follows from a part of one',
        ]),
    ...(points.some((point) => point.usdPerHour !== undefined)
      ? [`billed: ${describeRules(used.flatMap(({ summary }) => summary.workers))}`]
      : []),
    ...(points.some((point) => point.runs.length < 3)
      ? [
          'one run gives no confidence interval, and two give a very wide one: repeat each run three times or more; figures without an interval are compared as they are',
        ]
      : []),
    ...(new Set(points.map(({ globalBatchSize }) => globalBatchSize)).size > 1
      ? ['batches of different sizes learn differently: an epoch at one size is not worth an epoch at another']
      : []),
    ...exchangesOf(used),
    ...(used.some(({ summary }) => summary.workers.some(({ emulated_speed }) => emulated_speed !== undefined))
      ? ['emulated workers are real ones that wait after computing, for as long as a slower card would still compute']
      : []),
    ...(machines.length > 1 && used.some((run) => !sharesMachines(run, used))
      ? [
          `the runs used different machines (${machines.slice(0, mostMachines).join('; ')}${machines.length > mostMachines ? '; …' : ''}): differences between the machines are part of every figure`,
        ]
      : []),
    ...(hosts.size === 1 && used.some(({ summary }) => summary.world_size > 1)
      ? ['all workers shared one machine with its cores and memory; workers on machines of their own would not']
      : []),
  ];
}

/** How all of the runs exchanged, where that is not after each update and with whole gradients. */
function exchangesOf([first]: readonly ComparedRun[]): readonly string[] {
  const { compression, local_steps: localSteps } = first?.summary ?? {};
  return [
    ...(compression === undefined ? [] : [`gradients travelled compressed: --compress ${compression}`]),
    ...(localSteps === undefined
      ? []
      : [`a step has ${localSteps} updates of each worker (--local-steps): batch is what all of them have together`]),
  ];
}

function assumedPrices(used: readonly ComparedRun[]): readonly string[] {
  const workers = used.flatMap(({ summary }) => summary.workers);
  const from = [...new Set(workers.flatMap(({ price_assumed }) => price_assumed ?? []))];
  return from.length === 0
    ? []
    : [`prices that nobody gave are assumed (${from.join('; ')}): pass --price to train for your own, or use reprice`];
}

/** Machines that a note names: in containers every run may have another host name. */
const mostMachines = 5;

/** `alpha, beta` */
function machinesOf({ summary }: ComparedRun): string {
  return [...new Set(summary.workers.map(({ host }) => host))].sort().join(', ');
}

/**
 * Whether a run's machines are a subset or a superset of those of every other run: a fleet on two machines compares with
 * a fleet on one of them.
 */
function sharesMachines(run: ComparedRun, others: readonly ComparedRun[]): boolean {
  const own = machinesOf(run).split(', ');
  return others.every((other) => {
    const theirs = machinesOf(other).split(', ');
    const [few, many] = own.length < theirs.length ? [own, theirs] : [theirs, own];
    return few.every((host) => many.includes(host));
  });
}
