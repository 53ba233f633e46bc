/** What is written of a run that another process has taken over: nothing. */
import { describe, expect, it } from 'vitest';
import { guardFolder } from '../../../../src/coordinator/record/guarded-folder.ts';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { RunTakenOver } from '../../../../src/run-folder/run-lock.ts';
import { stepEvent } from '../../../support/observed-run.ts';

/** A lock that can be lost, and a folder that notes what reaches it. */
function guarded() {
  const losing = new AbortController();
  const reached: string[] = [];
  const folder = guardFolder(
    {
      record: ({ step }) => reached.push(`record ${step}`),
      observe: ({ type }) => reached.push(type),
      write: (name) => reached.push(name),
      flush: () => reached.push('flush'),
      close: async () => {
        reached.push('close');
      },
      linesWaiting: () => undefined,
      checkpointsWritten: async () => undefined,
    },
    { lost: losing.signal, requireHeld: () => losing.signal.throwIfAborted() },
  );
  return { folder, reached, lose: () => losing.abort(new RunTakenOver('runs/one')) };
}

const tick: RunEvent = { type: 'tick' };
const generation: RunEvent = { type: 'generation', number: 1, members: [], parameterCount: 1, reason: 'r' };

describe('the folder of a run', () => {
  it('takes everything while this process has it', () => {
    const { folder, reached } = guarded();
    for (const event of [generation, stepEvent(0), tick]) folder.observe(event);
    folder.write('summary.json', '{}');
    expect(reached).toEqual(['generation', 'step', 'tick', 'summary.json']);
  });

  it.each([
    ['step', stepEvent(0)],
    ['generation', generation],
  ])('lets no %s through once another process has it, so that no worker hears of it either', (_, event) => {
    const { folder, reached, lose } = guarded();
    lose();
    expect(() => folder.record(stepEvent(0))).toThrow('another process has taken this run over');
    expect(() => folder.observe(event)).toThrow(
      'runs/one: another process has taken this run over; this one ends and writes nothing more',
    );
    expect(reached).toEqual([]);
  });

  it('takes nothing else then, without a word', async () => {
    const { folder, reached, lose } = guarded();
    lose();
    folder.observe(tick);
    folder.write('summary.json', '{}');
    folder.flush();
    await folder.close();
    expect(reached).toEqual([]);
  });
});
