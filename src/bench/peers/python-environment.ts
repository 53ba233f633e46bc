/** Virtual environments for the Python peers. They are created once, in the user's cache folder. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../shared/core/errors.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import type { Processes } from './processes.ts';

/** Finds the command of a Python 3. @throws Error if there is none */
export async function findPython(processes: Processes): Promise<string> {
  for (const program of ['python3', 'python']) {
    const version = await processes.output({ program, args: ['--version'] }).catch(() => '');
    if (version.startsWith('Python 3.')) return program;
  }
  throw new Error('no Python 3 found');
}

/** The interpreter of a virtual environment; undefined where it does not exist, has other requirements or was not finished. */
export function installedInterpreter({
  folder,
  requirements,
}: Pick<EnvironmentOptions, 'folder' | 'requirements'>): string | undefined {
  const marker = markerIn(folder);
  const isInstalled = existsSync(marker) && readFileSync(marker, 'utf8') === readFileSync(requirements, 'utf8');
  return isInstalled ? interpreterIn(folder) : undefined;
}

/** Written last, as a sign of a finished installation. */
function markerIn(folder: string): string {
  return join(folder, 'installed-requirements.txt');
}

function interpreterIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin/python');
}

/**
 * Returns the interpreter of a virtual environment with the packages of a requirements file. Creates the environment
 * if it does not exist, has other requirements or was not finished. pip's own configuration decides where packages
 * come from.
 * @throws Error that says which step failed and why
 */
export async function pythonEnvironment(
  processes: Processes,
  { folder, requirements, onProgress }: EnvironmentOptions,
): Promise<string> {
  const installed = installedInterpreter({ folder, requirements });
  if (installed !== undefined) return installed;
  const wanted = readFileSync(requirements, 'utf8');
  const python = await findPython(processes);
  makeFolder(folder);
  onProgress(`installing ${wanted.trim().split(/\s*\n/).join(', ')} in ${folder} (minutes, and gigabytes with CUDA)`);
  const venv = { program: python, args: ['-m', 'venv', folder] };
  await processes.output(venv).catch(failed(`${python} -m venv`));
  const interpreter = interpreterIn(folder);
  const pip = { program: interpreter, args: ['-m', 'pip', 'install', '--quiet', '-r', requirements] };
  await processes.output(pip).catch(failed('pip install'));
  writeFileSync(markerIn(folder), wanted);
  return interpreter;
}

export interface EnvironmentOptions {
  readonly folder: string;
  /** A pip requirements file. */
  readonly requirements: string;
  /** Called before long installations. */
  readonly onProgress: (line: string) => void;
}

function failed(step: string) {
  return (error: unknown): never => {
    throw new Error(`${step} failed: ${messageOf(error)}`);
  };
}
