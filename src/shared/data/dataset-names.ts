/** What datasets are called. */
import { resolve } from 'node:path';
import { publishedNames } from './catalog.ts';
import { digitsName } from './digits.ts';

/** All names, apart from folders. */
export const datasetNames = [...publishedNames, digitsName] as const;

/** The dataset as a process with another working directory must call it: a name as it is, a folder by its whole path. */
export function absoluteDataset(dataset: string, directory: string): string {
  return (datasetNames as readonly string[]).includes(dataset) ? dataset : resolve(directory, dataset);
}
