/** What a mesh whose gradients travel compressed asks of processors, beside its messages. Pure. */
import type { CodecCosts, Exchange } from '../../shared/collectives/cost-model.ts';

/**
 * (c + N d + (N − 1) γ) n − (N − 1) γ w for n floats in w words: each rank encodes its own gradient, decodes all of them, and
 * adds floats, where a model of its messages alone would add words.
 * @param floats of the gradient @param words that encode it
 * @returns seconds
 */
export function codecSeconds(
  { worldSize, processor }: Pick<Exchange, 'worldSize' | 'processor'>,
  floats: number,
  words: number,
  { secondsPerEncodedFloat, secondsPerDecodedFloat }: CodecCosts,
): number {
  const decoding = worldSize * secondsPerDecodedFloat * floats;
  const adding = (worldSize - 1) * processor.secondsPerAddition * (floats - words);
  return secondsPerEncodedFloat * floats + decoding + adding;
}
