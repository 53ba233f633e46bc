import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lockRun } from '../../../src/run-folder/run-lock.ts';
import { isThere, type ProcessIdentity, thisProcess } from '../../../src/shared/files/process-identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const pace = { touchMs: 10, watchMs: 200 };

/** A folder with the lock of somebody else. */
function lockedBy(holder: Partial<ProcessIdentity>): { readonly folder: string; readonly file: string } {
  const folder = temporaryFolder();
  const file = join(folder, 'lock', 'other');
  mkdirSync(join(folder, 'lock'));
  writeFileSync(file, JSON.stringify({ ...thisProcess(), ...holder }));
  return { folder, file };
}

/** Takes the lock, and says who was watched. */
async function take(folder: string, signal = new AbortController().signal) {
  const watched: string[] = [];
  const lock = await lockRun(folder, {
    onWatch: ({ host, pid }, seconds) => watched.push(`${pid} on ${host}: ${seconds}`),
    signal,
    pace,
  });
  return { lock, watched };
}

describe('the lock of a run folder', () => {
  test('is held until it is released, which may be done twice, and leaves nothing', async () => {
    const folder = temporaryFolder();
    const { lock } = await take(folder);
    await expect(take(folder)).rejects.toMatchObject({
      code: 'bad-input',
      message: `${folder}: process ${process.pid} on ${thisProcess().host} is writing this run; end it first, or name another folder`,
    });
    expect(readdirSync(folder)).toEqual(['lock']);
    lock.release();
    const again = await take(folder);
    lock.release();
    await expect(take(folder)).rejects.toMatchObject({ code: 'bad-input' });
    again.lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is no longer waited for after Ctrl-C, and nothing is left of the try', async () => {
    const { folder } = lockedBy({ host: 'elsewhere' });
    const interruption = new AbortController();
    const taking = lockRun(folder, {
      onWatch: () => interruption.abort(),
      signal: interruption.signal,
      pace: { touchMs: 10, watchMs: 60_000 },
    });
    await expect(taking).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  test('takes the folder with it that was made for it, if nothing came into it', async () => {
    const parent = temporaryFolder();
    const [empty, used] = [join(parent, 'empty'), join(parent, 'used')];
    (await take(empty)).lock.release();
    const { lock } = await take(used);
    writeFileSync(join(used, 'config.json'), '{}');
    lock.release();
    expect(readdirSync(parent)).toEqual(['used']);
  });

  test.each([
    ['has another start', { started: 'another' }],
    ['is not there', { pid: 2 ** 22 + 1 }],
  ])('is lost by a process that %s', async (_, holder) => {
    const { folder } = lockedBy(holder);
    const { lock, watched } = await take(folder);
    expect(watched).toEqual([]);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['on another host', { host: 'elsewhere', pid: 7 }, '7 on elsewhere: 0.2'],
    ['in a container', { namespace: 'pid:[1]', pid: 1 }, `1 on ${thisProcess().host}: 0.2`],
  ])('is lost by a process %s that does not touch it while it is watched', async (_, holder, told) => {
    const { folder } = lockedBy(holder);
    const { lock, watched } = await take(folder);
    expect(watched).toEqual([told]);
    lock.release();
  });

  test('is kept by a process on another host that touches it', async () => {
    const { folder, file } = lockedBy({ host: 'elsewhere', pid: 7 });
    let seconds = 0;
    // As often as its watcher looks, and more: the touching is what this is about.
    const touching = setInterval(() => utimesSync(file, ++seconds, seconds), 20);
    await expect(take(folder)).rejects.toMatchObject({ message: expect.stringContaining('process 7 on elsewhere') });
    clearInterval(touching);
  });

  test('is touched while it is held', async () => {
    const folder = temporaryFolder();
    const { lock } = await take(folder);
    const [name = ''] = readdirSync(join(folder, 'lock'));
    // Somebody elsewhere finds it where it is, and watches.
    writeFileSync(join(folder, 'lock', name), JSON.stringify({ ...thisProcess(), host: 'elsewhere' }));
    await expect(take(folder)).rejects.toMatchObject({ message: expect.stringContaining('on elsewhere') });
    lock.release();
  });

  test('of a folder that cannot be made says so', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(take(join(file, 'run'))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(`--out ${join(file, 'run')}: cannot make the run folder`),
    });
  });
});

test('a process knows itself, and that of process 1 it knows nothing wrong', () => {
  expect(isThere(thisProcess())).toBe(true);
  expect(isThere({ ...thisProcess(), pid: 1 })).toBe(false);
  expect(isThere({ ...thisProcess(), pid: 1, started: '' })).toBe(true);
});
