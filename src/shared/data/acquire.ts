/** Finds the files of a published dataset. The first source with a verified file is used. */
import { badInput, PennygradError } from '../core/errors.ts';
import type { PublishedDataset, PublishedFile } from './catalog.ts';
import type { HashedBytes } from './hashed-bytes.ts';
import type { IdxFileName, PerIdxFile } from './idx-files.ts';
import type { Source } from './source.ts';
import { verifyFile } from './verify.ts';

export interface Acquired {
  /** Verified and uncompressed. */
  readonly files: PerIdxFile<HashedBytes>;
  /** The sources that the files came from, for display. */
  readonly source: string;
}

/**
 * Finds one file after the other, so that a dataset that is not available fails at its first file.
 * @throws PennygradError `bad-input` that lists every source and why it failed
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
      // Only expected failures of a source lead to the next one, not bugs in this program.
      if (!(error instanceof PennygradError)) throw error;
      failures.push(error.message);
    }
  }
  throw badInput(`${file.dataset} is not available from any source: ${failures.join('; ')}`);
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
