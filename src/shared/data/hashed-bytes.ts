/** Files in memory with their SHA-256, which is computed while they are read. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { badInput, messageOf } from '../core/errors.ts';
import { openBoundedFile } from '../files/bounded-file.ts';

export interface HashedBytes {
  /** The path or URL, for error messages. */
  readonly where: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, in hex. */
  readonly sha256: string;
}

/** Large enough for few system calls, small enough that hashing starts early. */
const chunkBytes = 4 << 20;

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Reads a whole file. Each chunk is hashed while the next one is read.
 * @param maxBytes larger files are refused and not read
 * @throws PennygradError `bad-input` if the file is missing, cannot be read, is not a file or is too large; its
 *   `cause` is the system's error, if there is one
 */
export async function readHashed(path: string, maxBytes: number): Promise<HashedBytes> {
  const { file, size } = await openBoundedFile(path, maxBytes);
  try {
    return { where: path, ...(await readAndHash(file, size)) };
  } catch (error) {
    throw isSystemError(error) ? badInput(`${path}: ${messageOf(error)}`, error) : error;
  } finally {
    await file.close();
  }
}

async function readAndHash(file: FileHandle, size: number): Promise<Omit<HashedBytes, 'where'>> {
  const bytes = Buffer.allocUnsafeSlow(size);
  const hash = createHash('sha256');
  const readAt = (at: number) => file.read(bytes, at, Math.min(chunkBytes, size - at), at);
  let filled = 0;
  let reading = readAt(0);
  for (;;) {
    const { bytesRead } = await reading;
    // The end of the file, which may have shrunk since. Its checksum will tell.
    if (bytesRead === 0) return { bytes: bytes.subarray(0, filled), sha256: hash.digest('hex') };
    const chunk = bytes.subarray(filled, filled + bytesRead);
    filled += bytesRead;
    reading = readAt(filled);
    hash.update(chunk);
  }
}

/** Whether a file is gzipped, by its first bytes. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The content of a file that may be gzipped.
 * @param maxBytes unpacking stops with an error if the content is larger
 * @throws PennygradError `bad-input` if the archive is truncated, corrupt or too large
 */
export async function uncompressed(file: HashedBytes, maxBytes: number): Promise<HashedBytes> {
  if (!isGzip(file.bytes)) return file;
  try {
    const bytes = await promisify(gunzip)(file.bytes, { maxOutputLength: maxBytes });
    return { where: file.where, bytes, sha256: sha256Of(bytes) };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw oversized(file.where, maxBytes, 'more when unpacked');
    if (error.code === 'Z_BUF_ERROR') {
      throw badInput(`${file.where}: truncated: the gzip stream ends early after ${file.bytes.length} bytes`, error);
    }
    throw badInput(`${file.where}: corrupt gzip (${error.message}); get the file again`, error);
  }
}

/** The largest archive of this much content, in bytes: gzip adds little to data that it cannot compress. */
export function largestArchive(contentBytes: number): number {
  return Math.ceil(contentBytes * 1.001) + (64 << 10);
}

/** The first bytes of the content of a file that may be gzipped, or of its beginning; fewer if there are no more. */
export async function headOf(bytes: Uint8Array, count: number): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes.subarray(0, count);
  const gunzip = createGunzip({ chunkSize: count });
  gunzip.end(bytes);
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of gunzip) {
      head = Buffer.concat([head, chunk as Uint8Array]);
      // Leaving the loop ends the unpacking.
      if (head.length >= count) break;
    }
  } catch {
    // `uncompressed` says what is wrong with the archive.
  }
  return head.subarray(0, count);
}

function oversized(where: string, maxBytes: number, found: string) {
  return badInput(`${where}: oversized: expected at most ${maxBytes} bytes, found ${found}`);
}

type SystemError = Error & { readonly code: string };

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.name !== 'PennygradError';
}
