/** What `--all-reduce auto` chooses where ranks can read each other's gradients: by the cost model. Pure. */
import { measuredProcessor } from '../../economics/simulation/measured-costs.ts';
import { allReduceSeconds, lengthsOf, linkOf } from '../../shared/collectives/cost-model.ts';
import type { Interval } from '../../shared/core/sampling.ts';

/** Links are not measured. These are usual ones; at other rates the same one is fastest but for short gradients and long delays. */
const [assumedBitsPerSecond, assumedDelaySeconds] = [1e9, 1e-4];

export interface ModelledChoice {
  readonly allReduce: 'mesh' | 'mesh-two-shot';
  /** Undefined where there was nothing to compare. */
  readonly reason: string | undefined;
}

/**
 * Two stages have to save so much: in one stage nobody needs a worker any more that has shown its gradient, so fewer steps are
 * lost with a worker.
 */
const leastSaved = 0.1;

/**
 * In memory a gradient is written once, whoever reads it, so the mesh takes one stage. Over a network it is modelled what either
 * takes, as if all links were over the network: the slowest decide.
 * @param buckets in which gradients travel
 * @param overNetwork links between ranks that are over the network
 */
export function chooseByModel(worldSize: number, buckets: readonly Interval[], overNetwork: number): ModelledChoice {
  if (overNetwork === 0) return { allReduce: 'mesh', reason: undefined };
  const exchange = {
    worldSize,
    buckets: lengthsOf(buckets),
    link: linkOf(assumedBitsPerSecond, assumedDelaySeconds),
    processor: measuredProcessor,
  };
  const inOne = allReduceSeconds('mesh', exchange);
  const inTwo = allReduceSeconds('mesh-two-shot', exchange);
  const isInTwo = inTwo < (1 - leastSaved) * inOne;
  const reason = isInTwo
    ? `modelled ${ms(inTwo)} ms a step against ${ms(inOne)} ms with mesh, over links of 1 Gbit/s`
    : `modelled ${ms(inOne)} ms a step against ${ms(inTwo)} ms with mesh-two-shot, over links of 1 Gbit/s`;
  return { allReduce: isInTwo ? 'mesh-two-shot' : 'mesh', reason };
}

/** Two digits or all before the point: `0.61`, `6.1`, `613`. */
function ms(seconds: number): string {
  const value = 1000 * seconds;
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
