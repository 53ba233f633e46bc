import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRunFolder } from '../../../../src/coordinator/record/run-folder.ts';
import { systemClock } from '../../../../src/shared/core/clock.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const trained = {
  model: { name: 'softmax', inputShape: [2, 2, 1], classes: 2 },
  optimizer: { name: 'sgd', learningRate: 1 },
  seed: 1,
} as const;
const listening = { type: 'listening', endpoint: 'tcp://127.0.0.1:5555' } as const;

/** A folder with these files, by their content; folders by `undefined`. */
function folderWith(files: Readonly<Record<string, string | undefined>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) mkdirSync(join(folder, name), { recursive: true });
    else writeFileSync(join(folder, name), content);
  }
  return folder;
}

const open = (folder: string) => openRunFolder(folder, trained, systemClock);

describe('the folder of a new run', () => {
  test('stays empty until the coordinator listens', () => {
    const folder = folderWith({});
    const files = open(folder);
    expect(readdirSync(folder)).toEqual([]);
    files.observe(listening);
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'ledger.jsonl', 'metrics.jsonl']);
  });

  test.each([
    ['of a start that failed before the first worker', {}],
    [
      'of a start that failed with a worker there',
      { 'ledger.jsonl': '{"worker":"w0"}\n', 'summary.json': '{ "status": "failed" }' },
    ],
  ])('may be that %s: nothing of it stays', (_, more) => {
    const folder = folderWith({
      'config.json': '{}',
      'metrics.jsonl': '',
      'ledger.jsonl': '',
      checkpoints: undefined,
      lock: undefined,
      ...more,
    });
    open(folder).observe(listening);
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'ledger.jsonl', 'lock', 'metrics.jsonl']);
    expect(readFileSync(join(folder, 'ledger.jsonl'), 'utf8')).toBe('');
  });

  test.each([
    ['a run that has trained', { 'config.json': '{}', 'metrics.jsonl': '{}\n' }, 'already holds a run'],
    ['a run with a checkpoint', { 'metrics.jsonl': '', 'checkpoints/step-3': undefined }, 'already holds a run'],
    ['a run that has lost its metrics', { 'config.json': '{}' }, 'already holds a run'],
    [
      'a run that has cost something, and can be resumed',
      {
        'config.json': '{}',
        'metrics.jsonl': '',
        'ledger.jsonl': '{"worker":"w0"}\n',
        checkpoints: undefined,
        'summary.json': '{ "status": "interrupted" }',
      },
      'already holds a run',
    ],
    ['the report of a comparison', { 'report.html': '<html>' }, 'is not empty'],
    ['a summary that was kept', { 'summary.json': '{ "status": "failed" }' }, 'is not empty'],
    ['a run and notes of the user', { 'config.json': '{}', 'notes.txt': 'mine' }, 'already holds a run'],
    ['something else', { 'thesis.tex': 'mine' }, 'is not empty'],
  ])('may not hold %s, which stays as it is', (_, files, reason) => {
    const folder = folderWith(files);
    const before = readdirSync(folder, { recursive: true });
    expect(() => open(folder)).toThrow(`--out ${folder}: ${reason}; choose another folder`);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test('that cannot be listed is named', () => {
    const missing = join(temporaryFolder(), 'none');
    expect(() => open(missing)).toThrow(`--out ${missing}: cannot be read`);
  });
});

test('a run that is resumed keeps its metrics until the coordinator listens', () => {
  const folder = folderWith({ 'config.json': '{}', 'metrics.jsonl': 'all\n', checkpoints: undefined });
  const files = openRunFolder(folder, trained, systemClock, 'kept\n');
  expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('all\n');
  files.observe(listening);
  expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('kept\n');
});
