/** Whole or not at all: what a reader finds, and what is left behind. */
import { lutimesSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  removeDrafts,
  removeStaleFileDrafts,
  renameSynced,
  writeFileAtomically,
} from '../../../../src/shared/files/atomic-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const draft = '.summary.json.4242-0b7a4ec6-3c0a-4f4e-9d1e-0a1b2c3d4e5f.tmp';

describe('a file', () => {
  it('replaces the one before, and nothing else is left', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'summary.json');
    writeFileAtomically(file, 'one');
    writeFileAtomically(file, Uint8Array.of(0x74, 0x77, 0x6f));
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['summary.json']);
  });

  it('that cannot be put in place leaves what was there, and no draft', () => {
    const folder = temporaryFolder();
    // A folder of this name, with something in it, cannot be replaced by a file.
    mkdirSync(join(folder, 'summary.json', 'inner'), { recursive: true });
    expect(() => writeFileAtomically(join(folder, 'summary.json'), 'one')).toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(readdirSync(folder)).toEqual(['summary.json']);
    expect(() => writeFileAtomically(join(folder, 'absent', 'file'), 'one')).toThrow(/ENOENT/);
  });
});

it('a rename moves what is there', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a'), 'one');
  renameSynced(join(folder, 'a'), join(folder, 'b'));
  expect(readdirSync(folder)).toEqual(['b']);
});

describe('drafts', () => {
  it('of killed writers are removed, files and folders, and nothing that only looks like one', () => {
    const folder = temporaryFolder();
    const own = ['notes.tmp', '.hidden.tmp', 'summary.json.4242.tmp', 'a.4242-0b7a4ec6.tmp', 'summary.json'];
    for (const name of [draft, draft.slice(1), ...own]) writeFileSync(join(folder, name), 'x');
    mkdirSync(join(folder, draft.replace('summary.json', 'step-3'), 'inner'), { recursive: true });
    removeDrafts(folder);
    expect(readdirSync(folder).sort()).toEqual(own.sort());
  });

  it('where there is no folder are none', () => {
    const absent = join(temporaryFolder(), 'absent');
    expect(() => removeDrafts(absent)).not.toThrow();
    expect(() => removeStaleFileDrafts(absent, () => true)).not.toThrow();
  });
});

describe('in a folder that others write', () => {
  const hourAgo = new Date(Date.now() - 3_601_000);
  const isSummary = (name: string) => name === 'summary.json';

  it('drafts that are young may have a writer', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, draft), 'x');
    removeStaleFileDrafts(folder, isSummary);
    expect(readdirSync(folder)).toEqual([draft]);
    utimesSync(join(folder, draft), hourAgo, hourAgo);
    removeStaleFileDrafts(folder, isSummary);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('only drafts of files that are written there are removed: no folder, no link, no file of another kind', () => {
    const folder = temporaryFolder();
    const others = [draft.slice(1), draft.replace('summary', 'thesis'), draft.replace('.summary.json', '')];
    for (const name of others) writeFileSync(join(folder, name), 'x');
    const [inner, link] = [draft.replace('4242', '4243'), draft.replace('4242', '4244')];
    mkdirSync(join(folder, inner));
    writeFileSync(join(folder, inner, 'thesis'), 'x');
    symlinkSync(others[0] ?? '', join(folder, link));
    const before = readdirSync(folder).sort();
    for (const name of before) lutimesSync(join(folder, name), hourAgo, hourAgo);
    removeStaleFileDrafts(folder, isSummary);
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(readdirSync(join(folder, inner))).toEqual(['thesis']);
  });
});
