/** How many steps are assigned ahead. Pure. */
import { mostAssignedAhead } from '../../shared/protocol/limits.ts';

/**
 * Where ranks go through steps by themselves, they are given enough for this long. A budget, a newcomer and Ctrl-C wait for as
 * long, until all that was assigned is done.
 */
const aheadSeconds = 0.25;

/**
 * @param assigned steps before this one have been assigned
 * @param runsAhead whether ranks go on to the next step without the coordinator
 * @param stepSeconds what the last step took; undefined before the first
 * @returns before which step all are to be assigned
 */
export function assignUntil({
  step,
  assigned,
  runsAhead,
  stepSeconds,
}: {
  readonly step: number;
  readonly assigned: number;
  readonly runsAhead: boolean;
  readonly stepSeconds: number | undefined;
}): number {
  // One ahead, so that nobody waits for the next one.
  if (!runsAhead || stepSeconds === undefined) return step + 2;
  const ahead = Math.min(Math.max(2, Math.round(aheadSeconds / stepSeconds)), mostAssignedAhead);
  // Several at a time: each message costs the coordinator as much as the steps that are in it.
  return assigned - step > ahead / 2 ? assigned : step + ahead;
}
