/**
 * A fault before the delivery of every message of a run whose states travel in chunks, one parameter each: a newcomer is given
 * the state of the worker that was there, and either of them may be gone before, between and after the chunks. Outside
 * `npm test` each fault strikes before every fifth message, and the four faults take turns.
 */
import { expect, it } from 'vitest';
import { rounds } from '../../support/thoroughness.ts';
import { violations } from './invariants.ts';
import { plainRunOf, smallWorkload } from './plain-loop.ts';
import type { Fault, Schedule } from './schedule.ts';
import { simulate } from './simulate.ts';

/** A second worker comes before this message. */
const joinAt = 6;

const base: Schedule = {
  seed: 2,
  workload: smallWorkload,
  min: 1,
  max: 2,
  workers: 1,
  onLoss: 'continue',
  checksumEvery: 1,
  checkpointEvery: undefined,
  isLocal: false,
  chunkFloats: 1,
  faults: [{ at: { message: joinAt }, kind: 'join' }],
};

const kill =
  (worker: number) =>
  (message: number): Fault => {
    return { at: { message }, kind: 'kill', worker, losesLastWords: false, returns: false };
  };
const cut =
  (worker: number) =>
  (message: number): Fault => ({ at: { message }, kind: 'cut', worker });
const freeze =
  (worker: number) =>
  (message: number): Fault => {
    return { at: { message }, kind: 'freeze', worker, ms: 8000 };
  };

/** Odd: chunks and the news that they were taken alternate. */
const stride = rounds(5, 1);

it.each([
  ['the worker that was there is killed', kill(0), 0],
  ['the newcomer is killed', kill(1), 1],
  ["the newcomer's link is cut", cut(1), 2],
  ['the worker that was there is frozen and given up', freeze(0), 3],
])('%s, at any message', async (_, fault, turn) => {
  const plain = await plainRunOf(base.workload);
  const failures: string[] = [];
  /** Faults that struck while a chunk was on its way to the newcomer, or the news that it was taken. */
  let inTheMiddle = 0;
  for (let moment = joinAt + 1 + (turn % stride), isDue = true; isDue; moment += stride) {
    const schedule = { ...base, faults: [...base.faults, fault(moment)] };
    const seen = await simulate(schedule);
    failures.push(...violations(seen, plain).map((why) => `${JSON.stringify(schedule)}: ${why}`));
    if (/1 (down|up) [^;]*(chunk|taken)/.test(seen.stateAtFault ?? '')) inTheMiddle += 1;
    isDue = moment < seen.messages;
  }
  expect(failures).toEqual([]);
  expect(inTheMiddle).toBeGreaterThanOrEqual(rounds(1, 2));
});
