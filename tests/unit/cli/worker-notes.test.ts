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
