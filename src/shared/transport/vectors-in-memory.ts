/**
 * Vectors that processes on one host read of each other, in files on tmpfs (Linux).
 *
 * A file loses its name as soon as it is open, and others open it by its descriptor (`/proc/PID/fd/FD`). So nothing is left
 * behind however a process ends, and whoever has opened a file can read it even when its writer is dead. A secret at its
 * beginning shows that it is the right file: process numbers mean something else in another container.
 *
 * Reading and writing are system calls, which order what two processes see. (Mapped memory would need fences, and where
 * tmpfs is full, ends the process with SIGBUS.)
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { isSameAttempt } from '../protocol/attempt.ts';
import { vectorSlots } from '../protocol/limits.ts';
import type { Attempt, VectorsInMemory } from '../protocol/messages.ts';
import { type Doorbell, hangDoorbell, hearDoorbell } from './doorbell.ts';
import { areCovered } from './received-slots.ts';
import {
  figureCount,
  mostPasses,
  type PeerVectors,
  type Publication,
  type ReadOptions,
  type VectorWay,
  type VectorWriter,
} from './vectors.ts';

/**
 * A file: the secret; for each slot which attempt it belongs to (generation, step, attempt, 1), the figures, which attempt the
 * parts belong to that were passed (generation, step, attempt, how many), and these (from, length); and the slots.
 */
const secretBytes = 32;
const labelFloats = 4;
const labelBytes = labelFloats * Float64Array.BYTES_PER_ELEMENT;
const figureBytes = figureCount * Float64Array.BYTES_PER_ELEMENT;
const passBytes = 2 * Float64Array.BYTES_PER_ELEMENT;
const slotHeaderBytes = (floats: number) => 2 * labelBytes + figureBytes + mostPasses(floats) * passBytes;

/** Where what is known of the slots of vectors of so many floats is in a file, and their floats. */
function layoutOf(floats: number) {
  const label = (slot: number) => secretBytes + slot * slotHeaderBytes(floats);
  const figures = (slot: number) => label(slot) + labelBytes;
  const passed = (slot: number) => figures(slot) + figureBytes;
  const pass = (slot: number, index: number) => passed(slot) + labelBytes + index * passBytes;
  const vector = (slot: number, from: number) => label(vectorSlots) + (slot * floats + from) * 4;
  return { label, figures, passed, pass, vector, bytes: vector(vectorSlots, 0) };
}

/** Where Linux keeps files in memory. */
const folder = '/dev/shm';
const bootIdFile = '/proc/sys/kernel/random/boot_id';

export const vectorsInMemory: VectorWay<VectorsInMemory> = {
  async offer(floats) {
    try {
      return { own: await offerVectors(floats) };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  },
  async open(offer, options) {
    try {
      return { peer: await openVectors(offer, options) };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  },
};

async function offerVectors(floats: number): Promise<VectorWriter & { readonly offer: VectorsInMemory }> {
  if (process.platform !== 'linux') throw new Error(`this is ${process.platform}, and it needs Linux`);
  const secret = randomBytes(secretBytes / 2).toString('hex');
  const { bavail, blocks, bsize } = statfsSync(folder);
  const layout = layoutOf(floats);
  const { bytes } = layout;
  // A file system without a limit has no blocks.
  if (blocks > 0 && bavail * bsize < bytes)
    throw new Error(`${folder} has room for ${bavail * bsize} bytes, ${bytes} are needed`);
  const path = join(folder, `pennygrad-${secret}`);
  const { O_CREAT, O_EXCL, O_RDWR } = constants;
  const file = openFile(openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600));
  let bell: Doorbell;
  try {
    unlinkSync(path);
    // Takes all of the room now, so that no later write fails for lack of it.
    const zeros = new Uint8Array(Math.min(bytes, 1 << 20));
    for (let at = 0; at < bytes; at += zeros.length) file.write(zeros.subarray(0, bytes - at), at);
    file.write(Buffer.from(secret, 'latin1'), 0);
    bell = await hangDoorbell(bellOf(secret));
  } catch (error) {
    file.close();
    throw error;
  }
  const writeNumbers = (values: readonly number[], position: number) =>
    file.write(bytesOf(Float64Array.from(values)), position);
  const write = (slot: number, from: number, values: Float32Array) =>
    file.write(bytesOf(values), layout.vector(slot, from));
  const begun = Array.from({ length: vectorSlots }, () => ({ attempt: undefined as Attempt | undefined, passes: 0 }));
  return {
    offer: { host: bootId(), pid: process.pid, fd: file.fd, secret },
    begin(slot, attempt) {
      const nothing = Array<number>(labelFloats).fill(0);
      writeNumbers(nothing, layout.label(slot));
      writeNumbers(nothing, layout.passed(slot));
      begun[slot] = { attempt, passes: 0 };
    },
    write,
    lend: write,
    pass(slot, from, values) {
      const { attempt, passes = 0 } = begun[slot] ?? {};
      if (attempt === undefined) throw new Error('a slot is written before it is begun');
      if (passes === mostPasses(floats)) throw new Error(`more than ${passes} parts of a vector are passed`);
      write(slot, from, values);
      writeNumbers([from, values.length], layout.pass(slot, passes));
      // After the part: whoever reads it finds that.
      writeNumbers([attempt.generation, attempt.step, attempt.attempt, passes + 1], layout.passed(slot));
      begun[slot] = { attempt, passes: passes + 1 };
      bell.ring();
    },
    publish(slot, { attempt: { generation, step, attempt }, figures }) {
      // Before the label: whoever reads that finds them complete.
      writeNumbers(figures, layout.figures(slot));
      writeNumbers([generation, step, attempt, 1], layout.label(slot));
      bell.ring();
    },
    close() {
      bell.close();
      file.close();
    },
  };
}

/** What is known of the parts that were passed of an attempt's vector. */
interface Passed {
  readonly attempt: Attempt | undefined;
  readonly passes: number;
  readonly parts: Map<number, number>;
}

/** The same for all processes of a host, and no other's. */
function bootId(): string {
  return readFileSync(bootIdFile, 'utf8').trim();
}

async function openVectors(
  { host, pid, fd, secret }: VectorsInMemory,
  { floats, patience, onPublished }: ReadOptions,
): Promise<PeerVectors> {
  if (host !== bootId()) throw new Error('it is on another host');
  const path = `/proc/${pid}/fd/${fd}`;
  const layout = layoutOf(floats);
  // A peer may name anything: what is no file of this length is not opened.
  const { size, mode } = statSync(path);
  if ((mode & constants.S_IFMT) !== constants.S_IFREG || size !== layout.bytes) throw new Error(otherFile);
  const file = openFile(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  let bell: { close(): void };
  try {
    const found = new Uint8Array(secretBytes);
    file.read(found, 0);
    if (Buffer.from(found).toString('latin1') !== secret) throw new Error(otherFile);
    bell = await hearDoorbell(bellOf(secret), patience.answerMs, onPublished);
  } catch (error) {
    file.close();
    throw error;
  }
  const [label, labelAfter] = [new Float64Array(labelFloats), new Float64Array(labelFloats)];
  const figures = new Float64Array(figureCount);
  function published(slot: number): Publication | undefined {
    file.read(bytesOf(label), layout.label(slot));
    const [generation = 0, step = 0, attempt = 0, isComplete] = label;
    if (isComplete !== 1) return undefined;
    file.read(bytesOf(figures), layout.figures(slot));
    // Its process may have begun the slot again in between: these would be the figures of another attempt.
    file.read(bytesOf(labelAfter), layout.label(slot));
    if (!label.every((value, place) => value === labelAfter[place])) return undefined;
    return { attempt: { generation, step, attempt }, figures: [...figures] };
  }
  const known = Array.from(
    { length: vectorSlots },
    (): Passed => ({ attempt: undefined, passes: 0, parts: new Map() }),
  );
  /** The parts of an attempt's vector that were passed: their lengths, by where they begin. */
  function passed(slot: number, attempt: Attempt): ReadonlyMap<number, number> {
    file.read(bytesOf(label), layout.passed(slot));
    const [generation = 0, step = 0, number = 0, passes = 0] = label;
    if (!isSameAttempt({ generation, step, attempt: number }, attempt)) return new Map();
    const before = known[slot];
    const isKnown = before?.attempt !== undefined && isSameAttempt(before.attempt, attempt);
    const { passes: first, parts } = isKnown ? before : { passes: 0, parts: new Map<number, number>() };
    const found = new Float64Array(2 * Math.max(0, Math.min(passes, mostPasses(floats)) - first));
    if (found.length > 0) file.read(bytesOf(found), layout.pass(slot, first));
    for (let at = 0; at < found.length; at += 2) parts.set(found[at] ?? 0, found[at + 1] ?? 0);
    known[slot] = { attempt, passes: first + found.length / 2, parts };
    return parts;
  }
  return {
    way: 'memory',
    // All of it is there.
    follow() {},
    holds({ slot, from, to }, attempt) {
      const found = published(slot);
      if (found !== undefined) return isSameAttempt(found.attempt, attempt);
      return areCovered({ from, to }, passed(slot, attempt));
    },
    read: (slot, from, target) => file.read(bytesOf(target), layout.vector(slot, from)),
    published,
    close() {
      bell.close();
      file.close();
    },
  };
}

/** Names of sockets can be seen by anybody, so the bell's does not tell the secret. */
function bellOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, secretBytes);
}

const otherFile = 'it is another file here';

/** Reads and writes all or fails; never after it was closed, when its number may be another file's. */
function openFile(fd: number) {
  let isOpen = true;
  function requireOpen(): void {
    if (!isOpen) throw new Error('the shared vectors were closed');
  }
  return {
    fd,
    read(bytes: Uint8Array, position: number): void {
      requireOpen();
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(fd, bytes, done, bytes.length - done, position + done);
        if (count === 0) throw new Error('the file is too short');
        done += count;
      }
    },
    write(bytes: Uint8Array, position: number): void {
      requireOpen();
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(fd, bytes, done, bytes.length - done, position + done);
      }
    },
    close(): void {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
