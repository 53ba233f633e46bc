/** Paths in a run's `config.json`, which are relative to the directory where the run was started. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { absoluteDataset } from '../shared/data/dataset-names.ts';

/**
 * @param directory where the run was started; older versions did not record it
 * @returns the path from here; as it was recorded where nothing is there, as on another host
 */
export function recordedPath(path: string, directory: string | undefined): string {
  const found = directory === undefined ? path : resolve(directory, path);
  return existsSync(found) ? found : path;
}

/** The same for a dataset, which is a name or a folder. */
export function recordedDataset(dataset: string, directory: string | undefined): string {
  const found = directory === undefined ? dataset : absoluteDataset(dataset, directory);
  return existsSync(found) ? found : dataset;
}
