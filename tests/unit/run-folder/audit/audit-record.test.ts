/** What a file may say, line by line. */
import { describe, expect, test } from 'vitest';
import { auditHeader } from '../../../support/audit-header.ts';
import { fileOf, recordOf, stepsOf } from './audited-run.ts';

const header = fileOf(auditHeader(), []);
const step = '{"type":"step","step":1,"epoch":1,"shares":[["w0",0,2],["w1",2,4]]}\n';
const shares = (from: number) => [
  { workerId: 'w0', from, to: from + 2 },
  { workerId: 'w1', from: from + 2, to: from + 4 },
];

describe('a number', () => {
  test('repeats the step before it, as often, each moved on by the step', () => {
    expect(stepsOf(recordOf(`${header}${step}1\n2\n`))).toEqual(
      [0, 4, 8, 12].map((from, index) => ({ step: index, epoch: 0, shares: shares(from) })),
    );
  });

  test('counts for a file of any length, without taking memory for each step', () => {
    const { spans, highestStep } = recordOf(`${header}${step}${'1000000\n'.repeat(900)}`);
    expect(spans).toMatchObject([{ step: 1, steps: 900_000_001, line: 2 }]);
    expect(highestStep).toBe(900_000_001);
  });
});

describe('a resume', () => {
  test('makes later steps void, in the middle of a span and of whole ones, and counts them by epoch', () => {
    const later = '{"type":"step","step":4,"epoch":2,"shares":[["w0",0,4]]}\n';
    const record = recordOf(`${header}${step}1\n1\n${later}1\n{"type":"resume","step":2}\n`);
    expect(stepsOf(record).map((kept) => kept.step)).toEqual([0, 1]);
    expect(record).toMatchObject({ highestStep: 5, resumes: 1 });
    expect([...record.lost]).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  test('to where the run is loses nothing, and the same shares may go on', () => {
    const record = recordOf(`${header}${step}1\n{"type":"resume","step":2}\n1\n`);
    expect(stepsOf(record)).toEqual([0, 4, 8].map((from, index) => ({ step: index, epoch: 0, shares: shares(from) })));
    expect([...record.lost]).toEqual([]);
  });

  test('goes on from the last step that counts, wherever in a span it is', () => {
    const record = recordOf(`${header}${step}1\n1\n{"type":"resume","step":2}\n1\n`);
    expect(stepsOf(record)).toEqual([0, 4, 8].map((from, index) => ({ step: index, epoch: 0, shares: shares(from) })));
    expect([...record.lost]).toEqual([[1, 1]]);
  });
});

describe('a line', () => {
  test.each([
    ['that is no JSON', `${header}${step}{"type":"st\n`, 'line 3: no JSON'],
    ['of another kind', `${header}{"type":"epoch"}\n`, 'line 2: type: Invalid'],
    ['of a format to come', header.replace('"v":1', '"v":2'), 'line 1: v: expected 1; a newer version'],
    ['of a share that ends before it begins', `${header}${step.replace('[2', '[3').replace('2,4', '4,2')}`, 'line 2: '],
    ['of a step that is none', `${header}${step.replace('"step":1', '"step":0')}`, 'line 2: step: Too small'],
    ['of no steps', `${header}${step}0\n`, 'line 3: '],
    [
      'that repeats a skipped step',
      `${header}${step.replace('}', ',"skipped":true}')}1\n`,
      'line 3: a skipped step cannot be repeated',
    ],
    ['that repeats nothing', `${header}1\n`, 'line 2: there is no step before it that it could repeat'],
    [
      'that repeats a step that was lost',
      `${header}${step}{"type":"resume","step":0}\n1\n`,
      'line 4: there is no step before it that it could repeat',
    ],
    ['with a second header', `${header}${header}`, 'line 2: a second header'],
    ['in place of the header', step, 'line 1: the file does not begin with its header'],
    [
      'of more steps than a run can have',
      `${header}${step}${'1000000\n'.repeat(1000)}`,
      'line 1002: step 1000000001 is',
    ],
  ])('%s is named', (_, text, problem) => {
    expect(() => recordOf(text)).toThrow(problem);
  });
});
