import type { FleetsToModel } from '../../src/economics/planning/modelled-fleets.ts';
import { noProcessor } from './drawn-exchanges.ts';

/** Links that carry 1 GB of gradients a second, and a gradient of 4 MB in four buckets. One worker alone computes for 0.8 s. */
export const askedFleets: FleetsToModel = {
  workers: [1, 4],
  algorithms: ['star', 'mesh-two-shot'],
  bitsPerSecond: (8e9 * 1538) / 1448,
  delaySeconds: 1e-3,
  processor: noProcessor,
  parameters: 1e6,
  localSteps: 1,
  batchSize: 1000,
  aloneSeconds: 0.8,
  overlap: 0,
  spread: 0,
  usdPerHour: 0.36,
  priceAssumed: undefined,
  epochSamples: 60_000,
};
