/** Vectors in files that have no name: of this process and of others. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { VectorsInMemory } from '../../../../src/shared/protocol/messages.ts';
import { mostPasses, type PeerVectors, slotOf, type VectorWriter } from '../../../../src/shared/transport/vectors.ts';
import { vectorsInMemory } from '../../../../src/shared/transport/vectors-in-memory.ts';
import { eventually } from '../../../support/eventually.ts';
import { needs } from '../../../support/machine-parts.ts';
import { offerFrom, openFrom, patient } from '../../../support/opened-vectors.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const linux = await needs('linux');
const floats = 1000;

interface Offered extends VectorWriter {
  readonly offer: VectorsInMemory;
}

async function offer(): Promise<Offered> {
  const own = await offerFrom(vectorsInMemory, floats);
  onTestFinished(own.close);
  return own;
}

async function open({ offer }: Pick<Offered, 'offer'>, onPublished = () => {}): Promise<PeerVectors> {
  const peer = await openFrom(vectorsInMemory, offer, { floats, onPublished });
  onTestFinished(peer.close);
  return peer;
}

/** A process that offers vectors, and lives until it is killed. */
async function startOffering() {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../support/offer-vectors.mjs', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
  });
  return { child, offer: JSON.parse(line) as VectorsInMemory };
}

const publication = { attempt: { generation: 3, step: 2 ** 40, attempt: 0 }, figures: [1, 2.5, -3, 4e300, 0, 7] };

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // The descriptor by which the folder was read is closed by now.
    return undefined;
  }
}

/** Other processes of the suite have bells of their own, and those that were killed may have them for a while. */
function bellOfThisProcess(): string {
  const own = new Set(readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`)));
  const bells = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , , inode, name]) => name?.startsWith('@pennygrad-') && own.has(`socket:[${inode}]`))
    .map(([, , , , , , , name]) => name?.match(/pennygrad-[0-9a-f]+/)?.[0]);
  const [bell] = bells;
  if (bell === undefined || bells.length > 1) throw new Error(`this process has ${bells.length} bells`);
  return bell;
}

const hasName = (secret: string) => readdirSync('/dev/shm').some((name) => name.includes(secret));

linux.it('shows others what was written, slot by slot, and what it belongs to', async () => {
  const own = await offer();
  const peer = await open(own);
  expect(hasName(own.offer.secret)).toBe(false);
  own.write(0, 10, Float32Array.of(1.5, -2, 3e38));
  own.write(1, 10, Float32Array.of(7));
  own.publish(0, publication);
  const target = new Float32Array(5);
  peer.read(0, 9, target);
  expect([...target]).toEqual([0, 1.5, -2, Math.fround(3e38), 0]);
  expect([peer.published(0), peer.published(1)]).toEqual([publication, undefined]);
  own.begin(0, { generation: 3, step: 2 ** 40 + 2, attempt: 0 });
  expect(peer.published(0)).toBeUndefined();
  const last = new Float32Array(2);
  own.write(1, floats - 2, Float32Array.of(8, 9));
  peer.read(1, floats - 2, last);
  expect([...last]).toEqual([8, 9]);
});

linux.it('shows a part that is passed before the vector is complete, and tells of it', async () => {
  const own = await offer();
  let heard = 0;
  const peer = await open(own, () => {
    heard += 1;
  });
  const { attempt } = publication;
  const held = (from: number, to: number, of = attempt) => peer.holds({ slot: 1, from, to }, of);
  expect(() => own.pass(1, 0, Float32Array.of(1))).toThrow('a slot is written before it is begun');
  own.begin(1, attempt);
  own.write(1, 0, Float32Array.of(9));
  expect(held(0, 1)).toBe(false);
  own.pass(1, 4, Float32Array.of(5, 6));
  await eventually('the part is heard of', () => heard === 1);
  expect([held(4, 6), held(4, 7), held(5, 6), held(4, 6, { ...attempt, attempt: 1 })]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([peer.published(1), peer.holds({ slot: 0, from: 4, to: 6 }, attempt)]).toEqual([undefined, false]);
  const target = new Float32Array(2);
  peer.read(1, 4, target);
  expect([...target]).toEqual([5, 6]);
  own.pass(1, 6, Float32Array.of(7));
  expect(held(4, 7)).toBe(true);
  own.publish(1, publication);
  expect([held(0, floats), held(0, floats, { ...attempt, attempt: 1 })]).toEqual([true, false]);
  const next = { ...attempt, attempt: 1 };
  own.begin(1, next);
  expect([held(4, 6), held(4, 6, next)]).toEqual([false, false]);
  own.pass(1, 0, Float32Array.of(1));
  expect([held(0, 1, next), held(4, 6, next), held(4, 6)]).toEqual([true, false, false]);
});

linux.it('passes as many parts as there is room for in its file, and no others are shown', async () => {
  const own = await offer();
  const peer = await open(own);
  const { attempt } = publication;
  own.begin(0, attempt);
  own.publish(1, publication);
  for (let pass = 0; pass < mostPasses(floats); pass++) own.pass(0, pass % floats, Float32Array.of(pass));
  expect(() => own.pass(0, 0, Float32Array.of(1))).toThrow(
    `more than ${mostPasses(floats)} parts of a vector are passed`,
  );
  expect([peer.holds({ slot: 0, from: 0, to: floats }, attempt), peer.published(1)]).toEqual([true, publication]);
});

linux.it('tells whoever has opened it of each publication', async () => {
  const own = await offer();
  let heard = 0;
  await open(own, () => {
    heard += 1;
  });
  for (let step = 1; step <= 3; step++) {
    own.publish(slotOf(step), { ...publication, attempt: { generation: 1, step, attempt: 0 } });
    await eventually(`${step} publications are heard of`, () => heard === step);
  }
});

linux.it('tells many of the first publication, right after they have opened it', async () => {
  const own = await offer();
  const heard = new Set<number>();
  await Promise.all(Array.from({ length: 20 }, (_, listener) => open(own, () => heard.add(listener))));
  own.publish(1, { ...publication, attempt: { generation: 1, step: 1, attempt: 0 } });
  await eventually('all of them hear of it', () => heard.size === 20, 5000);
});

linux.it('is not waited for where its process stands still', async () => {
  const { child, offer } = await startOffering();
  child.kill('SIGSTOP');
  expect(
    await vectorsInMemory.open(offer, {
      floats,
      generation: 1,
      patience: { reachMs: 1, answerMs: 500 },
      onPublished() {},
    }),
  ).toEqual({
    problem: 'its process said nothing for 0.5 s',
  });
});

linux.it('is not kept from publishing by whoever has opened it and reads nothing', async () => {
  const own = await offer();
  const stranger = connect(`\0${bellOfThisProcess()}`);
  onTestFinished(() => void stranger.destroy());
  await new Promise((resolve) => stranger.once('connect', resolve));
  const before = process.memoryUsage().arrayBuffers;
  for (let step = 0; step < 5000; step++)
    own.publish(slotOf(step), { ...publication, attempt: { generation: 1, step, attempt: 0 } });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
});

it('gives neighbouring steps different slots', () => {
  for (let step = 0; step < 10; step++) expect(slotOf(step)).not.toBe(slotOf(step + 1));
});

linux.it('can be read when its writer is dead, and leaves nothing behind', async () => {
  const { child, offer } = await startOffering();
  const peer = await open({ offer });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  const target = new Float32Array(1);
  peer.read(0, floats - 1, target);
  expect([...target]).toEqual([4.25]);
  expect(peer.published(0)).toMatchObject({ attempt: { generation: 1, step: 4, attempt: 0 } });
  expect(hasName(offer.secret)).toBe(false);
});

linux.it('opens nothing but the file that was offered', async () => {
  const own = await offer();
  const other = await offer();
  const problemOf = async (changed: object, length = floats) => {
    const opened = await vectorsInMemory.open(
      { ...own.offer, ...changed },
      { floats: length, generation: 1, patience: patient, onPublished() {} },
    );
    if ('problem' in opened) return opened.problem;
    onTestFinished(opened.peer.close);
    return undefined;
  };
  expect(await problemOf({})).toBeUndefined();
  expect(await problemOf({ fd: other.offer.fd })).toBe('it is another file here');
  expect(await problemOf({ secret: other.offer.secret })).toBe('it is another file here');
  // Its length is not what the model needs.
  expect(await problemOf({}, floats + 1)).toBe('it is another file here');
  expect(await problemOf({ fd: 100_000 })).toMatch(/ENOENT/);
  expect(await problemOf({ pid: 2 ** 40 })).toMatch(/ENOENT/);
  const folder = temporaryFolder();
  const path = `${folder}/short`;
  writeFileSync(path, own.offer.secret);
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  expect(await problemOf({ fd })).toBe('it is another file here');
  const folderFd = openSync(folder, 'r');
  onTestFinished(() => closeSync(folderFd));
  expect(await problemOf({ fd: folderFd })).toBe('it is another file here');
  rmSync(path);
});

linux.it('says what room there is where that is too little', async () => {
  const offered = await vectorsInMemory.offer(2 ** 40);
  expect(offered).toEqual({
    problem: expect.stringMatching(/^\/dev\/shm has room for \d+ bytes, 8796629926144 are needed$/),
  });
});

linux.it('closes its files and sockets once', async () => {
  const count = () => readdirSync('/proc/self/fd').length;
  const before = count();
  const own = await offer();
  const peer = await open(own);
  await eventually('two files, the bell and both ends of a connection', () => count() === before + 5);
  for (const { close } of [own, peer, own, peer]) close();
  await eventually('all of them are closed', () => count() === before);
});

linux.it('is of this boot of this host', async () => {
  expect((await offer()).offer.host).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
});
