/** What messages cost a processor of pennygrad, as fitted to measurements: docs/performance.md says to which, and how well. */
import type { CodecCosts, ProcessorCosts } from '../../shared/collectives/cost-model.ts';
import type { CompressionSpec } from '../../shared/core/compression-name.ts';

/** Over ZeroMQ, on a core of an AMD EPYC (Zen 4): sockets, copies and JavaScript together. */
export const measuredProcessor: ProcessorCosts = {
  secondsPerMessage: 1.2e-5,
  secondsPerByte: 1.06e-9,
  secondsPerAddition: 1.08e-9,
};

/**
 * `npm run bench:compression -- times`, of the CNN's 93,322 floats, on a core of an Intel Xeon that others used as well:
 * docs/performance.md.
 */
export const measuredCodecs: Readonly<Record<CompressionSpec['codec'], CodecCosts>> = {
  bf16: { secondsPerEncodedFloat: 3.4e-9, secondsPerDecodedFloat: 0.8e-9 },
  int8: { secondsPerEncodedFloat: 3.9e-9, secondsPerDecodedFloat: 1.4e-9 },
  topk: { secondsPerEncodedFloat: 5.9e-9, secondsPerDecodedFloat: 0.4e-9 },
};
