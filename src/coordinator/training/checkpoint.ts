/** A checkpoint: rank 0's state, once all replicas are known to be what they should be. */
import { PennygradError } from '../../shared/core/errors.ts';
import type { Checkpoint } from '../../shared/model/training-state.ts';
import type { Generation } from '../generation/generation.ts';
import type { RunObserver } from '../run-events.ts';
import {
  compareReplicas,
  firstOfEachKey,
  numericsKey,
  type ReplicaComparison,
  requireEqualReplicas,
} from './replicas.ts';

export async function saveCheckpoint(
  generation: Generation,
  observe: RunObserver,
  position: Pick<Checkpoint, 'step' | 'epoch' | 'cursor'>,
): Promise<ReplicaComparison> {
  const { members, parameterCount } = generation;
  const answers = await generation.reportState(firstOfEachKey(members.map(numericsKey)));
  observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  requireEqualReplicas(
    members,
    answers.map(({ message }) => message.parametersChecksum),
    position.step,
  );
  const replicas = compareReplicas(members, answers, parameterCount, position.step);
  const [first] = answers;
  const state = first?.message.state;
  const [parameters, ...slots] = first?.tensors ?? [];
  const complete = [parameters, ...slots].every((vector) => vector?.length === parameterCount);
  if (state === undefined || parameters === undefined || !complete) {
    throw new PennygradError('run-failed', 'rank 0 sent no complete state for the checkpoint');
  }
  const checkpoint: Checkpoint = {
    ...position,
    state: { parameters, optimizer: { iterations: state.optimizerIterations, slots } },
    artifacts: { topology: state.topology, weightSpecs: state.weightSpecs },
  };
  observe({ type: 'checkpoint', checkpoint });
  return replicas;
}
