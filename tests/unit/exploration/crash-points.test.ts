/**
 * Small runs, explored exhaustively: a fault before the delivery of every single message, and before every single message that
 * the coordinator sends, in the middle of what it does. In `npm test` all kinds of faults strike every worker there, in runs of
 * two and of three workers, and two faults every pair of moments of a run of one or two workers. Outside `npm test` they strike
 * before every third message.
 */
import { expect, it } from 'vitest';
import { rounds, thorough } from '../../support/thoroughness.ts';
import { docsFigures } from './docs-figures.ts';
import { delivered, type Explored, explore, type Strike, sent } from './explore.ts';
import { smallWorkload, tinyWorkload, type Workload } from './plain-loop.ts';
import type { Schedule } from './schedule.ts';

type Named = readonly [what: string, strike: Strike];

const kill = (worker: number, losesLastWords = true): Strike => {
  return (at) => ({ at, kind: 'kill', worker, losesLastWords, returns: false });
};
const strike = (kind: 'cut' | 'hang' | 'throw' | 'drain', worker: number): Strike => {
  return (at) => ({ at, kind, worker });
};
const pause = (kind: 'partition' | 'freeze', worker: number, ms: number): Strike => {
  return (at) => ({ at, kind, worker, ms });
};
const join: Strike = (at) => ({ at, kind: 'join' });
const freezeCoordinator: Strike = (at) => ({ at, kind: 'freeze-coordinator', ms: 3000 });
/** It is back in time for its workers, unless told otherwise. */
const crash = (losesLastWords: boolean, ms = 300): Strike => {
  return (at) => ({ at, kind: 'crash-coordinator', ms, losesLastWords });
};

/** @param hosts set where workers read each other's gradients @param allReduce how they sum them */
function runOf(
  workers: number,
  min = 1,
  workload: Workload = smallWorkload,
  hosts?: Schedule['hosts'],
  allReduce?: Schedule['allReduce'],
): Schedule {
  return {
    seed: 1,
    workload,
    min,
    max: workers + 1,
    workers,
    onLoss: 'continue',
    checksumEvery: 1,
    checkpointEvery: undefined,
    isLocal: false,
    hosts,
    allReduce,
    faults: [],
  };
}

/** Strikes before every nth message. Odd: messages of two workers alternate. */
const stride = rounds(3, 1);

/** Of all tests of this file. */
const total = { runs: 0, states: 0 };

function count({ runs, states }: Explored): void {
  total.runs += runs;
  total.states += states;
}

const ranks = (workers: number) => Array.from({ length: workers }, (_, rank) => rank);

const ofWorker = (rank: number): readonly Named[] => [
  [`w${rank} is killed, with its last words`, kill(rank)],
  [`w${rank}'s link is cut`, strike('cut', rank)],
  [`w${rank} is killed, after its last words`, kill(rank, false)],
  [`w${rank} hangs`, strike('hang', rank)],
  [`w${rank} throws`, strike('throw', rank)],
  [`w${rank} is told to leave`, strike('drain', rank)],
  [`w${rank} is cut off and given up`, pause('partition', rank, 3500)],
  [`w${rank} is cut off for a while`, pause('partition', rank, 300)],
  [`w${rank} is frozen and given up`, pause('freeze', rank, 8000)],
];

const ofCoordinator: readonly Named[] = [
  ['the coordinator is killed, with its last words', crash(true)],
  ['the coordinator is killed, after its last words', crash(false)],
  ['the coordinator is killed, and back at once', crash(true, 20)],
  ['the coordinator is killed, and back too late for its workers', crash(false, 6000)],
  ['the coordinator is frozen', freezeCoordinator],
];

const longestMs = 600_000;

const fleets: readonly Pick<Schedule, 'workers' | 'hosts' | 'allReduce'>[] = [
  { workers: 1, hosts: undefined },
  { workers: 2, hosts: undefined },
  { workers: 3, hosts: undefined },
  { workers: 2, hosts: 1 },
  { workers: 3, hosts: 2, allReduce: 'mesh-two-shot' },
  { workers: 3, hosts: 2, allReduce: 'ring' },
  { workers: 2, hosts: 2, allReduce: 'auto' },
];

/**
 * Workers that are alone, or read each other's gradients, are ahead of the record. Quickly: a kill of the coordinator, and of one of two
 * workers.
 */
const single: readonly ((typeof fleets)[number] & { readonly what: string; readonly fault: Strike })[] = thorough
  ? fleets.flatMap(({ workers, hosts, allReduce }) =>
      [...ranks(workers).flatMap(ofWorker), ...ofCoordinator, ['a newcomer asks for a place', join] as const].map(
        ([what, fault]) => ({ workers, hosts, allReduce, what, fault }),
      ),
    )
  : [
      { workers: 1, hosts: undefined, what: 'the coordinator is killed', fault: crash(true) },
      { workers: 2, hosts: undefined, what: 'w1 is killed', fault: kill(1) },
      { workers: 2, hosts: 1, what: 'w1 is killed', fault: kill(1) },
    ];

it.each(single)(
  '$workers workers, hosts: $hosts, sum by: $allReduce: $what, before any message is delivered',
  async ({ workers, hosts, allReduce, fault }) => {
    const explored = await explore(
      runOf(workers, 1, smallWorkload, hosts, allReduce),
      fault,
      undefined,
      delivered,
      stride,
    );
    count(explored);
    const { runs, states, failures } = explored;
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan((25 * workers) / stride);
    expect(states).toBeGreaterThan((20 * workers) / stride);
  },
  longestMs,
);

/** Where it has told some of its workers what the others have not heard. */
const tornOff = (thorough ? [2, 3] : [2]).flatMap((workers) =>
  (thorough ? [true, false] : [false]).map((losesLastWords) => ({ workers, losesLastWords })),
);

it.each(tornOff)(
  '$workers workers: the coordinator is killed before it sends any message (last words lost: $losesLastWords)',
  async ({ workers, losesLastWords }) => {
    const explored = await explore(runOf(workers), crash(losesLastWords), undefined, sent, stride);
    count(explored);
    const { runs, states, failures } = explored;
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan((15 * workers) / stride);
    expect(states).toBeGreaterThan((15 * workers) / stride);
  },
  longestMs,
);

const alone = runOf(1, 1, tinyWorkload);
const two = runOf(2, 1, tinyWorkload);
const neighbours = runOf(2, 1, tinyWorkload, 1);
const bothNeeded = runOf(2, 2, tinyWorkload);

const pairs: readonly (readonly [string, Schedule, Strike, Strike])[] = [
  ['one worker, then a newcomer, and the first is killed', alone, join, kill(0)],
  ['one worker, then a newcomer, and the first leaves', alone, join, strike('drain', 0)],
  ['two workers, and both are killed', two, kill(0), kill(0)],
  ['two workers that are both needed, and both leave', bothNeeded, strike('drain', 0), strike('drain', 0)],
  ['two workers that are both needed: the coordinator is killed, then one of them', bothNeeded, crash(true), kill(1)],
  ['two workers: one is killed, then the coordinator', two, kill(1), crash(false)],
  ['one worker: the coordinator is killed twice', alone, crash(true), crash(true)],
  ['two workers of one host: one is killed, then the coordinator', neighbours, kill(1), crash(false)],
];

it.each(thorough ? pairs : [])(
  '%s, at any two messages',
  async (_, base, first, second) => {
    const explored = await explore(base, first, second);
    count(explored);
    const { runs, failures } = explored;
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(100);
  },
  longestMs,
);

it(thorough ? 'is at least as much as the documentation says' : 'is a part of what the documentation says', () => {
  const { runs, states } = docsFigures();
  expect([total.runs >= runs, total.states >= states]).toEqual([thorough, thorough]);
});
