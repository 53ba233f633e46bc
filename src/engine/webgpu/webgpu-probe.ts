/** Finds out whether the webgpu engine can be used. */
import { messageOf } from '../../shared/core/errors.ts';
import type { EngineAvailability } from '../engine.ts';
import { describeAdapter, findAdapter, noAdapter } from './webgpu-adapters.ts';
import { isSetUp, loadDawn } from './webgpu-packages.ts';

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
