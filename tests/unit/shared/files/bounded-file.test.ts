import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  openBoundedFile,
  readBoundedFile,
  readBoundedText,
  readFileHead,
} from '../../../../src/shared/files/bounded-file.ts';
import { needs } from '../../../support/machine-parts.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const onLinux = await needs('linux');

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Every way in which a file is opened. */
const readers: readonly [string, (path: string) => unknown][] = [
  ['whole', async (path) => readBoundedFile(path, 100)],
  ['as text', async (path) => readBoundedText(path, 100)],
  ['its head', async (path) => readFileHead(path, 10)],
  [
    'piece by piece',
    async (path) => {
      const { file } = await openBoundedFile(path, 100);
      await file.close();
    },
  ],
];

describe.each(readers)('a file that is read %s', (_, read) => {
  test('is a regular file', async () => {
    await expect(read(folder)).rejects.toMatchObject({
      code: 'bad-input',
      message: `${folder}: not a file but a folder; only regular files are read`,
    });
  });

  test('exists', async () => {
    const missing = join(folder, 'none');
    await expect(read(missing)).rejects.toMatchObject({ code: 'bad-input', message: `${missing}: not found` });
    await expect(read(missing)).rejects.toHaveProperty('cause.code', 'ENOENT');
  });

  onLinux.it('is no pipe that never ends, and no device', async () => {
    const pipe = join(folder, `pipe-${_}`);
    execFileSync('mkfifo', [pipe]);
    await expect(read(pipe)).rejects.toThrow(`${pipe}: not a file but a pipe; only regular files are read`);
    await expect(read('/dev/zero')).rejects.toThrow('/dev/zero: not a file but a device');
  });
});

test.each([0, 1, 4095, 4096, 4097, 9000])('a file of %i bytes is read whole where that is the limit', (size) => {
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, index) => index % 251));
  const path = file('sized', bytes);
  expect(Buffer.compare(readBoundedFile(path, size), bytes)).toBe(0);
  if (size === 0) return;
  expect(() => readBoundedFile(path, size - 1, '--config sized')).toThrow(
    `--config sized: oversized: expected at most ${size - 1} bytes, found ${size} bytes`,
  );
});

test('a large sparse file is refused without being read', async () => {
  const path = file('sparse', '');
  truncateSync(path, 2 ** 40);
  const before = process.resourceUsage().maxRSS;
  expect(() => readBoundedFile(path, 2 ** 30)).toThrow(`found ${2 ** 40} bytes`);
  await expect(openBoundedFile(path, 2 ** 30)).rejects.toThrow(`found ${2 ** 40} bytes`);
  expect(readFileHead(path, 3)).toEqual(Buffer.alloc(3));
  expect((process.resourceUsage().maxRSS - before) / 1024, 'MiB').toBeLessThan(50);
});

onLinux.it('a file that says that it is empty and is not is read to its end, and limited all the same', () => {
  expect(readBoundedText('/proc/self/status', 100_000)).toMatch(/^VmPeak:/m);
  expect(() => readBoundedFile('/proc/self/status', 20)).toThrow('/proc/self/status: oversized: expected at most 20');
});

test('the head of a short file is the file', () => {
  expect(readFileHead(file('short', 'abc'), 10).toString()).toBe('abc');
  expect(readFileHead(file('long', 'abcdef'), 4).toString()).toBe('abcd');
});
