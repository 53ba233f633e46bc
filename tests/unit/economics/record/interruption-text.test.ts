/** What people read about interruptions: the text as it is printed. */
import { describe, expect, it } from 'vitest';
import { type Interruption, interruptionReasons } from '../../../../src/economics/record/interruption.ts';
import {
  describeInterruption,
  describeInterruptions,
  formatRecovery,
} from '../../../../src/economics/record/interruption-text.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { runRecord, workerRecord } from '../../../support/run-records.ts';

const killed: Interruption = {
  workerId: 'w1',
  reason: 'killed',
  step: 1200,
  recoverySeconds: 0.4,
  wastedSeconds: 0.8,
  wastedUsd: 0.0009,
  lostSteps: 0,
};

describe('an interruption', () => {
  it.each([
    [
      'one that a run went on after',
      {},
      "that cost 0.8 s of workers' time ($0.00090), and training went on after 400 ms",
    ],
    ['one of free workers', { wastedUsd: 0 }, "that cost 0.8 s of workers' time, and training went on after 400 ms"],
    [
      'one that nobody had the last steps after',
      { lostSteps: 1500 },
      "that cost 0.8 s of workers' time ($0.00090), 1,500 steps were trained again, and training went on after 400 ms",
    ],
    [
      'one that ended the run',
      { recoverySeconds: undefined },
      "that cost 0.8 s of workers' time ($0.00090), and the run ended with it",
    ],
  ])('is told with what it cost: %s', (_, fields, text) => {
    expect(describeInterruption({ ...killed, ...fields })).toBe(`w1 was killed after step 1,200: ${text}`);
  });

  it('is told in other words for each reason', () => {
    const told = interruptionReasons.map((reason) => describeInterruption({ ...killed, reason }).split(' after ')[0]);
    expect(told).toEqual([
      'w1 was killed',
      'w1 ended by itself',
      'w1 left',
      'w1 failed',
      'w1 could not be reached',
      'w1 was stuck',
      'w1 sent wrong messages',
      'w1 drained',
      'w1 was dropped as a straggler',
      'w1 was preempted',
      'w1 was out of step with its peers',
      'w1 ended without a word',
    ]);
  });
});

describe('the interruptions of a run', () => {
  const told = (interruptions: readonly Interruption[], priceUsdPerHour: number | undefined = undefined) =>
    describeInterruptions(summarize(runRecord({ workers: [workerRecord({ priceUsdPerHour })], interruptions })));

  it('are told with their reasons, what they cost, and how fast training went on', () => {
    const one = (fields: Partial<Interruption>): Interruption => ({ ...killed, ...fields });
    expect(
      told([
        one({ reason: 'drained', recoverySeconds: 0.1, wastedUsd: 0.25 }),
        one({ recoverySeconds: 12, lostSteps: 2000, wastedUsd: 0.5 }),
        one({ recoverySeconds: 0.21, lostSteps: 1 }),
      ]),
    ).toEqual([
      "3 interruptions (2 killed, 1 drained) cost 2.4 s of workers' time ($0.75), 2,001 steps were trained again; " +
        'training went on after 210 ms, and after 12 s in 95 % of them',
    ]);
  });

  it('are told in fewer words where there is only one, and where no recovery was', () => {
    const free = { ...killed, wastedUsd: 0 };
    expect(told([free])).toEqual([
      "1 interruption (1 killed) cost 0.8 s of workers' time; training went on after 400 ms",
    ]);
    expect(told([{ ...free, recoverySeconds: undefined }])).toEqual([
      "1 interruption (1 killed) cost 0.8 s of workers' time",
    ]);
    expect(told([])).toEqual([]);
  });

  it('make useful work dearer than the price', () => {
    // 36 s alive at $0.10 an hour, 16 s of them computing.
    expect(told([killed], 0.1)[1]).toBe("an hour of a worker's useful work cost $0.23, at $0.10 an hour");
  });
});

it.each([
  [0.0004, '0 ms'],
  [0.085, '85 ms'],
  [0.9994, '999 ms'],
  [0.9995, '1.0 s'],
  [1.2, '1.2 s'],
  [125, '2 min 05 s'],
])('a recovery of %d s is told as %s', (seconds, text) => {
  expect(formatRecovery(seconds)).toBe(text);
});
