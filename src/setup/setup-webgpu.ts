/** `pennygrad setup webgpu`: installs two npm packages and tests whether the GPU can train. */
import { rm, writeFile } from 'node:fs/promises';
import { adapterOf, findAdapter, listAdapters, noAdapter } from '../engine/webgpu/webgpu-adapters.ts';
import { isSetUp, loadDawn, manifestPath, webgpuPackages } from '../engine/webgpu/webgpu-packages.ts';
import { badInput } from '../shared/core/errors.ts';
import { arePackagesInstalled, installPackages } from './npm-install.ts';
import type { SetupContext, SetupReport } from './setup.ts';
import { verifyEngine } from './verification.ts';

export interface WebgpuReport extends SetupReport {
  /** It only emulates a GPU on the CPU, so `--backend auto` skips it. */
  readonly software: boolean;
  /** All adapters, in the order of their numbers for `PENNYGRAD_WEBGPU_ADAPTER`. */
  readonly adapters: readonly string[];
}

/**
 * Does the steps that are not done yet. Installed packages are kept. The manifest, without which the engine is not
 * used, is written last.
 * @throws PennygradError that says what is missing and how to get it
 */
export async function setupWebgpu({ folder, environment, run, say }: SetupContext): Promise<WebgpuReport> {
  const alreadyThere = await isSetUp(folder);
  if (!alreadyThere) {
    await rm(manifestPath(folder), { force: true });
    if (!(await arePackagesInstalled(folder, webgpuPackages))) {
      say(`installing ${Object.keys(webgpuPackages).join(' and ')} in ${folder} (about 160 MB)`);
      await installPackages(folder, webgpuPackages, run);
    }
    say('training three steps as a test');
    await verifyEngine('webgpu', run);
  }
  // After the verification, because loading Dawn may crash, and the verification has its own process.
  const dawn = await loadDawn(folder);
  const adapter = await findAdapter(dawn, adapterOf(environment, 0));
  if (adapter === undefined) throw badInput(`${noAdapter.reason}; ${noAdapter.remedy}, then run this again`);
  const adapters = (await listAdapters(dawn)).map(({ name, backend }) => `${name} (${backend})`);
  if (!alreadyThere) {
    await writeFile(manifestPath(folder), `${JSON.stringify({ packages: webgpuPackages }, null, 2)}\n`);
  }
  for (const [i, line] of adapters.entries()) say(`adapter ${i}: ${line}`);
  const { name, backend, software } = adapter;
  if (software) say(`${name} only emulates a GPU on the CPU: --backend auto skips it`);
  return { engine: 'webgpu', folder, alreadyThere, device: `${name} (${backend})`, software, adapters };
}
