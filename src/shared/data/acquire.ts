/** Finds the files of a published dataset: the first source that has the true file wins. */
import { badInput, PennygradError } from '../core/errors.ts';
import type { PublishedDataset, PublishedFile } from './catalog.ts';
import type { HashedBytes } from './hashed-bytes.ts';
import type { IdxFileName, PerIdxFile } from './idx-files.ts';
import type { Source } from './source.ts';
import { verifyFile } from './verify.ts';

export interface Acquired {
  /** Verified and uncompressed. */
  readonly files: PerIdxFile<HashedBytes>;
  /** The sources the files came from, in words. */
  readonly source: string;
}

/**
 * One file after the other, so that a dataset that cannot be had is found out by its first file.
 * @throws PennygradError `bad-input` that lists every source tried and why it failed
 */
export async function acquire(dataset: PublishedDataset, sources: readonly Source[]): Promise<Acquired> {
  const files: Partial<Record<IdxFileName, HashedBytes>> = {};
  const used = new Set<string>();
  for (const file of dataset.files) {
    const { content, source } = await acquireFile(file, sources);
    files[file.name] = content;
    used.add(source.description);
  }
  return { files: files as PerIdxFile<HashedBytes>, source: [...used].join(' and ') };
}

async function acquireFile(
  file: PublishedFile,
  sources: readonly Source[],
): Promise<{ readonly content: HashedBytes; readonly source: Source }> {
  const failures: string[] = [];
  for (const source of sources) {
    try {
      return { content: await readVerified(file, source), source };
    } catch (error) {
      // Only what a source is expected to do wrong; a fault in this program is not a reason to ask the next one.
      if (!(error instanceof PennygradError)) throw error;
      failures.push(error.message);
    }
  }
  throw badInput(`${file.dataset} could not be had from any source: ${failures.join('; ')}`);
}

async function readVerified(file: PublishedFile, source: Source): Promise<HashedBytes> {
  const bytes = await source.read(file);
  try {
    const { content } = await verifyFile(file, bytes, 'checksum');
    await source.accepted?.(file, bytes);
    return content;
  } catch (error) {
    if (error instanceof PennygradError) await source.rejected?.(file, error.message);
    throw error;
  }
}
