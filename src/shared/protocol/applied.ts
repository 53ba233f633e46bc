/** States of a run, as replicas have them. */
import type { Applied } from './messages.ts';

/** What a replica has that is as it was made. */
export const asMade: Applied = { step: 0, generation: 0 };

export function isSameState(a: Applied | undefined, b: Applied | undefined): boolean {
  return a?.step === b?.step && a?.generation === b?.generation;
}
