/** A worker's part in one generation: it carries out orders until told to stop. */
import type { Engine } from '../engine/engine.ts';
import { collectiveOf, isAllReduceName } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { epochOrder, type Interval } from '../shared/core/sampling.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';
import type { CoordinatorLink, Order } from './coordinator-link.ts';
import { evaluate, predict, type Reply, reportState, restore } from './requests.ts';
import { createStepRunner } from './step.ts';
import { startUsageMeter } from './usage-meter.ts';
import type { WorkerObserver } from './worker-observer.ts';

export interface SessionOptions {
  readonly link: CoordinatorLink;
  readonly quorum: MessageOf<CoordinatorMessage, 'quorum'>;
  readonly engine: Engine;
  readonly dataset: Dataset;
  /** In which gradients travel. */
  readonly buckets: readonly Interval[];
  readonly seed: number;
  readonly checksumEvery: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly observer: WorkerObserver;
  /** What the worker is doing now, for its last words. */
  readonly onPhase: (phase: string) => void;
}

/** @returns why the run is over; rejects with what ended this worker otherwise */
export async function runSession(options: SessionOptions): Promise<string> {
  const { link, engine, dataset, observer, checksumEvery } = options;
  const { rank, worldSize, allReduce: name } = options.quorum;
  if (!isAllReduceName(name))
    throw new PennygradError('run-failed', `the run's all-reduce '${name}' is not known here`);
  const allReduce = collectiveOf(name).createRank({
    rank,
    worldSize,
    buckets: options.buckets,
    sendToHub: link.send,
    signal: AbortSignal.any([link.signal, link.aborted]),
  });
  link.setReducedSink(allReduce.receive);
  const usage = startUsageMeter(options.clock);
  const orderOf = memoizedOrder(options.seed, dataset.trainCount);
  const runStep = createStepRunner({ engine, allReduce, link, usage, checksumEvery, orderOf, observer });
  const send = ({ body, tensors }: Reply) => link.send(body, tensors);
  /** Steps of the run that this replica has applied. */
  let applied: number | undefined;

  async function carryOut(order: Exclude<Order, { type: 'stop' }>): Promise<void> {
    switch (order.type) {
      case 'assign':
        await runStep(order);
        applied = order.step + 1;
        break;
      case 'evaluate':
        send(await evaluate(engine, order, usage, link.aborted));
        observer.evaluated(order.to - order.from);
        break;
      case 'report-state':
        send(await reportState(engine, order, usage, applied));
        break;
      case 'restore':
        send(await restore(engine, order, usage));
        break;
      case 'predict':
        send(await predict(engine, dataset, order, usage));
        break;
      case 'welcome':
      case 'refuse':
      case 'quorum':
        throw unexpected(order);
      default:
        order satisfies never;
    }
  }

  for (;;) {
    options.onPhase('idle');
    const order = await link.nextOrder();
    usage.lap('idle');
    options.onPhase(phaseOf(order));
    if (order.type === 'stop') return order.reason;
    try {
      await carryOut(order);
    } catch (error) {
      if (error !== link.aborted.reason) throw error;
      // The replica is as the last commit left it. Time went by in waiting for the member that was lost.
      usage.lap('wait');
    }
  }
}

export function unexpected(order: Order): PennygradError {
  return new PennygradError('run-failed', `the coordinator sent '${order.type}' out of turn`);
}

/** What an order makes a worker do, in a word for people. */
function phaseOf({ type }: Order): string {
  return type === 'assign' ? 'step' : type;
}

/** The order of an epoch is asked for once a step, and made once an epoch. */
function memoizedOrder(seed: number, sampleCount: number): (epoch: number) => Uint32Array {
  let current: { epoch: number; order: Uint32Array } | undefined;
  return (epoch) => {
    if (current?.epoch !== epoch) current = { epoch, order: epochOrder(seed, epoch, sampleCount) };
    return current.order;
  };
}
