/** Finds out, from files and the driver, whether TensorFlow can be used and on what. Does not load TensorFlow. */
import { messageOf } from '../../shared/core/errors.ts';
import type { EngineAvailability } from '../engine.ts';
import { runProgram } from '../run-program.ts';
import { type Gpu, listGpus } from './nvidia-smi.ts';
import {
  findInstallation,
  type Installation,
  setupCommand,
  type TensorflowManifest,
  tensorflowFolder,
} from './tensorflow-installation.ts';

export type TensorflowAvailability =
  | (Extract<EngineAvailability, { usable: true }> & { readonly manifest: TensorflowManifest })
  | (Extract<EngineAvailability, { usable: false }> & { readonly manifest?: undefined });

export async function probeTensorflow(): Promise<TensorflowAvailability> {
  const installation = findInstallation(tensorflowFolder());
  if (!installation.complete || !installation.gpu) return describeAvailability(installation, [], process.env);
  try {
    return describeAvailability(installation, await listGpus(runProgram), process.env);
  } catch (error) {
    return { usable: false, reason: messageOf(error), remedy: "repair or reinstall NVIDIA's driver" };
  }
}

/** The decision behind `probeTensorflow`. */
export function describeAvailability(
  installation: Installation,
  cards: readonly Gpu[],
  environment: Readonly<Record<string, string | undefined>>,
): TensorflowAvailability {
  if (!installation.complete) {
    const { complete: _, ...why } = installation;
    return { usable: false, ...why };
  }
  const { complete: _, ...manifest } = installation;
  const name = `TensorFlow ${manifest.tensorflow}`;
  const onCpu = { usable: true, manifest, device: `${name}, CPU`, onlyIfFaster: true } as const;
  const visible = environment.CUDA_VISIBLE_DEVICES;
  if (!manifest.gpu || visible === '-1' || visible === '') return onCpu;
  if (cards.length > 0) {
    return { usable: true, manifest, device: `${name}, CUDA`, hardware: cards.map((card) => card.name).join(', ') };
  }
  return {
    usable: false,
    reason: 'TensorFlow is built for CUDA, but nvidia-smi lists no GPU',
    remedy: `install NVIDIA's driver, or run ${setupCommand(false)} to compute on the CPU`,
  };
}
