/** Checks an answer and its tensors against the order that it answers. Pure. */
import { firstBeyond, largestFloat32 } from '../../shared/core/first-beyond.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { parameterChecksum } from '../../shared/model/parameter-checksum.ts';
import { variableSizes } from '../../shared/model/training-state.ts';
import { isSameState } from '../../shared/protocol/applied.ts';
import type { Applied, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { checkFigures } from './figures-check.ts';
import type { Answer, MemberState } from './generation-state.ts';
import { diverged, type Refusal, wrong } from './refusal.ts';

/** What members train, as far as their answers show it. */
export interface AnsweringModel {
  readonly parameterCount: number;
  readonly classes: number;
  /** Vectors that the optimizer keeps beside the parameters. */
  readonly slots: number;
}

/** The vectors of a state that was asked for, in floats. */
export function stateLengths(
  { parameterCount, slots }: AnsweringModel,
  extent: Order<'report-state'>['extent'],
): readonly number[] {
  const vectors = { checksum: 0, parameters: 1, residual: 1, 'parameters-and-residual': 2, state: 1 + slots }[extent];
  return Array<number>(vectors).fill(parameterCount);
}

/** Undefined of a rank that nothing is known of. */
type Seen = Pick<MemberState, 'applied' | 'offered' | 'ahead' | 'behind'> | undefined;
type Tensors = readonly Float32Array[];
type Order<Type extends CoordinatorMessage['type']> = Body<MessageOf<CoordinatorMessage, Type>>;

/**
 * @param seen what the member's replica may have seen
 * @param arrived the CRC-32 of the parameters of a state that came in chunks; its floats were checked as they came
 * @returns undefined where the answer is one to this order
 */
export function checkAnswer(
  order: Body<CoordinatorMessage>,
  message: Answer,
  tensors: Tensors,
  model: AnsweringModel,
  seen: Seen,
  arrived?: { readonly parametersChecksum: number },
): Refusal | undefined {
  const what = `a wrong '${message.type}' to request ${message.request}`;
  switch (message.type) {
    case 'evaluated': {
      const { from, to, split } = order as Order<'evaluate'>;
      return checkShapes(tensors, [], what) ?? checkFigures(message, to - from, what, `on ${split} images`);
    }
    case 'state':
      return (
        checkApplied(message, seen, what) ??
        checkTrained(message, what) ??
        (arrived === undefined ? checkVectors(order as Order<'report-state'>, tensors, model, what) : undefined) ??
        checkState(order as Order<'report-state'>, message, model, what) ??
        checkChecksum(
          order as Order<'report-state'>,
          message,
          arrived?.parametersChecksum ?? checksumOf(tensors),
          what,
        ) ??
        checkFinite(tensors, 'state')
      );
    case 'predicted': {
      const { count } = order as Order<'predict'>;
      return (
        checkShapes(tensors, [count * model.classes], what) ??
        checkFinite(tensors, 'predictions') ??
        checkProbabilities(tensors, what)
      );
    }
    case 'restored':
    case 'linked':
    case 'measured':
      return checkShapes(tensors, [], what);
    default:
      return message satisfies never;
  }
}

/**
 * Equal checksums would not tell: where gradients vanish, a step changes nothing. Whether a member has taken over what it was
 * sent before a loss, and how far it has come where steps are not committed, only its answer tells.
 */
function checkApplied(
  { applied: told }: MessageOf<WorkerMessage, 'state'>,
  seen: Seen,
  what: string,
): Refusal | undefined {
  const { applied, offered, ahead, behind } = seen ?? {};
  if (isSameState(told, applied) || (offered !== undefined && isSameState(told, offered))) return undefined;
  if (behind !== undefined && isSameState(told, behind.applied)) return undefined;
  const known = applied?.step ?? 0;
  const isAhead = ahead !== undefined && told?.generation === ahead.generation;
  if (isAhead && told !== undefined && told.step > known && told.step <= ahead.step) return undefined;
  const possible = [behind?.applied, applied, offered, ahead].flatMap((state) =>
    state === undefined ? [] : describe(state),
  );
  return wrong(what, `applied must be ${possible.join(' or ') || 'left out'}, got ${told ? describe(told) : 'none'}`);
}

/** The steps that it says led to what it has. */
function checkTrained({ applied, trained }: MessageOf<WorkerMessage, 'state'>, what: string): Refusal | undefined {
  if (trained === undefined) return undefined;
  const end = { step: trained.since.step + trained.steps.length, generation: trained.generation };
  if (!isSameState(end, applied))
    return wrong(what, `trained must end with ${applied ? describe(applied) : 'nothing'}, ends with ${describe(end)}`);
  const odd = trained.steps.find(({ bounds }) => bounds.length !== trained.workers.length + 1);
  if (odd === undefined) return undefined;
  return wrong(what, `trained must have ${trained.workers.length + 1} bounds a step, got ${odd.bounds.length}`);
}

function describe({ step, generation }: Applied): string {
  return `step ${step} of generation ${generation}`;
}

/** Rounding may take a probability a little over 1. */
function checkProbabilities(tensors: Tensors, what: string): Refusal | undefined {
  const odd = tensors.flatMap((tensor) => tensor.find((value) => value < 0 || value > 1 + 1e-6) ?? [])[0];
  return odd === undefined ? undefined : wrong(what, `probabilities must be from 0 to 1, got ${odd}`);
}

function checkVectors(
  { extent }: Order<'report-state'>,
  tensors: Tensors,
  model: AnsweringModel,
  what: string,
): Refusal | undefined {
  return checkShapes(tensors, stateLengths(model, extent), what);
}

function checkState(
  { extent }: Order<'report-state'>,
  { state }: MessageOf<WorkerMessage, 'state'>,
  { parameterCount }: AnsweringModel,
  what: string,
): Refusal | undefined {
  if (extent === 'state' && state === undefined) return wrong(what, 'state must be there, got none');
  if (state === undefined) return undefined;
  const described = sumOf(variableSizes(state.weightSpecs));
  if (described === parameterCount) return undefined;
  return wrong(what, `weightSpecs must describe ${parameterCount} parameters, got ${described}`);
}

/** @param actual of the first vector, where one came */
function checkChecksum(
  { extent }: Order<'report-state'>,
  { parametersChecksum }: MessageOf<WorkerMessage, 'state'>,
  actual: number | undefined,
  what: string,
): Refusal | undefined {
  const hasParameters = actual !== undefined && extent !== 'residual';
  if (!hasParameters || actual === parametersChecksum) return undefined;
  return wrong(what, `parametersChecksum must be that of its parameters, ${actual}, got ${parametersChecksum}`);
}

function checksumOf([first]: Tensors): number | undefined {
  return first && parameterChecksum(first);
}

function checkShapes(tensors: Tensors, lengths: readonly number[], what: string): Refusal | undefined {
  if (tensors.length !== lengths.length)
    return wrong(what, `it must have ${lengths.length} tensors, got ${tensors.length}`);
  const odd = lengths.findIndex((length, i) => tensors[i]?.length !== length);
  if (odd < 0) return undefined;
  return wrong(what, `tensor ${odd} must have ${lengths[odd]} floats, got ${tensors[odd]?.length}`);
}

function checkFinite(tensors: Tensors, name: string): Refusal | undefined {
  for (const tensor of tensors) {
    const odd = firstBeyond(tensor, largestFloat32);
    if (odd !== undefined) return diverged(`the ${name} of the model became ${tensor[odd]}`);
  }
  return undefined;
}
