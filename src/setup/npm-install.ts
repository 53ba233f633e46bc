/** Installing npm packages in a folder of pennygrad's own, out of the user's project. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { RunProgram } from '../shared/engine/run-program.ts';

/** Name to exact version. */
export type Packages = Readonly<Record<string, string>>;

/**
 * Makes `folder/node_modules` hold these packages, without their peers and without running their scripts.
 * @throws PennygradError that says why npm failed and what to do
 */
export async function installPackages(folder: string, packages: Packages, run: RunProgram): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // Its own package.json keeps npm from climbing into a project above.
    await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true })}\n`);
  } catch (error) {
    throw badInput(`${folder} cannot be written: ${messageOf(error)}; set PENNYGRAD_HOME to another folder`, error);
  }
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer', '--save-exact'];
  const result = await run('npm', ['install', ...flags, ...wanted], { cwd: folder });
  if (result.missing) throw badInput('npm was not found; install it (it comes with Node), then run this again');
  if (result.code === 0) return;
  throw new PennygradError('run-failed', `npm could not install ${wanted.join(' and ')}: ${explain(result.stderr)}`);
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

/** What npm's errors mean for a user. The codes are Node's and npm's own (`npm error code ENOSPC`). */
export function explain(stderr: string): string {
  const code = stderr.match(/^npm (?:error|ERR!) code (\S+)/m)?.[1] ?? '';
  if (code === 'ENOSPC') return 'the disk is full; free 300 MB, then run this again';
  if (/^(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ERR_SOCKET_TIMEOUT)$/.test(code)) {
    return `no connection to the npm registry (${code}); check the network and npm's proxy setting, then run this again`;
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `no permission to write (${code}); set PENNYGRAD_HOME to a folder that is yours`;
  }
  const lines = stderr.match(/^npm (?:error|ERR!) .+/gm) ?? [stderr.trim() || 'it said nothing'];
  return lines
    .map((line) => line.replace(/^npm (error|ERR!) /, ''))
    .slice(0, 3)
    .join('; ');
}
