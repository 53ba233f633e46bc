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
  const interpreter = process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin/python');
  const wanted = readFileSync(requirements, 'utf8');
  // Written last, as a sign of a finished installation.
  const installed = join(folder, 'installed-requirements.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return interpreter;
  const python = await findPython(processes);
  makeFolder(folder);
  onProgress(`installing ${wanted.trim().split(/\s*\n/).join(', ')} in ${folder} (minutes, and gigabytes with CUDA)`);
  const venv = { program: python, args: ['-m', 'venv', folder] };
  await processes.output(venv).catch(failed(`${python} -m venv`));
  const pip = { program: interpreter, args: ['-m', 'pip', 'install', '--quiet', '-r', requirements] };
  await processes.output(pip).catch(failed('pip install'));
  writeFileSync(installed, wanted);
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
