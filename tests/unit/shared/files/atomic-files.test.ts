/** Whole or not at all: what a reader finds, and what is left behind. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  removeDrafts,
  renameSynced,
  writeFileAtomically,
  writeFolderAtomically,
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

describe('a folder', () => {
  it('replaces the one before with all of its files', () => {
    const folder = temporaryFolder();
    const checkpoint = join(folder, 'step-3');
    writeFolderAtomically(checkpoint, { a: 'one', b: 'two' });
    writeFolderAtomically(checkpoint, { b: 'three' });
    expect(readdirSync(folder)).toEqual(['step-3']);
    expect(readdirSync(checkpoint)).toEqual(['b']);
    expect(readFileSync(join(checkpoint, 'b'), 'utf8')).toBe('three');
  });

  it('one of whose files cannot be written leaves the one before, and no draft', () => {
    const folder = temporaryFolder();
    const checkpoint = join(folder, 'step-3');
    writeFolderAtomically(checkpoint, { a: 'one' });
    expect(() => writeFolderAtomically(checkpoint, { a: 'two', 'no/such': 'three' })).toThrow(/ENOENT/);
    expect(readdirSync(folder)).toEqual(['step-3']);
    expect(readFileSync(join(checkpoint, 'a'), 'utf8')).toBe('one');
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
    removeDrafts(folder, 0);
    expect(readdirSync(folder).sort()).toEqual(own.sort());
  });

  it('that are young may have a writer', () => {
    const folder = temporaryFolder();
    const file = join(folder, draft);
    writeFileSync(file, 'x');
    removeDrafts(folder, 60_000);
    expect(existsSync(file)).toBe(true);
    const before = new Date(Date.now() - 61_000);
    utimesSync(file, before, before);
    removeDrafts(folder, 60_000);
    expect(existsSync(file)).toBe(false);
  });

  it('where there is no folder are none', () => {
    expect(() => removeDrafts(join(temporaryFolder(), 'absent'), 0)).not.toThrow();
  });
});
