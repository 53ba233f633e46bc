/** Who is lost: a pure decision over what was last heard of each member. Times in seconds of one steady clock. */
import type { Deadlines } from '../../shared/core/deadlines.ts';

/** What a member is doing, as far as the coordinator knows. */
export type Duty = 'load' | 'rendezvous' | 'compute' | 'communicate' | 'evaluate' | 'checkpoint' | 'predict' | 'idle';

export interface Signs {
  readonly duty: Duty;
  /** Since when it owes us the end of its duty. */
  readonly dutySince: number;
  readonly lastHeard: number;
}

export interface Loss<Member> {
  readonly member: Member;
  readonly reason: string;
}

/**
 * A member that has been silent, or busy with one thing, for longer than its deadline allows; only an evaluation may
 * take as long as it does while the heart beats. Of members that are
 * overdue together the one that still computes is to blame: the others wait for its gradients.
 */
export function findLost<Member extends Signs>(
  members: readonly Member[],
  now: number,
  deadlines: Deadlines,
): Loss<Member> | undefined {
  const silent = members.find(({ lastHeard }) => (now - lastHeard) * 1000 > deadlines.silenceMs);
  if (silent !== undefined) {
    return { member: silent, reason: `silent for ${(now - silent.lastHeard).toFixed(1)} s (frozen, or unreachable)` };
  }
  const overdue = (duty: Duty) =>
    members.find((member) => member.duty === duty && (now - member.dutySince) * 1000 > deadlines.stepMs);
  const stuck = overdue('compute') ?? overdue('communicate') ?? overdue('checkpoint') ?? overdue('predict');
  if (stuck === undefined) return undefined;
  return { member: stuck, reason: `no result for ${(now - stuck.dutySince).toFixed(1)} s, though it is alive` };
}
