import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../../src/engine/run-program.ts';
import { arePackagesInstalled, installPackages } from '../../src/setup/npm-install.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A package that npm can install without a registry. */
function localPackage(version: string): string {
  const folder = join(temporaryFolder(), 'a-package');
  mkdirSync(folder);
  const scripts = { postinstall: 'touch ran' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-package', version, scripts }));
  return `file:${folder}`;
}

it('installs in a folder of its own, without running scripts', async () => {
  const folder = join(temporaryFolder(), 'new', 'folder');
  await installPackages(folder, { 'a-package': localPackage('1.2.3') }, runProgram);
  expect(await arePackagesInstalled(folder, { 'a-package': '1.2.3' })).toBe(true);
  expect(await arePackagesInstalled(folder, { 'a-package': '1.2.4' })).toBe(false);
  expect(await arePackagesInstalled(folder, { 'a-package': '1.2.3', another: '1.0.0' })).toBe(false);
  expect(existsSync(join(folder, 'node_modules', 'a-package', 'ran'))).toBe(false);
});

it('says what failed: the package, the program, the folder', async () => {
  const nowhere = { 'a-package': `file:${join(temporaryFolder(), 'nowhere.tgz')}` };
  await expect(installPackages(temporaryFolder(), nowhere, runProgram)).rejects.toThrow(
    /installing a-package@.* failed/,
  );
  const noPath: typeof runProgram = (program, args, options) =>
    runProgram(program, args, { ...options, environment: { PATH: '' } });
  await expect(installPackages(temporaryFolder(), nowhere, noPath)).rejects.toThrow(/npm is not installed; install it/);
  const file = join(temporaryFolder(), 'a-file');
  writeFileSync(file, '');
  await expect(installPackages(join(file, 'folder'), nowhere, runProgram)).rejects.toThrow(/PENNYGRAD_HOME/);
});
