/** What pennygrad uses of tfjs-layers, loaded as `tfjs-core.ts` says. */
import { createRequire } from 'node:module';
import type * as tfjsLayers from '@tensorflow/tfjs-layers';

export const { layers, sequential }: typeof tfjsLayers = createRequire(import.meta.url)('@tensorflow/tfjs-layers');

export type { Sequential } from '@tensorflow/tfjs-layers';
