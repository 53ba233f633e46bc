import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  advanceLive,
  beginLive,
  endLive,
  type LiveRecord,
  tickLive,
} from '../../../../../src/coordinator/live/live-record.ts';
import type { RunEvent } from '../../../../../src/coordinator/run-events.ts';
import { applyChanges, changesBetween } from '../../../../../src/shared/protocol/live/live-changes.ts';
import { livePlan } from '../../../../support/live-run.ts';
import { member, startedAtUnixMs, stepEvent } from '../../../../support/observed-run.ts';
import { rounds } from '../../../../support/thoroughness.ts';

const plan = { ...livePlan, dataset: { name: 'mnist', trainCount: 60_000, testCount: 10_000 } };
const begin = () => beginLive(plan);

/** Runs whose events come in any order, some many times: more log and more curve than is kept. */
const happenings = fc.array(
  fc.tuple(
    fc.constantFrom<RunEvent>(
      { type: 'worker-joined', workerId: 'w0', host: 'alpha', pid: 1 },
      { type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' },
      { type: 'generation', number: 1, members: [member(0, 3.6), member(1)], parameterCount: 10, reason: 'ready' },
      { type: 'slowdowns', members: [{ workerId: 'w1', slowdown: 4, isStraggler: true }] },
      { type: 'slowdowns', members: [{ workerId: 'w1', slowdown: 1, isStraggler: false }] },
      { type: 'epoch-begun', epoch: 1 },
      stepEvent(0),
    ),
    fc.integer({ min: 1, max: 150 }),
  ),
  { maxLength: 8 },
);

function advance(before: LiveRecord, events: readonly (readonly [RunEvent, number])[]): LiveRecord {
  let record = before;
  let seconds = 0;
  let step = record.state.progress.step;
  for (const [event, times] of events) {
    for (let time = 0; time < times; time++) {
      seconds += 0.01;
      const next = event.type === 'step' ? stepEvent(step++) : event;
      const moment = { now: seconds, unixMs: startedAtUnixMs + seconds * 1000 };
      record = tickLive(advanceLive(record, next, moment), moment);
    }
  }
  return record;
}

/** As it arrives; JSON knows no −0, for one. */
function sent<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

test('whatever happened between two states, the changes lead from one to the other, through JSON', () => {
  fc.assert(
    fc.property(happenings, happenings, (first, second) => {
      const before = advance(begin(), first);
      const after = advance(before, second);
      const changes = changesBetween(before.state, after.state);
      if (changes === undefined) expect(after.state).toEqual(before.state);
      else expect(applyChanges(sent(before.state), sent(changes))).toEqual(sent(after.state));
    }),
    { numRuns: rounds(6, 100) },
  );
});

test('an increment has what is new and nothing else', () => {
  const before = advance(begin(), [[stepEvent(0), 150]]);
  expect(changesBetween(before.state, before.state)).toBeUndefined();
  const moment = { now: 9, unixMs: startedAtUnixMs + 9000 };
  const stepped = advanceLive(before, stepEvent(150), moment);
  const changes = changesBetween(before.state, stepped.state);
  expect(changes?.curve).toMatchObject({ drop: 0, keep: 150, items: [{ step: 151 }] });
  expect(Object.keys(changes ?? {}).sort()).toEqual(['curve', 'progress', 'workers']);
  const ended = endLive(stepped, { status: 'completed' }, moment);
  expect(changesBetween(stepped.state, ended.state)).toMatchObject({
    stage: { name: 'completed' },
    log: { drop: 0, keep: 0, items: [{ text: 'finished' }] },
  });
});
