/** Tells what members have spent on steps: on several at once where these were voted for together. */
import { addSpent } from '../../shared/core/phases.ts';
import type { MemberSpent, RunObserver } from '../run-events.ts';

export interface SpentReport {
  /** @param redone as in the event `spent` */
  add(members: readonly MemberSpent[], redone: boolean): void;
  /** Tells what was added since this was last called. */
  tell(): void;
}

export function createSpentReport(observe: RunObserver): SpentReport {
  let added: { readonly members: readonly MemberSpent[]; readonly redone: boolean } | undefined;

  function tell(): void {
    if (added === undefined) return;
    const { members, redone } = added;
    added = undefined;
    observe({ type: 'spent', members, redone });
  }

  return {
    add(members, redone) {
      if (added?.redone === !redone) tell();
      added = { members: added === undefined ? members : mergeSpent(added.members, members), redone };
    },
    tell,
  };
}

/** What members spent in two spans, one after the other. */
export function mergeSpent(first: readonly MemberSpent[], second: readonly MemberSpent[]): readonly MemberSpent[] {
  const merged = new Map(first.map((member) => [member.workerId, member]));
  for (const member of second) {
    const { workerId, at, seconds, bytes } = member;
    const before = merged.get(workerId);
    const sum = before && {
      workerId,
      at,
      seconds: addSpent(before.seconds, seconds),
      bytes: { sent: before.bytes.sent + bytes.sent, received: before.bytes.received + bytes.received },
    };
    merged.set(workerId, sum ?? member);
  }
  return [...merged.values()];
}
