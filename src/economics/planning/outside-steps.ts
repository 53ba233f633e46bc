/** The time that a run takes outside its steps: start-up, test passes, the end. Pure: from summaries of measured runs. */

import { meanOf } from '../../shared/core/sums.ts';
import type { ComparedRun } from '../comparison/compared-fleets.ts';
import { endSecondsOf, leadSecondsOf, startupSecondsOf } from '../comparison/run-times.ts';

export interface OutsideSteps {
  /** From the start of the coordinator to the start of its workers, which cost nothing before. */
  readonly leadSeconds: number;
  /** From the start of a single worker's process to its first step: `startup` in its ledger. */
  readonly startupSeconds: number;
  /** What each further worker adds to the start-up of every worker: on one machine they share cores. */
  readonly startupSecondsPerWorker: number;
  /** For one test image on one worker of the first kind. Test images are shared out by speed. */
  readonly evaluateSecondsPerImage: number;
  /** After steps and test passes: saving checkpoints, leaving. */
  readonly endSeconds: number;
}

/** What a modelled run does. */
export interface Work {
  readonly workers: number;
  /** Speed of all workers together, in workers of the first kind. */
  readonly speed: number;
  /** Duration of all steps together. */
  readonly stepSeconds: number;
  readonly evaluations: number;
  readonly testImages: number;
}

/** @param speedOf speed of a run's workers together, in workers of the first kind */
export function fitOutsideSteps(runs: readonly ComparedRun[], speedOf: (run: ComparedRun) => number): OutsideSteps {
  const startups = runs.map(({ summary }) => ({ others: summary.world_size - 1, seconds: startupSecondsOf(summary) }));
  const perWorker = Math.max(0, slopeOf(startups));
  const perImage = runs.flatMap((run) => {
    const { dataset, epochs } = run.summary;
    return epochs.map(({ evaluate_seconds }) => (evaluate_seconds * speedOf(run)) / dataset.test);
  });
  return {
    leadSeconds: meanOf(runs.map(({ summary }) => leadSecondsOf(summary))),
    startupSeconds: Math.max(0, meanOf(startups.map(({ others, seconds }) => seconds - perWorker * others))),
    startupSecondsPerWorker: perWorker,
    evaluateSecondsPerImage: meanOf(perImage),
    endSeconds: meanOf(runs.map(({ summary }) => endSecondsOf(summary))),
  };
}

/** How long each worker is alive, and so costs money. */
export function paidSeconds(
  { startupSeconds, startupSecondsPerWorker, evaluateSecondsPerImage, endSeconds }: OutsideSteps,
  { workers, speed, stepSeconds, evaluations, testImages }: Work,
): number {
  const startup = startupSeconds + startupSecondsPerWorker * (workers - 1);
  const evaluation = (evaluateSecondsPerImage * testImages) / speed;
  return startup + stepSeconds + evaluations * evaluation + endSeconds;
}

/** The slope of the least-squares line; 0 where all points have the same number of others. */
function slopeOf(points: readonly { readonly others: number; readonly seconds: number }[]): number {
  const [x, y] = [meanOf(points.map(({ others }) => others)), meanOf(points.map(({ seconds }) => seconds))];
  const spread = points.reduce((sum, { others }) => sum + (others - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, point) => sum + (point.others - x) * (point.seconds - y), 0) / spread;
}
