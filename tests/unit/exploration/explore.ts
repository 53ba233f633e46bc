/** Explores a small run exhaustively: a fault, or two, at every point of its sequence of messages. */
import { violations } from './invariants.ts';
import { plainRunOf } from './plain-loop.ts';
import type { Fault, Moment, Schedule } from './schedule.ts';
import { simulate } from './simulate.ts';

/** A fault, at this moment. */
export type Strike = (at: Moment) => Fault;

export const delivered = (message: number): Moment => ({ message });
export const sent = (message: number): Moment => ({ sent: message });

export interface Explored {
  readonly runs: number;
  /** Different states of the whole in which the last fault struck. */
  readonly states: number;
  readonly failures: readonly string[];
}

/**
 * Every moment, or every pair of moments in order, until a run ends before the fault is due.
 * @param stride look at every nth moment only
 */
export async function explore(
  base: Schedule,
  first: Strike,
  second?: Strike,
  momentOf = delivered,
  stride = 1,
): Promise<Explored> {
  const plain = await plainRunOf(base.workload);
  const states = new Set<string>();
  const failures: string[] = [];
  let runs = 0;
  const run = async (faults: readonly Fault[], last: number) => {
    const schedule = { ...base, faults };
    const seen = await simulate(schedule);
    runs += 1;
    if (seen.stateAtFault !== undefined) states.add(seen.stateAtFault);
    failures.push(...violations(seen, plain).map((why) => `${JSON.stringify(schedule)}: ${why}`));
    return last < (momentOf === sent ? seen.sent : seen.messages);
  };
  for (let moment = 0; ; moment += stride) {
    const at = momentOf(moment);
    let isDue = await run(second === undefined ? [first(at)] : [first(at), second(at)], moment);
    if (!isDue) break;
    for (let next = moment + 1; second !== undefined && isDue; next += stride) {
      isDue = await run([first(at), second(momentOf(next))], next);
    }
  }
  return { runs, states: states.size, failures };
}
