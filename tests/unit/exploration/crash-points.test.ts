/**
 * Small runs, explored exhaustively: a fault before the delivery of every single message. A run of two workers, two epochs
 * of two steps with a test pass and a checkpoint each, has 76 messages; one of three workers has 113. In `npm test` all
 * kinds of faults strike every worker there, and two faults every pair of moments of a run of one or two workers.
 */
import { expect, it } from 'vitest';
import { thorough } from '../../support/thoroughness.ts';
import { violations } from './invariants.ts';
import { smallWorkload, trainInPlainLoop } from './plain-loop.ts';
import type { Fault, Schedule } from './schedule.ts';
import { simulate } from './simulate.ts';

/** A fault, before this message. */
type Strike = (message: number) => Fault;

const kill = (worker: number, losesLastWords = true): Strike => {
  return (message) => ({ at: { message }, kind: 'kill', worker, losesLastWords, returns: false });
};
const strike = (kind: 'cut' | 'hang' | 'throw' | 'drain', worker: number): Strike => {
  return (message) => ({ at: { message }, kind, worker });
};
const pause = (kind: 'partition' | 'freeze', worker: number, ms: number): Strike => {
  return (message) => ({ at: { message }, kind, worker, ms });
};
const join: Strike = (message) => ({ at: { message }, kind: 'join' });
const freezeCoordinator: Strike = (message) => ({ at: { message }, kind: 'freeze-coordinator', ms: 3000 });

function runOf(workers: number, min = 1): Schedule {
  return {
    seed: 1,
    workload: smallWorkload,
    min,
    max: workers + 1,
    workers,
    onLoss: 'continue',
    checksumEvery: 1,
    checkpointEvery: undefined,
    isLocal: false,
    faults: [],
  };
}

interface Explored {
  readonly runs: number;
  /** Different states of the whole in which the last fault struck. */
  readonly states: number;
  readonly failures: readonly string[];
}

/** Every moment, or every pair of moments in order, until a run ends before the fault is due. */
async function explore(base: Schedule, first: Strike, second?: Strike): Promise<Explored> {
  const plain = await trainInPlainLoop(base.workload);
  const states = new Set<string>();
  const failures: string[] = [];
  let runs = 0;
  const run = async (faults: readonly Fault[], last: number) => {
    const schedule = { ...base, faults };
    const seen = await simulate(schedule);
    runs += 1;
    if (seen.stateAtFault !== undefined) states.add(seen.stateAtFault);
    failures.push(...violations(seen, plain).map((why) => `${JSON.stringify(schedule)}: ${why}`));
    return last < seen.messages;
  };
  for (let moment = 0; ; moment++) {
    let isDue = await run(second === undefined ? [first(moment)] : [first(moment), second(moment)], moment);
    if (!isDue) return { runs, states: states.size, failures };
    for (let next = moment + 1; second !== undefined && isDue; next++) {
      isDue = await run([first(moment), second(next)], next);
    }
  }
}

const ranks = (workers: number) => Array.from({ length: workers }, (_, rank) => rank);

const everywhere = (workers: number): readonly (readonly [string, Strike])[] => [
  ...ranks(workers).flatMap((rank): readonly (readonly [string, Strike])[] => [
    [`w${rank} is killed, with its last words`, kill(rank)],
    [`w${rank}'s link is cut`, strike('cut', rank)],
  ]),
  ...(thorough ? ranks(workers) : []).flatMap((rank): readonly (readonly [string, Strike])[] => [
    [`w${rank} is killed, after its last words`, kill(rank, false)],
    [`w${rank} hangs`, strike('hang', rank)],
    [`w${rank} throws`, strike('throw', rank)],
    [`w${rank} is told to leave`, strike('drain', rank)],
    [`w${rank} is cut off and given up`, pause('partition', rank, 3500)],
    [`w${rank} is cut off for a while`, pause('partition', rank, 300)],
    [`w${rank} is frozen and given up`, pause('freeze', rank, 8000)],
  ]),
  ...(thorough
    ? ([
        ['a newcomer asks for a place', join],
        ['the coordinator is frozen', freezeCoordinator],
      ] as const)
    : []),
];

const pairs: readonly (readonly [string, Schedule, Strike, Strike])[] = [
  ['one worker, then a newcomer, and the first is killed', runOf(1), join, kill(0)],
  ['one worker, then a newcomer, and the first leaves', runOf(1), join, strike('drain', 0)],
  ['two workers, and both are killed', runOf(2), kill(0), kill(0)],
  ['two workers that are both needed, and both leave', runOf(2, 2), strike('drain', 0), strike('drain', 0)],
];

const longestMs = 600_000;

/** Quickly: runs of two workers. */
const single = (thorough ? [2, 3] : [2]).flatMap((workers) =>
  everywhere(workers).map(([what, fault]) => ({ workers, what, fault })),
);

it.each(single)(
  '$workers workers: $what, at any message',
  async ({ workers, fault }) => {
    const { runs, states, failures } = await explore(runOf(workers), fault);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(35 * workers);
    expect(states).toBeGreaterThan(30 * workers);
  },
  longestMs,
);

it.each(thorough ? pairs : [])(
  '%s, at any two messages',
  async (_, base, first, second) => {
    const { runs, failures } = await explore(base, first, second);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(300);
  },
  longestMs,
);
