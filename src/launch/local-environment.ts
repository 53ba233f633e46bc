/** Environment variables that local workers need before they load a native library. */
import type { EngineName } from '../engine/engine.ts';
import type { RunProgram } from '../engine/run-program.ts';
import { listGpus } from '../engine/tensorflow/nvidia-smi.ts';
import { tensorflowEnvironment } from '../engine/tensorflow/tensorflow-environment.ts';
import { findInstallation, tensorflowFolder } from '../engine/tensorflow/tensorflow-installation.ts';
import { usableCores } from '../engine/usable-cores.ts';

export type LocalEnvironment = (localRank: number) => Readonly<Record<string, string>>;

/** Variables to add to each local worker's environment. @param backends by local rank */
export async function localEnvironment(
  backends: readonly ('auto' | EngineName)[],
  run: RunProgram,
): Promise<LocalEnvironment> {
  if (!backends.some((backend) => backend === 'auto' || backend === 'tensorflow')) return () => ({});
  const installation = findInstallation(tensorflowFolder());
  if (!installation.complete) return () => ({});
  // The worker looks at the card again, and reports a driver that fails.
  const cards = installation.gpu ? (await listGpus(run).catch(() => [])).length : 0;
  const place = { localWorkers: backends.length, cores: usableCores(), cards };
  return (localRank) => tensorflowEnvironment({ ...place, localRank }, installation.libraryFolders, process.env);
}
