/** `pennygrad setup webgpu`: two npm packages, and a GPU that is seen to train. */
import { rm, writeFile } from 'node:fs/promises';
import { adapterOf, findAdapter, listAdapters, noAdapter } from '../engine/webgpu/webgpu-adapters.ts';
import { isSetUp, loadDawn, manifestPath, webgpuPackages } from '../engine/webgpu/webgpu-packages.ts';
import { badInput } from '../shared/core/errors.ts';
import { arePackagesInstalled, installPackages } from './npm-install.ts';
import type { SetupContext, SetupReport } from './setup.ts';
import { verifyEngine } from './verification.ts';

export interface WebgpuReport extends SetupReport {
  /** It computes on the CPU, and `--backend auto` passes it over. */
  readonly software: boolean;
  /** Every adapter, in the order of their numbers for `PENNYGRAD_WEBGPU_ADAPTER`. */
  readonly adapters: readonly string[];
}

/**
 * Does what is left to do: packages that are there are kept, and the manifest, without which the engine is not used, is
 * written last.
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
    say('training three steps');
    await verifyEngine('webgpu', run);
  }
  // Not before the verification: its process is the one that may crash.
  const dawn = await loadDawn(folder);
  const adapter = await findAdapter(dawn, adapterOf(environment, 0));
  if (adapter === undefined) throw badInput(`${noAdapter.reason}; ${noAdapter.remedy}, then run this again`);
  const adapters = (await listAdapters(dawn)).map(({ name, backend }) => `${name} (${backend})`);
  if (!alreadyThere) {
    await writeFile(manifestPath(folder), `${JSON.stringify({ packages: webgpuPackages }, null, 2)}\n`);
  }
  for (const [i, line] of adapters.entries()) say(`adapter ${i}: ${line}`);
  const { name, backend, software } = adapter;
  if (software) say('this one emulates a GPU on the CPU: --backend auto passes it over');
  return { engine: 'webgpu', folder, alreadyThere, device: `${name} (${backend})`, software, adapters };
}
