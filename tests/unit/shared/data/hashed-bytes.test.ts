import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readHashed, uncompressed } from '../../../../src/shared/data/hashed-bytes.ts';
import { needs } from '../../../support/machine-parts.ts';
import { sha256 } from '../../../support/small-dataset.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** As `readHashed` would return them. */
function inMemory(bytes: Uint8Array) {
  return { where: 'some/file.gz', bytes, sha256: sha256(bytes) };
}

test.each([0, 1, 4 << 20, (4 << 20) + 1, 9_000_001])('a file of %i bytes is read and hashed whole', async (size) => {
  const bytes = Buffer.alloc(size, 'not all the same');
  const read = await readHashed(file(`size-${size}`, bytes), size);
  expect(Buffer.compare(read.bytes, bytes)).toBe(0);
  expect(read.sha256).toBe(sha256(bytes));
});

test('a file over the limit is refused', async () => {
  const path = file('large', Buffer.alloc(11));
  await expect(readHashed(path, 10)).rejects.toThrow(`${path}: oversized: expected at most 10 bytes, found 11 bytes`);
});

test('missing files and folders are named', async () => {
  await expect(readHashed(join(folder, 'none'), 10)).rejects.toThrow('none: not found');
  await expect(readHashed(folder, 10)).rejects.toThrow(/not a file|EISDIR/);
});

const unprivileged = await needs('unprivileged');
unprivileged.it('files that are closed to the user are named', async () => {
  const locked = file('locked', Buffer.of(1));
  chmodSync(locked, 0o000);
  await expect(readHashed(locked, 10)).rejects.toThrow('locked: not readable (EACCES)');
});

test('content tells what is gzipped', async () => {
  const content = Buffer.from('some content');
  const plain = await uncompressed(inMemory(content), 100);
  const unpacked = await uncompressed(inMemory(gzipSync(content)), 100);
  expect([plain.sha256, unpacked.sha256]).toEqual([sha256(content), sha256(content)]);
  expect(Buffer.from(unpacked.bytes).equals(content)).toBe(true);
});

test('an archive cut at any byte is an error that names it', async () => {
  const archive = gzipSync('content that is long enough to be worth packing');
  for (let length = 2; length < archive.length; length++) {
    await expect(uncompressed(inMemory(archive.subarray(0, length)), 100)).rejects.toThrow(
      /^some\/file\.gz: truncated: the gzip stream ends early/,
    );
  }
});

test('a damaged archive is corrupt', async () => {
  const archive = gzipSync('content that is long enough to be worth packing');
  archive[archive.length - 6] = (archive[archive.length - 6] ?? 0) ^ 1;
  await expect(uncompressed(inMemory(archive), 100)).rejects.toThrow('some/file.gz: corrupt gzip');
});

test('an archive that unpacks to more than expected is stopped', async () => {
  await expect(uncompressed(inMemory(gzipSync(Buffer.alloc(1 << 20))), 1000)).rejects.toThrow(
    'some/file.gz: oversized: expected at most 1000 bytes',
  );
});
