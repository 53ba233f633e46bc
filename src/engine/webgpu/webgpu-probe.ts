/** Finds out whether the webgpu engine can be used. */
import { messageOf } from '../../shared/core/errors.ts';
import type { EngineAvailability } from '../engine.ts';
import { runProgram } from '../run-program.ts';
import { describeAdapter, findAdapter, noAdapter } from './webgpu-adapters.ts';
import { dawnEntry, isSetUp, loadDawn } from './webgpu-packages.ts';

/** The exit code of `search` where Dawn finds no adapter. */
const noneFound = 9;

/** Dawn lists its adapters in the error for one that does not exist; without any it returns null instead. */
const search = `import(process.argv[1])
  .then(({ create }) => create(['adapter=(none has this name)']).requestAdapter())
  .then(() => process.exit(${noneFound}), () => process.exit(0));`;

const searchMs = 30_000;

/** Loads a GPU's driver only if setup has seen it train. */
export async function probeWebgpu(folder: string, adapterIndex: string | undefined): Promise<EngineAvailability> {
  if (!(await isSetUp(folder))) {
    return {
      usable: false,
      reason: 'it is not set up',
      remedy: 'run: pennygrad setup webgpu',
      notInstalled: true,
    };
  }
  if (!(await mayHaveAdapter(folder))) return { usable: false, ...noAdapter };
  try {
    const adapter = await findAdapter(await loadDawn(folder), adapterIndex);
    if (adapter === undefined) return { usable: false, ...noAdapter };
    const device = describeAdapter(adapter);
    return adapter.software
      ? { usable: true, device, notAutomatic: `${device} only emulates a GPU on the CPU` }
      : { usable: true, device };
  } catch (error) {
    return { usable: false, reason: messageOf(error), remedy: 'or use another engine' };
  }
}

/**
 * Searches in a process of its own: where there is no adapter, Dawn and the Vulkan loader complain on stderr, past this
 * program.
 */
async function mayHaveAdapter(folder: string): Promise<boolean> {
  const environment = { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || folder };
  const { code } = await runProgram(process.execPath, ['-e', search, dawnEntry(folder)], {
    environment,
    timeoutMs: searchMs,
  });
  return code !== noneFound;
}
