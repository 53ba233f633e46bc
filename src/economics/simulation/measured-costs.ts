/** What messages cost a processor of pennygrad, as fitted to measurements: docs/performance.md says to which, and how well. */
import type { ProcessorCosts } from '../../shared/collectives/cost-model.ts';

/** Over ZeroMQ, on a core of an AMD EPYC (Zen 4): sockets, copies and JavaScript together. */
export const measuredProcessor: ProcessorCosts = {
  secondsPerMessage: 1.2e-5,
  secondsPerByte: 1.06e-9,
  secondsPerAddition: 1.08e-9,
};
