/** Whether a worker that lost its coordinator may join the one that answers now: a pure decision. */

import { badInput, PennygradError } from '../shared/core/errors.ts';
import { describeModel, describeUpdates } from '../shared/model/model-spec.ts';
import type { CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';

type Welcome = MessageOf<CoordinatorMessage, 'welcome'>;

export type RejoinDecision =
  | { readonly kind: 'join' }
  /** Another coordinator of the run has begun a later generation. The worker looks for that one. */
  | { readonly kind: 'out-of-date'; readonly reason: string }
  | { readonly kind: 'give-up'; readonly error: PennygradError };

/**
 * @param before what the worker was told when it first joined
 * @param generation the last generation of the run that it was in, 0 if none
 */
export function decideRejoin(before: Welcome, generation: number, now: Welcome): RejoinDecision {
  if (now.run !== before.run) {
    const message = `the coordinator now runs ${now.run}, and this worker keeps the state of ${before.run}; start it again`;
    return { kind: 'give-up', error: new PennygradError('quorum-lost', message) };
  }
  const was = fieldsOf(before);
  const other = fieldsOf(now).findIndex(([, value], i) => value !== was[i]?.[1]);
  if (other >= 0) {
    const [name, value] = fieldsOf(now)[other] ?? [];
    const message = `run ${now.run} has changed: its ${name} was ${was[other]?.[1]} and is ${value}; start this worker again`;
    return { kind: 'give-up', error: badInput(message) };
  }
  if (now.generation < generation) {
    const reason =
      `this coordinator knows of ${now.generation} generations of ${now.run}, and generation ${generation} has begun: ` +
      'another coordinator has taken the run over';
    return { kind: 'out-of-date', reason };
  }
  return { kind: 'join' };
}

/** What a run may not change while a worker keeps its state: as many for any run. */
function fieldsOf({ model, optimizer, seed, dataset }: Welcome): readonly (readonly [name: string, value: string])[] {
  return [
    ['model', describeModel(model)],
    ...describeUpdates(optimizer),
    ['seed', String(seed)],
    ['dataset digest', dataset.digest],
  ];
}
