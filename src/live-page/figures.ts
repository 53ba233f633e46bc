/** The words and figures of the page. Pure: from the state. */
import { formatCount, formatLoss, formatPercent, formatSeconds, formatUsd } from '../shared/core/number-format.ts';
import type { LiveState, LiveWorker } from '../shared/protocol/live/live-state.ts';

/** Shown where there is no value yet. */
export const nothing = '–';

export interface Figure {
  readonly value: string;
  readonly note: string;
}

export interface Figures {
  readonly progress: Figure & { readonly ratio: number };
  readonly accuracy: Figure;
  readonly loss: Figure;
  readonly throughput: Figure;
  /** Fraction of the budget that is spent; undefined without a budget. */
  readonly cost: Figure & { readonly budgetRatio: number | undefined };
}

export function describeFigures(state: LiveState): Figures {
  const { run, progress, workers } = state;
  const last = state.epochs.at(-1);
  const left = progress.etaSeconds;
  return {
    progress: {
      value: `epoch ${formatCount(progress.epoch)}/${formatCount(run.epochs)}`,
      ratio: progress.step / run.totalSteps,
      note:
        left === undefined
          ? `${formatCount(progress.step)} steps, ${formatSeconds(progress.elapsedSeconds)}`
          : `step ${formatCount(progress.step)} of ${formatCount(run.totalSteps)} · ${formatSeconds(left)} to go`,
    },
    accuracy: {
      value: last === undefined ? nothing : formatPercent(last.testAccuracy, 2),
      note: progress.accuracy === undefined ? '' : `in training, this epoch: ${formatPercent(progress.accuracy)}`,
    },
    loss: {
      value: progress.loss === undefined ? nothing : formatLoss(progress.loss),
      note: last === undefined ? 'this epoch' : `this epoch; last test: ${formatLoss(last.testLoss)}`,
    },
    throughput: {
      value: progress.samplesPerSecond === undefined ? nothing : `${formatCount(progress.samplesPerSecond)}/s`,
      note: `samples, ${workers.length} worker${workers.length === 1 ? '' : 's'}, this epoch`,
    },
    cost: describeCost(state),
  };
}

function describeCost({ cost, budget, workers }: LiveState): Figures['cost'] {
  if (cost === undefined) {
    const note = workers.length === 0 ? '' : 'no worker has a price; set one with --price';
    return { value: nothing, note, budgetRatio: undefined };
  }
  const unpriced = workers.filter(({ priceUsdPerHour }) => priceUsdPerHour === undefined).length;
  const billed = budget?.basis === 'billed';
  const spent = billed ? (cost.billedUsd ?? 0) : cost.usd;
  const budgetRatio = budget?.usd === undefined ? undefined : Math.min(1, spent / budget.usd);
  const lasts = budget?.secondsLeft;
  return {
    value: formatUsd(cost.usd),
    budgetRatio,
    note: [
      `${formatUsd(cost.usdPerHour)}/h${describeAssumptions(workers)}`,
      ...(cost.lastEpochUsd === undefined ? [] : [`${formatUsd(cost.lastEpochUsd)} per epoch`]),
      ...(cost.projectedUsd === undefined ? [] : [`${formatUsd(cost.projectedUsd)} projected`]),
      ...(budgetRatio === undefined
        ? []
        : [`${formatPercent(budgetRatio, 0)} of ${formatUsd(budget?.usd ?? 0)}${billed ? ' billed' : ''}`]),
      ...(lasts === undefined ? [] : [`budget lasts ${formatSeconds(lasts)}`]),
      ...(unpriced === 0 ? [] : [`${unpriced} without a price`]),
    ].join(' · '),
  };
}

/** Which part of the price nobody gave. */
function describeAssumptions(workers: LiveState['workers']): string {
  const assumed = workers.filter(({ priceAssumed }) => priceAssumed !== undefined).length;
  return assumed === 0 ? '' : assumed === workers.length ? ' assumed' : `, assumed for ${assumed} of ${workers.length}`;
}

/** `mnist · cnn · adam · batch 64 · seed 1` */
export function describeSubject({ run }: LiveState): string {
  return [run.dataset, run.model, run.optimizer, `batch ${formatCount(run.globalBatchSize)}`, `seed ${run.seed}`].join(
    ' · ',
  );
}

/** `training`, and how slow it is while it is a straggler. */
export function describeStatus({ status, stragglerSlowdown: slowdown }: LiveWorker): string {
  if (slowdown === undefined) return status;
  return `${status}, a straggler: a sample takes it ${slowdown.toFixed(1)} times as long`;
}

export function describeStage({ stage, run, progress }: LiveState): string {
  const epoch = `epoch ${formatCount(progress.epoch)} of ${formatCount(run.epochs)}`;
  switch (stage.name) {
    case 'waiting':
      if (stage.reason !== undefined) return `Waiting for workers: ${stage.reason}`;
      return `Waiting for ${run.worldSize === 1 ? 'a worker' : `${run.worldSize} workers`}`;
    case 'training':
      return progress.epoch === 0 ? 'Training begins' : `Training, ${epoch}`;
    case 'testing':
      return `Testing after ${epoch}`;
    case 'completed':
      return 'Finished';
    case 'interrupted':
      return `Interrupted: ${stage.reason ?? 'no reason given'}`;
    case 'failed':
      return `Failed: ${stage.reason ?? 'no reason given'}`;
    default:
      return stage.name satisfies never;
  }
}

/** Shown with the stage while there is no connection. */
export function describeSilence(state: LiveState | undefined): string {
  const ended = state !== undefined && ['completed', 'interrupted', 'failed'].includes(state.stage.name);
  return ended ? 'the next run on this port will appear here' : 'no connection, trying again';
}
