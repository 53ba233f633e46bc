/** Finds out where a run would get MNIST from. */
import { messageOf } from '../../shared/core/errors.ts';
import { publishedDatasets } from '../../shared/data/catalog.ts';
import { idxFileNames } from '../../shared/data/idx-files.ts';
import { type InspectedSource, inspectDataset } from '../../shared/data/inspect-dataset.ts';
import { defaultCacheFolder, loadDataset } from '../../shared/data/load-dataset.ts';
import { findPackage } from '../../shared/data/npm-package.ts';

export interface DatasetFacts {
  /** The folder that the user named. It is then the only source. */
  readonly folder?: { readonly path: string; readonly problem?: string; readonly warnings: readonly string[] };
  readonly sources: readonly InspectedSource[];
  /** Only tried if the local sources do not have every file. */
  readonly mirrors: readonly { readonly url: string; readonly problem?: string }[];
}

export interface DatasetSettings {
  readonly dataDir: string | undefined;
  readonly cacheDir: string | undefined;
  readonly mirrors: readonly string[] | undefined;
}

const mirrorTimeoutMs = 5000;

export async function gatherDataset({ dataDir, cacheDir, mirrors }: DatasetSettings): Promise<DatasetFacts> {
  if (dataDir !== undefined) return { folder: await tryFolder(dataDir), sources: [], mirrors: [] };
  const sources = await inspectDataset('mnist', cacheDir ?? defaultCacheFolder(), findPackage());
  const urls = isComplete(sources) ? [] : (mirrors ?? publishedDatasets.mnist.mirrors);
  return { sources, mirrors: await Promise.all(urls.map(tryMirror)) };
}

/** Whether every file is verified in one of the sources. */
export function isComplete(sources: readonly InspectedSource[]): boolean {
  const had = new Set(sources.flatMap(({ verified }) => verified.map(({ name }) => name)));
  return idxFileNames.every((name) => had.has(name));
}

async function tryFolder(path: string) {
  const warnings: string[] = [];
  try {
    await loadDataset('mnist', { dataDir: path, onWarning: (line) => warnings.push(line) });
    return { path, warnings };
  } catch (error) {
    return { path, warnings, problem: messageOf(error) };
  }
}

async function tryMirror(url: string) {
  const file = `${url.replace(/\/?$/, '/')}${idxFileNames[0]}.gz`;
  try {
    const { ok, status } = await fetch(file, { method: 'HEAD', signal: AbortSignal.timeout(mirrorTimeoutMs) });
    return ok ? { url } : { url, problem: `HTTP ${status}` };
  } catch (error) {
    const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
    return { url, problem: messageOf(cause) };
  }
}
