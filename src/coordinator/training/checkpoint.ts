/** A checkpoint: the first member's state, once all replicas are known to be what they should be. */
import { addOnto } from '../../shared/collectives/add-onto.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { Checkpoint, TrainingState } from '../../shared/model/training-state.ts';
import type { Survivors } from '../generation/generation.ts';
import type { Answered } from '../generation/requests.ts';
import { type Member, numericsKey } from '../membership/worker.ts';
import type { RunObserver } from '../run-events.ts';
import { compareReplicas, firstOfEachKey, type ReplicaComparison, requireEqualReplicas } from './replicas.ts';

export type Position = Pick<Checkpoint, 'step' | 'epoch' | 'cursor'>;

/** Where a run is after so many steps. The end of an epoch belongs to it. @param perStep samples */
export function positionAfter(step: number, perStep: number, trainCount: number): Position {
  const perEpoch = stepsPerEpoch(trainCount, perStep);
  const epoch = Math.max(0, Math.ceil(step / perEpoch) - 1);
  return { step, epoch, cursor: Math.min((step - epoch * perEpoch) * perStep, trainCount) };
}

export interface CheckpointContext {
  readonly observe: RunObserver;
  readonly clock: Clock;
  /** The members' time since the last commit went to a step that came to nothing. */
  readonly wasted?: boolean;
}

/** A checkpoint that was taken, and how far apart the replicas were then. */
export interface Taken {
  readonly replicas: ReplicaComparison;
  readonly state: TrainingState;
}

/** @throws run-failed when the replicas are not the same */
export async function saveCheckpoint(
  { members, parameterCount, keepsResiduals, reportState, takeSpent }: Survivors,
  position: Position,
  { observe, clock, wasted = false }: CheckpointContext,
): Promise<Taken> {
  const began = clock.now();
  const compared = firstOfEachKey(members.map(numericsKey));
  const answers = await reportState((place) => {
    if (place === 0) return 'state';
    if (compared.includes(place)) return keepsResiduals ? 'parameters-and-residual' : 'parameters';
    return keepsResiduals ? 'residual' : 'checksum';
  });
  observe({ type: 'spent', members: takeSpent(), redone: wasted });
  requireEqualReplicas(
    members,
    answers.map(({ message }) => message.parametersChecksum),
    position.step,
  );
  const replicas = compareReplicas(members, answers, parameterCount, position.step);
  const { message, tensors } = answers[0] as Answered<'state'>;
  // They were compared, as they are of every first rank.
  const [parameters, ...slots] = tensors as [Float32Array, ...Float32Array[]];
  const { state } = message;
  if (state === undefined || slots.some((slot) => slot.length !== parameterCount)) {
    const { rank } = members[0] as Member;
    throw new PennygradError('run-failed', `rank ${rank} sent no complete state for the checkpoint`);
  }
  if (keepsResiduals) slots.push(addUpResiduals(slots.pop(), answers.slice(1)));
  const checkpoint: Checkpoint = {
    ...position,
    state: { parameters, optimizer: { iterations: state.optimizerIterations, slots } },
    artifacts: { topology: state.topology, weightSpecs: state.weightSpecs },
  };
  observe({ type: 'checkpoint', checkpoint, seconds: clock.now() - began });
  return { replicas, state: checkpoint.state };
}

/** What no member has sent yet of its gradients. Whoever goes on from the checkpoint is to send all of it, once. */
function addUpResiduals(first: Float32Array | undefined, others: readonly Answered<'state'>[]): Float32Array {
  const sum = Float32Array.from(first ?? []);
  for (const { tensors } of others) {
    const residual = tensors.at(-1);
    if (residual !== undefined) addOnto(sum, residual);
  }
  return sum;
}
