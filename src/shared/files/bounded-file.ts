/**
 * Reads files that a user has named. Only regular files are read, because a pipe may never end, and none without a limit,
 * because they are held in memory.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';

/** Opening a pipe would otherwise wait until somebody writes to it. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Files in /proc say that their size is 0, so the first read asks for this much. */
const leastRead = 4096;

/**
 * Reads a whole regular file.
 * @param shown how errors name the file, for example `--config run.yaml`
 * @throws PennygradError `bad-input` if the file is missing, unreadable, no regular file, or larger than `maxBytes`; its
 *   `cause` is the system's error, if there is one
 */
export function readBoundedFile(path: string, maxBytes: number, shown = path): Buffer {
  return withFile(path, shown, (file, size) => {
    if (size > maxBytes) throw tooLarge(shown, maxBytes, size);
    let bytes = Buffer.allocUnsafeSlow(Math.max(size + 1, leastRead));
    for (let filled = 0; ; ) {
      const count = readSync(file, bytes, filled, bytes.length - filled, null);
      if (count === 0) return bytes.subarray(0, filled);
      filled += count;
      if (filled > maxBytes) throw tooLarge(shown, maxBytes, filled);
      if (filled === bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
    }
  });
}

/** As `readBoundedFile`, decoded as UTF-8. */
export function readBoundedText(path: string, maxBytes: number, shown = path): string {
  return readBoundedFile(path, maxBytes, shown).toString('utf8');
}

/** The first bytes of a regular file, fewer if it is shorter. @throws as `readBoundedFile` */
export function readFileHead(path: string, count: number): Buffer {
  return withFile(path, path, (file) => {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(file, bytes, 0, count, 0));
  });
}

/** Opens a regular file, for reading it piece by piece. The caller closes it. @throws as `readBoundedFile` */
export async function openBoundedFile(
  path: string,
  maxBytes: number,
): Promise<{ readonly file: FileHandle; readonly size: number }> {
  const file = await open(path, flags).catch((error: unknown) => {
    throw explained(path, error);
  });
  try {
    const stats = await file.stat();
    requireRegular(stats, path);
    if (stats.size > maxBytes) throw tooLarge(path, maxBytes, stats.size);
    return { file, size: stats.size };
  } catch (error) {
    await file.close();
    throw explained(path, error);
  }
}

function withFile<Result>(path: string, shown: string, use: (file: number, size: number) => Result): Result {
  let file: number | undefined;
  try {
    file = openSync(path, flags);
    const stats = fstatSync(file);
    requireRegular(stats, shown);
    return use(file, stats.size);
  } catch (error) {
    throw explained(shown, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function requireRegular(stats: Stats, shown: string): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory() ? 'a folder' : stats.isFIFO() ? 'a pipe' : 'a device';
  throw badInput(`${shown}: not a file but ${kind}; only regular files are read`);
}

function tooLarge(shown: string, maxBytes: number, found: number): PennygradError {
  return badInput(`${shown}: oversized: expected at most ${maxBytes} bytes, found ${found} bytes`);
}

/** The system's errors in a user's words; other errors as they are. */
function explained(shown: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof PennygradError || typeof code !== 'string') return error;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return badInput(`${shown}: not found`, error);
    case 'EACCES':
    case 'EPERM':
      return badInput(`${shown}: not readable (${code})`, error);
    default:
      return badInput(`${shown}: ${messageOf(error)}`, error);
  }
}
