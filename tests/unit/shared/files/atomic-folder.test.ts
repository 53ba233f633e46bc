import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { syncInBackground, writeFolderAtomically } from '../../../../src/shared/files/atomic-folder.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const parts = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text));
const sum = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

describe('a folder', () => {
  it('replaces the one before with all of its files and their digests', async () => {
    const folder = temporaryFolder();
    const checkpoint = join(folder, 'step-3');
    await writeFolderAtomically(checkpoint, { a: parts('one'), b: parts('two') });
    await writeFolderAtomically(checkpoint, { b: parts('th', '', 'ree'), c: [] });
    expect(readdirSync(folder)).toEqual(['step-3']);
    expect(readdirSync(checkpoint).sort()).toEqual(['SHA256SUMS', 'b', 'c']);
    expect(readFileSync(join(checkpoint, 'b'), 'utf8')).toBe('three');
    expect(readFileSync(join(checkpoint, 'SHA256SUMS'), 'utf8')).toBe(`${sum('three')}  b\n${sum('')}  c\n`);
  });

  it('has large parts byte for byte', async () => {
    const checkpoint = join(temporaryFolder(), 'step-1');
    // Neither a multiple of a piece nor of a page.
    const part = Uint8Array.from({ length: 3 * 2 ** 18 + 4097 }, (_, i) => (i * 2_654_435_761) >>> 24);
    await writeFolderAtomically(checkpoint, { weights: [part, part.subarray(5)] });
    const expected = Buffer.concat([part, part.subarray(5)]);
    expect(readFileSync(join(checkpoint, 'weights')).equals(expected)).toBe(true);
    expect(readFileSync(join(checkpoint, 'SHA256SUMS'), 'utf8')).toBe(`${sum(expected)}  weights\n`);
  });

  it('one of whose files cannot be written leaves the one before, and no draft', async () => {
    const folder = temporaryFolder();
    const checkpoint = join(folder, 'step-3');
    await writeFolderAtomically(checkpoint, { a: parts('one') });
    const writing = writeFolderAtomically(checkpoint, { a: parts('two'), 'no/such': parts('three') });
    await expect(writing).rejects.toThrow(/ENOENT/);
    expect(readdirSync(folder)).toEqual(['step-3']);
    expect(readFileSync(join(checkpoint, 'a'), 'utf8')).toBe('one');
  });

  it('has no other name than a draft’s until all of it is written', async () => {
    const folder = temporaryFolder();
    const seen = new Set<string>();
    const writing = writeFolderAtomically(join(folder, 'step-3'), { a: [new Uint8Array(2 ** 22)] });
    let isDone = false;
    const done = writing.then(() => {
      isDone = true;
    });
    while (!isDone) {
      for (const name of readdirSync(folder)) seen.add(name);
      if (seen.has('step-3')) expect(readdirSync(join(folder, 'step-3')).sort()).toEqual(['SHA256SUMS', 'a']);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect([...seen].some((name) => /^\.step-3\..*\.tmp$/.test(name))).toBe(true);
  });
});

it('what is to be synced has to be there', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a'), 'one');
  await syncInBackground(join(folder, 'a'));
  await expect(syncInBackground(join(folder, 'b'))).rejects.toThrow(/ENOENT/);
  mkdirSync(join(folder, 'c'));
  await expect(syncInBackground(join(folder, 'c'))).rejects.toThrow(/EISDIR/);
});
