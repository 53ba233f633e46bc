/** Installs npm packages in pennygrad's own folder, outside of the user's project. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunProgram } from '../engine/run-program.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { makeFolder } from '../shared/files/make-folder.ts';
import { explainFailure } from './failures.ts';

/** Exact versions by name. */
export type Packages = Readonly<Record<string, string>>;

/**
 * Installs these packages in `folder/node_modules`, without peer dependencies and without running scripts.
 * @throws PennygradError that says why npm failed and what to do
 */
export async function installPackages(folder: string, packages: Packages, run: RunProgram): Promise<void> {
  try {
    makeFolder(folder);
    // Without a package.json here, npm would install into a project in a parent folder.
    await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true })}\n`);
  } catch (error) {
    throw badInput(`${folder} cannot be written: ${messageOf(error)}; set PENNYGRAD_HOME to another folder`, error);
  }
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer', '--save-exact'];
  const result = await run('npm', ['install', ...flags, ...wanted], { cwd: folder });
  if (result.code !== 0) throw explainFailure(`installing ${wanted.join(' and ')}`, 'npm', result);
}

/** Whether exactly these packages are in `folder/node_modules`. */
export async function arePackagesInstalled(folder: string, packages: Packages): Promise<boolean> {
  const found = await Promise.all(Object.keys(packages).map((name) => installedVersion(folder, name)));
  return found.every((version, i) => version === Object.values(packages)[i]);
}

async function installedVersion(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, 'node_modules', name, 'package.json');
  if (!existsSync(path)) return undefined;
  return (JSON.parse(await readFile(path, 'utf8')) as { version?: string }).version;
}
