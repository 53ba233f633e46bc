import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { acquire } from '../../../../src/shared/data/acquire.ts';
import { openCache } from '../../../../src/shared/data/cache.ts';
import { idxFileNames, type PerIdxFile } from '../../../../src/shared/data/idx-files.ts';
import { mirror } from '../../../../src/shared/data/mirror.ts';
import type { Source } from '../../../../src/shared/data/source.ts';
import {
  type Answer,
  type MirrorServer,
  startMirror,
  status,
  truncated,
  unreachableUrl,
  whole,
} from '../../../support/mirror-server.ts';
import { perFile, sha256, smallDataset } from '../../../support/small-dataset.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const { dataset, contents, archives } = smallDataset();
const first = 'train-images-idx3-ubyte';
const servers: MirrorServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function newCache() {
  const folder = temporaryFolder();
  const warnings: string[] = [];
  return { folder, warnings, cache: openCache(folder, (line) => warnings.push(line)) };
}

async function serve(files: PerIdxFile<Buffer>, odd: Readonly<Record<string, Answer>> = {}): Promise<MirrorServer> {
  const answers = Object.fromEntries(idxFileNames.map((name) => [`${name}.gz`, whole(files[name])]));
  const server = await startMirror({ ...answers, ...odd });
  servers.push(server);
  return server;
}

function mirrorOf(url: string, cache: ReturnType<typeof openCache>): Source {
  return mirror(url, {
    deadlines: { connect: 20, stall: 20, total: 20 },
    onProgress: () => {},
    store: cache.store,
  });
}

function cachedFiles(folder: string): string[] {
  return readdirSync(join(folder, 'mnist')).sort();
}

const archiveNames = idxFileNames.map((name) => `${name}.gz`).sort();

test('files are downloaded once, and cached as they came', async () => {
  const { folder, cache, warnings } = newCache();
  const server = await serve(archives);
  const sources = [cache, mirrorOf(server.url, cache)];

  const downloaded = await acquire(dataset, sources);
  expect(downloaded.source).toBe(`mirror ${server.url}`);
  expect(server.requests).toHaveLength(4);
  expect(cachedFiles(folder)).toEqual(archiveNames);

  const cached = await acquire(dataset, sources);
  expect(cached.source).toBe(`cache ${folder}`);
  expect(server.requests).toHaveLength(4);
  for (const name of idxFileNames) {
    expect(readFileSync(join(folder, 'mnist', `${name}.gz`)).equals(archives[name])).toBe(true);
    expect(Buffer.from(cached.files[name].bytes).equals(contents[name])).toBe(true);
    expect(cached.files[name].sha256).toBe(sha256(contents[name]));
  }
  expect(warnings).toEqual([]);
});

test.each<[string, (archive: Buffer) => Buffer, RegExp]>([
  ['cut short', (archive) => archive.subarray(0, archive.length / 2), /truncated/],
  ['empty', () => Buffer.alloc(0), /truncated/],
  ['damaged', (archive) => archive.map((byte, i) => (i === archive.length - 6 ? byte ^ 1 : byte)) as Buffer, /corrupt/],
  ['another file', () => archives['t10k-images-idx3-ubyte'], /holds 6 × 5 × 4 elements; .* has 20 × 5 × 4/],
  ['a web page', () => Buffer.from('<html>'), /not an IDX file/],
  ['far too large', () => Buffer.alloc(1 << 20), /oversized/],
])('a cached file that is %s is named, replaced and used', async (_, spoil, reason) => {
  const { folder, cache, warnings } = newCache();
  const server = await serve(archives);
  const sources = [cache, mirrorOf(server.url, cache)];
  await acquire(dataset, sources);
  const path = join(folder, 'mnist', `${first}.gz`);
  writeFileSync(path, spoil(archives[first]));

  const { files } = await acquire(dataset, sources);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(path);
  expect(warnings[0]).toMatch(reason);
  expect(files[first].sha256).toBe(sha256(contents[first]));
  expect(readFileSync(path).equals(archives[first])).toBe(true);
  expect(server.requests).toHaveLength(5);
});

test('a corrupt cached file goes, also when nothing can replace it', async () => {
  const { folder, cache, warnings } = newCache();
  mkdirSync(join(folder, 'mnist'));
  writeFileSync(join(folder, 'mnist', `${first}.gz`), 'rubbish');
  await expect(acquire(dataset, [cache])).rejects.toThrow('not an IDX file');
  expect(warnings).toHaveLength(1);
  expect(cachedFiles(folder)).toEqual([]);
});

test('mirrors are asked in turn, and a good file of one is kept when the next is needed', async () => {
  const { cache } = newCache();
  const half = await serve(archives, { 't10k-images-idx3-ubyte.gz': status(404) });
  const other = await serve(archives);
  const { source } = await acquire(dataset, [mirrorOf(half.url, cache), mirrorOf(other.url, cache)]);
  expect(source).toBe(`mirror ${half.url} and mirror ${other.url}`);
  expect(other.requests).toEqual(['t10k-images-idx3-ubyte.gz']);
});

test('when all sources fail, the error says why each did', async () => {
  const { folder, cache } = newCache();
  const wrong = perFile((name) => gzipSync(contents[name].map((byte) => (byte === 1 ? 2 : byte))));
  const lying = await serve(wrong);
  const absent = await serve(archives, { [`${first}.gz`]: status(404) });
  const broken = await serve(archives, { [`${first}.gz`]: truncated(archives[first], 50) });
  const page = await serve(archives, { [`${first}.gz`]: whole(Buffer.from('<html></html>')) });
  // Last: a server that starts after it could be given its port.
  const dead = await unreachableUrl();
  const mirrors = [dead, lying.url, absent.url, broken.url, page.url].map((url) => mirrorOf(url, cache));

  const failure = acquire(dataset, [cache, ...mirrors]);
  await expect(failure).rejects.toMatchObject({ code: 'bad-input' });
  await expect(failure).rejects.toThrow(
    [
      `mnist is not available from any source: ${join(folder, 'mnist', `${first}.gz`)}: not found`,
      `${dead}${first}.gz: unreachable (ECONNREFUSED)`,
      `${lying.url}${first}.gz: corrupt, or not MNIST: expected SHA-256 ${sha256(contents[first])} of the uncompressed content, found ${sha256(
        contents[first].map((byte) => (byte === 1 ? 2 : byte)),
      )}`,
      `${absent.url}${first}.gz: HTTP 404 Not Found`,
      `${broken.url}${first}.gz: the connection was cut off before the end`,
      `${page.url}${first}.gz: sent something that is not a gzip archive (13 bytes)`,
    ].join('; '),
  );
});

test('a cache that cannot be written is a warning', async () => {
  const { folder, cache, warnings } = newCache();
  // A file where the folder should be: nobody, root included, can write below it.
  writeFileSync(join(folder, 'mnist'), '');
  const server = await serve(archives);
  await acquire(dataset, [cache, mirrorOf(server.url, cache)]);
  expect(warnings).toHaveLength(4);
  expect(warnings[0]).toMatch(/cannot be cached, so the next run will download it again/);
});

test('a temporary file that a dead process left is no obstacle', async () => {
  const { folder, cache } = newCache();
  mkdirSync(join(folder, 'mnist'));
  writeFileSync(join(folder, 'mnist', `${first}.gz.1-dead.tmp`), 'half');
  chmodSync(join(folder, 'mnist', `${first}.gz.1-dead.tmp`), 0o400);
  const server = await serve(archives);
  const { source } = await acquire(dataset, [cache, mirrorOf(server.url, cache)]);
  expect(source).toBe(`mirror ${server.url}`);
});

test('a fault of the program is not taken for a failing source', async () => {
  const faulty: Source = { description: 'faulty', read: () => Promise.reject(new TypeError('a bug')) };
  await expect(acquire(dataset, [faulty])).rejects.toThrow(TypeError);
});

test('where only archives have published sums, another archive of the same content is not enough', async () => {
  const small = smallDataset('archive');
  const { cache } = newCache();
  const repacked = await serve(perFile((name) => gzipSync(small.contents[name], { level: 1 })));
  await expect(acquire(small.dataset, [mirrorOf(repacked.url, cache)])).rejects.toThrow('of the gzip archive');
  const original = await serve(small.archives);
  await expect(acquire(small.dataset, [mirrorOf(original.url, cache)])).resolves.toMatchObject({
    source: `mirror ${original.url}`,
  });
});
