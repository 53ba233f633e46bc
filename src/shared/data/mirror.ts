/** Downloads from public mirrors over HTTP. Every wait has a deadline, and every size has a limit. */
import { badInput, messageOf } from '../core/errors.ts';
import { maxArchiveBytes, type PublishedFile } from './catalog.ts';
import { type HashedBytes, isGzip, sha256Of } from './hashed-bytes.ts';
import type { Source } from './source.ts';

/** In seconds. */
export interface DownloadDeadlines {
  /** From the request to the response's header. */
  readonly connect: number;
  /** The longest pause within the body. */
  readonly stall: number;
  /** For the whole file, so that a mirror that sends one byte at a time cannot delay the run for ever. */
  readonly total: number;
}

export const defaultDownloadDeadlines: DownloadDeadlines = { connect: 10, stall: 10, total: 300 };

export interface DownloadProgress {
  readonly url: string;
  readonly receivedBytes: number;
  /** The size that the mirror announced, if it did. */
  readonly totalBytes: number | undefined;
}

export interface MirrorOptions {
  readonly deadlines: DownloadDeadlines;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** Keeps a verified file. */
  readonly store: (file: PublishedFile, bytes: HashedBytes) => Promise<void>;
}

/** @param url the folder that has each file as `NAME.gz` */
export function mirror(url: string, { deadlines, onProgress, store }: MirrorOptions): Source {
  const folder = url.endsWith('/') ? url : `${url}/`;
  return {
    description: `mirror ${folder}`,
    async read(file) {
      const where = `${folder}${file.name}.gz`;
      const bytes = await download(where, maxArchiveBytes(file), deadlines, onProgress);
      if (!isGzip(bytes)) throw badInput(`${where}: sent something that is not a gzip archive (${bytes.length} bytes)`);
      return { where, bytes, sha256: sha256Of(bytes) };
    },
    accepted: store,
  };
}

/**
 * Downloads an HTTP resource.
 * @throws PennygradError `bad-input` with the URL and the reason: unreachable, not 200, too slow, cut off or too large
 */
export async function download(
  url: string,
  maxBytes: number,
  deadlines: DownloadDeadlines,
  onProgress: (progress: DownloadProgress) => void,
): Promise<Uint8Array> {
  const abort = new AbortController();
  const failAfter = (seconds: number, what: string) =>
    setTimeout(() => abort.abort(badInput(`${url}: ${what} within ${seconds} s`)), seconds * 1000);
  const total = failAfter(deadlines.total, 'not complete');
  let silence = failAfter(deadlines.connect, 'no answer');
  try {
    // If fetch decompressed the archive, it could not be compared with its published checksum.
    const response = await fetch(url, { signal: abort.signal, headers: { 'accept-encoding': 'identity' } });
    if (!response.ok || response.body === null)
      throw badInput(`${url}: HTTP ${response.status} ${response.statusText}`);
    const totalBytes = announcedBytes(response.headers);
    if (totalBytes !== undefined && totalBytes > maxBytes) throw oversized(url, maxBytes, totalBytes);

    const chunks: Uint8Array[] = [];
    let receivedBytes = 0;
    const awaitMore = () => {
      clearTimeout(silence);
      silence = failAfter(deadlines.stall, `stalled after ${receivedBytes} bytes: no more came`);
    };
    awaitMore();
    for await (const chunk of response.body) {
      chunks.push(chunk);
      receivedBytes += chunk.length;
      if (receivedBytes > maxBytes) throw oversized(url, maxBytes, receivedBytes);
      awaitMore();
      onProgress({ url, receivedBytes, totalBytes });
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : failureOf(url, error);
  } finally {
    clearTimeout(silence);
    clearTimeout(total);
    // Closes the connection if the response was not read to its end.
    abort.abort();
  }
}

function announcedBytes(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  // If fetch decompresses the body, the announced length is not that of the result.
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

function oversized(url: string, maxBytes: number, found: number) {
  return badInput(`${url}: oversized: expected at most ${maxBytes} bytes, found ${found} or more`);
}

/** fetch rejects with a TypeError whose cause says what happened. */
function failureOf(url: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause ?? error);
  const reason = code === 'UND_ERR_SOCKET' ? 'the connection was cut off before the end' : `unreachable (${code})`;
  return badInput(`${url}: ${reason}`, error);
}
