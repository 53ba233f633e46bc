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
import { randomBytes } from 'node:crypto';
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
import type { Attempt, VectorsToRead } from '../protocol/messages.ts';

/** What a process offers to be read: a vector in two slots, which steps take in turn. */
export interface OwnVectors {
  /** How others open it. */
  readonly offer: VectorsToRead;
  /** Marks the slot as belonging to no attempt, before its vector is written over. */
  clear(slot: number): void;
  write(slot: number, from: number, values: Float32Array): void;
  /** The slot's vector is complete. */
  publish(slot: number, attempt: Attempt): void;
  close(): void;
}

/** What another process offers. */
export interface PeerVectors {
  /** Fills `target` with the floats of a slot from `from` on. */
  read(slot: number, from: number, target: Float32Array): void;
  /** The attempt that the slot's vector belongs to; undefined while it changes. */
  published(slot: number): Attempt | undefined;
  close(): void;
}

/** Problems are for people: they say why this way is closed. */
export interface VectorSharing {
  /** @param floats of the vector */
  offer(floats: number): { readonly own: OwnVectors } | { readonly problem: string };
  open(offer: VectorsToRead, floats: number): { readonly peer: PeerVectors } | { readonly problem: string };
}

const slots = 2;

/** Members are never more than a step apart, so whoever writes a slot again knows that all have read it. */
export function slotOf(step: number): number {
  return step % slots;
}

/** A file: the secret, for each slot which attempt it belongs to (generation, step, attempt, 1), and the slots. */
const secretBytes = 32;
const labelFloats = 4;
const labelBytes = labelFloats * Float64Array.BYTES_PER_ELEMENT;
const headerBytes = secretBytes + slots * labelBytes;
const labelPosition = (slot: number) => secretBytes + slot * labelBytes;
const vectorPosition = (slot: number, floats: number, from: number) => headerBytes + (slot * floats + from) * 4;
const fileBytes = (floats: number) => vectorPosition(slots, floats, 0);

/** Where Linux keeps files in memory. */
const folder = '/dev/shm';
const bootIdFile = '/proc/sys/kernel/random/boot_id';

export const shareVectors: VectorSharing = {
  offer(floats) {
    try {
      return { own: offerVectors(floats) };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  },
  open(offer, floats) {
    try {
      return { peer: openVectors(offer, floats) };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  },
};

function offerVectors(floats: number): OwnVectors {
  if (process.platform !== 'linux') throw new Error(`this is ${process.platform}, and it needs Linux`);
  const host = readFileSync(bootIdFile, 'utf8').trim();
  const secret = randomBytes(secretBytes / 2).toString('hex');
  const { bavail, blocks, bsize } = statfsSync(folder);
  const bytes = fileBytes(floats);
  // A file system without a limit has no blocks.
  if (blocks > 0 && bavail * bsize < bytes)
    throw new Error(`${folder} has room for ${bavail * bsize} bytes, ${bytes} are needed`);
  const path = join(folder, `pennygrad-${secret}`);
  const { O_CREAT, O_EXCL, O_RDWR } = constants;
  const file = openFile(openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600));
  try {
    unlinkSync(path);
    // Takes all of the room now, so that no later write fails for lack of it.
    const zeros = new Uint8Array(Math.min(bytes, 1 << 20));
    for (let at = 0; at < bytes; at += zeros.length) file.write(zeros.subarray(0, bytes - at), at);
    file.write(Buffer.from(secret, 'latin1'), 0);
  } catch (error) {
    file.close();
    throw error;
  }
  const label = (slot: number, values: readonly number[]) =>
    file.write(bytesOf(Float64Array.from(values)), labelPosition(slot));
  return {
    offer: { host, pid: process.pid, fd: file.fd, secret },
    clear: (slot) => label(slot, Array<number>(labelFloats).fill(0)),
    write: (slot, from, values) => file.write(bytesOf(values), vectorPosition(slot, floats, from)),
    publish: (slot, { generation, step, attempt }) => label(slot, [generation, step, attempt, 1]),
    close: file.close,
  };
}

function openVectors({ pid, fd, secret }: VectorsToRead, floats: number): PeerVectors {
  const path = `/proc/${pid}/fd/${fd}`;
  // A peer may name anything: what is no file of this length is not opened.
  const { size, mode } = statSync(path);
  if ((mode & constants.S_IFMT) !== constants.S_IFREG || size !== fileBytes(floats)) throw new Error(otherFile);
  const file = openFile(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const found = new Uint8Array(secretBytes);
    file.read(found, 0);
    if (Buffer.from(found).toString('latin1') !== secret) throw new Error(otherFile);
  } catch (error) {
    file.close();
    throw error;
  }
  const label = new Float64Array(labelFloats);
  return {
    read: (slot, from, target) => file.read(bytesOf(target), vectorPosition(slot, floats, from)),
    published(slot) {
      file.read(bytesOf(label), labelPosition(slot));
      const [generation = 0, step = 0, attempt = 0, isComplete] = label;
      return isComplete === 1 ? { generation, step, attempt } : undefined;
    },
    close: file.close,
  };
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
