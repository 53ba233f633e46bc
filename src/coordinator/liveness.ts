/** Who is lost: a pure decision over what was last heard of each member. Times in seconds of one steady clock. */
import type { Deadlines } from '../shared/core/deadlines.ts';

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

/** The first member that has been silent, or busy with one step, for longer than its deadline allows. */
export function findLost<Member extends Signs>(
  members: Iterable<Member>,
  now: number,
  deadlines: Deadlines,
): Loss<Member> | undefined {
  for (const member of members) {
    const silence = now - member.lastHeard;
    if (silence * 1000 > deadlines.silenceMs) {
      return { member, reason: `silent for ${silence.toFixed(1)} s (frozen, or unreachable)` };
    }
    const stepping = member.duty === 'compute' || member.duty === 'communicate';
    const busy = now - member.dutySince;
    if (stepping && busy * 1000 > deadlines.stepMs) {
      return { member, reason: `no result for ${busy.toFixed(1)} s, though it is alive` };
    }
  }
  return undefined;
}
