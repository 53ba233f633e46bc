/** Lines on a disk that is full for a while. `/dev/full` takes nothing, and says what a full disk says. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { createLineFile, describeLost, type LineFileOptions } from '../../../../src/shared/files/line-file.ts';
import { needs } from '../../../support/machine-parts.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import '../../../support/property-rounds.ts';

const { describe, it } = await needs('linux');

function lineFile(options?: LineFileOptions) {
  const path = join(temporaryFolder(), 'ledger.jsonl');
  return {
    file: createLineFile(path, options),
    path,
    fill: () => symlinkSync('/dev/full', path),
    empty: () => rmSync(path),
    content: () => readFileSync(path, 'utf8'),
  };
}

describe('lines on a full disk', () => {
  it('wait, and are written in order by the next append', () => {
    const { file, path, fill, empty, content } = lineFile();
    fill();
    file.append('a\n');
    file.append('b\n');
    expect(file.failure).toMatchObject({
      code: 'run-failed',
      message: expect.stringContaining(`cannot write ${path}`),
    });
    expect(file.failure?.message).toContain('ENOSPC');
    empty();
    file.append('c\n');
    expect(content()).toBe('a\nb\nc\n');
    expect([file.failure, file.lostBytes]).toEqual([undefined, 0]);
  });

  it('are written by a flush, which says what is wrong while they cannot be', () => {
    const { file, fill, empty, content } = lineFile();
    fill();
    file.append('a\n');
    expect(() => file.flush()).toThrow(/^cannot write .*ledger\.jsonl: ENOSPC: no space left on device/);
    empty();
    file.flush();
    expect(content()).toBe('a\n');
    file.flush();
    expect(content()).toBe('a\n');
  });

  it('are dropped from the oldest on when too many wait, and counted', () => {
    const { file, fill, empty, content } = lineFile({ mostBytes: 8 });
    fill();
    for (const text of ['a1\n', 'b2\n', 'c3\n', 'd4\n']) file.append(text);
    empty();
    file.flush();
    expect(content()).toBe('c3\nd4\n');
    expect(file.lostBytes).toBe(6);
    expect(describeLost(6)).toMatch(/6 bytes/);
    expect(describeLost(0)).toBe('');
  });

  it('are dropped as they come where each needs the ones before it', () => {
    const { file, fill, empty, content } = lineFile({ mostBytes: 8, drops: 'newest' });
    fill();
    for (const text of ['a1\n', 'b2\n', 'c3\n', 'd\n', 'e\n']) file.append(text);
    expect(file.lostBytes).toBe(5);
    empty();
    file.append('f6\n');
    expect(content()).toBe('a1\nb2\nd\nf6\n');
  });

  it('are all written when so many wait that they are kept in several pieces', () => {
    const { file, fill, empty, content } = lineFile();
    fill();
    const bytes = 2 ** 18;
    for (let written = 0; written < bytes; written += 2 ** 12) file.append('1\n'.repeat(2 ** 11));
    for (let line = 0; line < 100; line++) file.append('1\n');
    empty();
    file.flush();
    expect(content()).toBe('1\n'.repeat(bytes / 2 + 100));
    expect(file.lostBytes).toBe(0);
  });

  it('leave what was interim out once there is something newer, and nothing else', () => {
    const text = fc.record({ line: fc.integer({ min: 0, max: 99 }), isInterim: fc.boolean(), isFull: fc.boolean() });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), (appended) => {
        const { file, path } = lineFile();
        let expected = '';
        let waiting: typeof appended = [];
        for (const item of appended) {
          // A disk with room begins with an empty file.
          if (item.isFull || waiting.length > 0) rmSync(path, { force: true });
          if (item.isFull || waiting.length > 0) expected = '';
          if (item.isFull) symlinkSync('/dev/full', path);
          file.append(`${item.line}\n`, item.isInterim);
          waiting = [...waiting.filter(({ isInterim }) => !isInterim), item];
          expect(file.failure !== undefined).toBe(item.isFull);
          if (item.isFull) continue;
          expected += waiting.map(({ line }) => `${line}\n`).join('');
          waiting = [];
          expect(readFileSync(path, 'utf8')).toBe(expected);
        }
      }),
    );
  });
});

describe('lines that the next ones replace', () => {
  it('are the last of the file, and nothing else goes', () => {
    const { file, content } = lineFile();
    file.append('a\n');
    file.append('passing 1\n', true, true);
    expect(content()).toBe('a\npassing 1\n');
    file.append('passing 2, longer\n', true, true);
    expect(content()).toBe('a\npassing 2, longer\n');
    file.append('b\n');
    file.append('c\n');
    expect(content()).toBe('a\nb\nc\n');
  });

  it('go also where what replaces them had to wait', () => {
    const { file, path, content } = lineFile();
    file.append('a\n');
    file.append('passing\n', true, true);
    renameSync(path, `${path}.away`);
    mkdirSync(path);
    file.append('b\n');
    expect(file.failure).toBeDefined();
    rmdirSync(path);
    renameSync(`${path}.away`, path);
    file.append('c\n');
    expect(content()).toBe('a\nb\nc\n');
  });
});
