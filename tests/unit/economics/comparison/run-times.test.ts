import { expect, test } from 'vitest';
import {
  aliveSecondsOf,
  endSecondsOf,
  leadSecondsOf,
  runSeconds,
  startupSecondsOf,
} from '../../../../src/economics/comparison/run-times.ts';
import { comparedRun } from '../../../support/compared-runs.ts';

const worker = { backend: 'wasm', price: 1 };
/** Workers begin after half a second, start up for 3 s, train for 60 s, test for 1 s, and end 1 s later. */
const { summary } = comparedRun({ workers: [worker, worker], rate: 1000, batch: 64 });
const [epoch] = summary.epochs;
const [first, second] = summary.workers;
if (epoch === undefined || first === undefined || second === undefined) throw new Error('an epoch of two workers');

const partsOf = (run: typeof summary) =>
  [runSeconds, leadSecondsOf, startupSecondsOf, aliveSecondsOf, endSecondsOf].map((part) =>
    Number(part(run).toFixed(9)),
  );

test('a run is the time before its workers, and the life of them', () => {
  expect(partsOf(summary)).toEqual([65.5, 0.5, 3, 65, 1]);
});

test('a run lasts as long as its last worker; its parts are means', () => {
  const late = { ...second, alive_seconds: 70, seconds_by_category: { ...second.seconds_by_category, startup: 2 } };
  // One second more passes before the mean worker begins.
  expect(partsOf({ ...summary, workers: [first, late] })).toEqual([71, 1, 2.5, 67.5, 4]);
});

test('what is left after steps and all test passes is the end, and never less than nothing', () => {
  const alive = [first, second].map((one) => ({ ...one, alive_seconds: 70 }));
  expect(endSecondsOf({ ...summary, workers: alive, epochs: [epoch, epoch, epoch] })).toBeCloseTo(4, 9);
  expect(endSecondsOf({ ...summary, train_seconds: 100 })).toBe(0);
  expect(leadSecondsOf({ ...summary, seconds_to_first_step: 2 })).toBe(0);
});
