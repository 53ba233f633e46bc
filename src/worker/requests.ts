/** What a member answers between steps: test passes, its state, a state to take over, predictions. */
import type { Engine } from '../engine/engine.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { type EventLoopTurn, eventLoopTurn } from '../shared/core/event-loop-turn.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import type { RestoreOrder } from './coordinator-link.ts';
import type { Replica } from './replica.ts';
import type { StateReply } from './state-transfers.ts';
import { diverged } from './step.ts';
import type { UsageMeter } from './usage-meter.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

/** A message and the tensors that travel with it. */
export interface Reply {
  readonly body: Body<WorkerMessage>;
  readonly tensors: readonly Float32Array[];
}

/** Test images that are evaluated at a time; between two slices the worker's program gets on with other things. */
const evaluationSlice = 250;

export async function evaluate(
  engine: Engine,
  { request, split, from, to }: From<'evaluate'>,
  usage: UsageMeter,
  aborted: AbortSignal,
  turn: EventLoopTurn = eventLoopTurn,
): Promise<Reply> {
  let lossSum = 0;
  let correct = 0;
  for (let start = from; start < to; start += evaluationSlice) {
    const slice = await engine.evaluate(split, start, Math.min(start + evaluationSlice, to));
    lossSum += slice.lossSum;
    correct += slice.correct;
    if (!Number.isFinite(lossSum)) throw diverged(`on ${split} images`, lossSum);
    await turn();
    if (aborted.aborted) usage.lap('evaluate');
    aborted.throwIfAborted();
  }
  usage.lap('evaluate');
  return {
    body: { type: 'evaluated', request, samples: to - from, lossSum, correct, usage: usage.totals() },
    tensors: [],
  };
}

export async function reportState(
  engine: Engine,
  { request, extent }: From<'report-state'>,
  usage: UsageMeter,
  { applied, trained, feedback }: Pick<Replica, 'applied' | 'trained' | 'feedback'>,
): Promise<StateReply> {
  const parameters = await engine.getParameters();
  const parametersChecksum = parameterChecksum(parameters);
  const { topology, weightSpecs } = engine.artifacts();
  const optimizer = extent === 'state' ? await engine.getOptimizerState() : undefined;
  const vectors = {
    checksum: () => [],
    parameters: () => [parameters],
    residual: () => residualOf(feedback),
    'parameters-and-residual': () => [parameters, ...residualOf(feedback)],
    state: () => [parameters, ...(optimizer?.slots ?? []), ...residualOf(feedback)],
  } as const satisfies Record<typeof extent, () => readonly Float32Array[]>;
  usage.skip();
  return {
    body: {
      type: 'state',
      request,
      usage: usage.totals(),
      applied,
      trained,
      parametersChecksum,
      state: optimizer && { topology, weightSpecs, optimizerIterations: optimizer.iterations },
    },
    tensors: vectors[extent](),
  };
}

/** What a replica of a run with compression has kept back. */
function residualOf(feedback: Replica['feedback']): readonly Float32Array[] {
  return feedback === undefined ? [] : [feedback.residual()];
}

/** Engines may keep their input, so they get copies of what is only lent. A residual is the last of the slots. */
export async function restore(
  engine: Engine,
  { request, optimizerIterations, ownsResidual, tensors, areLent }: RestoreOrder,
  usage: UsageMeter,
  { feedback }: Pick<Replica, 'feedback'>,
): Promise<Reply> {
  const [parameters, ...slots] = areLent ? tensors.map((tensor) => tensor.slice()) : tensors;
  if (parameters === undefined) throw new PennygradError('run-failed', 'the coordinator sent no parameters to restore');
  await engine.setParameters(parameters);
  const residual = feedback === undefined ? undefined : slots.pop();
  await engine.setOptimizerState({ iterations: optimizerIterations, slots });
  feedback?.replace(ownsResidual === true ? residual : undefined);
  const parametersChecksum = parameterChecksum(await engine.getParameters());
  usage.lap('load');
  return { body: { type: 'restored', request, usage: usage.totals(), parametersChecksum }, tensors: [] };
}

export async function predict(
  engine: Engine,
  { test, imageShape: [height, width, channels] }: Dataset,
  { request, count }: From<'predict'>,
  usage: UsageMeter,
): Promise<Reply> {
  const images = test.images.subarray(0, count * height * width * channels);
  const probabilities = await engine.predict(images, count);
  usage.lap('evaluate');
  return { body: { type: 'predicted', request, usage: usage.totals() }, tensors: [probabilities] };
}
