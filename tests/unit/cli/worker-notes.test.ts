/** What a run prints of its workers. */
import { expect, it } from 'vitest';
import { noteWorkers } from '../../../src/cli/worker-notes.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';

function openNotes() {
  const lines: string[] = [];
  const add = (line: string) => lines.push(line);
  const observe = noteWorkers({ note: add, detail: add, warn: (line) => add(`warning: ${line}`) }, 2, true);
  return { lines, tell: (...events: readonly RunEvent[]) => events.forEach(observe) };
}

const joined = (workerId: string): RunEvent => ({ type: 'worker-joined', workerId, host: 'alpha', pid: 7 });
const refused = (workerId: string): RunEvent => ({ type: 'worker-refused', workerId, reason: 'seed differs' });
const lost = (workerId: string): RunEvent => ({ type: 'worker-lost', workerId, reason: 'killed', cause: 'killed' });
const ended = (workerId: string): RunEvent => ({ type: 'worker-ended', workerId });

it('counts who is here: not who was refused, was lost, or came twice', () => {
  const { lines, tell } = openNotes();
  tell(joined('a'));
  // Refused once it had loaded.
  tell(joined('b'), refused('b'), ended('b'));
  tell(joined('b'), lost('b'), ended('b'));
  // Refused at the door.
  tell(refused('a'));
  tell(joined('b'));
  expect(lines.filter((line) => line.includes('joined')).map((line) => line.slice(-6))).toEqual([
    '1 of 2',
    '2 of 2',
    '2 of 2',
    '2 of 2',
  ]);
});

it('warns of a standstill: nobody was given up for it', () => {
  const { lines, tell } = openNotes();
  tell({ type: 'stood-still', seconds: 61.25 });
  expect(lines).toEqual([
    'warning: this process was suspended, or got no processor, for 61.3 s; that time counts against nobody',
  ]);
});

it('tells of a preemption in one line, and what an interruption cost when it is over', () => {
  const { lines, tell } = openNotes();
  const interruption = {
    workerId: 'w1',
    reason: 'preempted',
    step: 1200,
    recoverySeconds: 0.085,
    wastedSeconds: 1.25,
    wastedUsd: 0.0004,
    lostSteps: 0,
  } as const;
  tell({ type: 'worker-preempted', workerId: 'w1', seconds: 30 });
  tell({ type: 'interruption', interruption });
  tell({ type: 'interruption', interruption: { ...interruption, reason: 'stuck', recoverySeconds: 12, lostSteps: 3 } });
  tell({ type: 'interruption', interruption: { ...interruption, recoverySeconds: undefined, wastedUsd: 0 } });
  expect(lines).toEqual([
    'worker w1 is preempted, as simulated: it has 30 s to leave',
    "w1 was preempted after step 1,200: that cost 1.3 s of workers' time ($0.00040), and training went on after 85 ms",
    "w1 was stuck after step 1,200: that cost 1.3 s of workers' time ($0.00040), 3 steps were trained again, and training went on after 12 s",
    "w1 was preempted after step 1,200: that cost 1.3 s of workers' time, and the run ended with it",
  ]);
});

it('warns of a straggler, and notes when it is none any more', () => {
  const { lines, tell } = openNotes();
  for (const isOne of [true, false])
    tell({ type: 'straggler', workerId: 'w1', isOne, slowdown: 3.2, reason: 'a sample takes it 3.2 times as long' });
  expect(lines).toEqual([
    'warning: worker w1 is a straggler: a sample takes it 3.2 times as long',
    'worker w1 is no straggler any more: a sample takes it 3.2 times as long',
  ]);
});

it('warns of a straggler that the run cannot do without', () => {
  const { lines, tell } = openNotes();
  tell({ type: 'straggler-kept', workerId: 'w1', reason: 'it is slow; 1 of at least 2 workers would be left' });
  expect(lines).toEqual(['warning: worker w1 is not dropped: it is slow; 1 of at least 2 workers would be left']);
});
