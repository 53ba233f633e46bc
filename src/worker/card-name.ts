/** The name of the GPU that an engine computes on, by which a price table knows it. */
import type { Engine } from '../engine/engine.ts';
import type { Gpu } from '../engine/tensorflow/nvidia-smi.ts';

/**
 * As the driver spells it (`NVIDIA A100-SXM4-80GB`), or else as the engine does, which may add to it.
 * @param readGpu reads an NVIDIA card; may fail, since a worker can train without knowing its card's name
 * @returns undefined where the CPU computes, and for a card that cannot be read
 */
export async function nameOfCard(
  { threads, card, device }: Pick<Engine, 'threads' | 'card' | 'device'>,
  readGpu: (card: string) => Promise<Gpu | undefined>,
): Promise<string | undefined> {
  if (threads !== undefined) return undefined;
  if (card === undefined) return device;
  try {
    return (await readGpu(card))?.name;
  } catch {
    return undefined;
  }
}
