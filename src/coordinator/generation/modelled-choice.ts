/** What `--all-reduce auto` chooses where ranks can read each other's gradients: by the cost model. Pure. */
import { measuredProcessor } from '../../economics/simulation/measured-costs.ts';
import type { Collective } from '../../shared/collectives/collective.ts';
import {
  allReduceSeconds,
  bitsPerSecondOf,
  type Link,
  linkOf,
  slowestOf,
} from '../../shared/collectives/cost-model.ts';
import { collectiveOf } from '../../shared/collectives/registry.ts';
import { formatBitRate } from '../../shared/core/number-format.ts';

/** Usual ones, where some could not be measured. */
const assumedLink = linkOf(1e9, 1e-4);

/** What may be chosen. Each has to save `leastSaved` of what those before it take. */
const candidates = ['mesh', 'mesh-two-shot', 'ring'] as const;
export type ModelledName = (typeof candidates)[number];

/**
 * So much has to be saved: in one stage nobody needs a worker any more that has shown its gradient, so fewer steps are lost with a
 * worker.
 */
const leastSaved = 0.1;

/**
 * The connections of a worker that sends to several others at once share a slow link unevenly, so that it is idle at times. They
 * leave this part of 100 Mbit/s unused, where a ring's one connection does not, and little of 300 Mbit/s: those are the two rates
 * that were measured (docs/performance.md), so a line is drawn between them. The model itself shares links evenly.
 */
const leftIdle = { part: 0.18, upTo: 100e6, noneFrom: 300e6 };

/** By which links a choice was made: each has this rate, headers included, and this delay. */
export interface DecidingLink {
  readonly bitsPerSecond: number;
  readonly delaySeconds: number;
  readonly basis: 'measured' | 'assumed';
}

export interface ModelledChoice {
  readonly allReduce: ModelledName;
  /** Undefined where there was nothing to compare, and so is the link. */
  readonly reason: string | undefined;
  readonly link: DecidingLink | undefined;
}

export interface ModelledExchange {
  readonly worldSize: number;
  /** The length of each bucket of a gradient, as it travels: its floats, or the words that encode them. */
  readonly buckets: readonly number[];
  /** Whether they are encoded, which only some collectives can. */
  readonly areCompressed: boolean;
  /** What ranks measured that read others over a network; undefined where one could not. Empty where all are read in memory. */
  readonly links: readonly (Link | undefined)[];
}

/** Whether there is more than one to choose from over a network. */
export function isOpenOverNetwork(areCompressed: boolean): boolean {
  return possible(areCompressed).length > 1;
}

/**
 * In memory a gradient is written once, whoever reads it, so the mesh takes one stage. Over a network it is modelled what each
 * takes, as if all links were as slow as the slowest and as long as the longest: all wait for these.
 */
export function chooseByModel({ worldSize, buckets, areCompressed, links }: ModelledExchange): ModelledChoice {
  const [usual, ...others] = possible(areCompressed);
  if (links.length === 0 || others.length === 0) return { allReduce: usual, reason: undefined, link: undefined };
  const { link, basis } = decidingLink(links);
  const estimate = (name: ModelledName): Estimate => {
    const exchange = { worldSize, buckets, link: linkFor(name, worldSize, link), processor: measuredProcessor };
    return { name, seconds: allReduceSeconds(name, exchange) };
  };
  const { taken, left } = prefer([usual, ...others].map(estimate));
  return {
    allReduce: taken.name,
    reason:
      `modelled ${ms(taken.seconds)} ms a step against ${ms(left.seconds)} ms with ${left.name}, ` +
      `over links of ${describeLink(link)}, ${basis}`,
    link: { bitsPerSecond: bitsPerSecondOf(link), delaySeconds: link.delaySeconds, basis },
  };
}

interface Estimate {
  readonly name: ModelledName;
  readonly seconds: number;
}

/** @param estimates of two or more @returns the one to take, and which one is the best that it was taken before */
function prefer(estimates: readonly Estimate[]): { readonly taken: Estimate; readonly left: Estimate } {
  const taken = estimates.reduce((best, next) => (next.seconds < (1 - leastSaved) * best.seconds ? next : best));
  const place = estimates.indexOf(taken);
  const compared = place === 0 ? estimates.slice(1) : estimates.slice(0, place);
  return { taken, left: compared.reduce((best, next) => (next.seconds < best.seconds ? next : best)) };
}

function linkFor(name: ModelledName, worldSize: number, link: Link): Link {
  const { delaySeconds, bytesPerSecond } = link;
  if (name === 'ring' || worldSize === 2) return link;
  const { part, upTo, noneFrom } = leftIdle;
  const share = (noneFrom - bitsPerSecondOf(link)) / (noneFrom - upTo);
  return { delaySeconds, bytesPerSecond: (1 - part * Math.min(1, Math.max(0, share))) * bytesPerSecond };
}

function possible(areCompressed: boolean): readonly [ModelledName, ...ModelledName[]] {
  const [usual, ...others] = candidates;
  const compresses = (name: ModelledName) => (collectiveOf(name) as Collective).compresses === true;
  return [usual, ...others.filter((name) => !areCompressed || compresses(name))];
}

function decidingLink(links: ModelledExchange['links']): {
  readonly link: Link;
  readonly basis: DecidingLink['basis'];
} {
  const measured = links.flatMap((link) => link ?? []);
  if (measured.length < links.length) return { link: assumedLink, basis: 'assumed' };
  const { delaySeconds, bytesPerSecond } = slowestOf(measured);
  // The processors at both ends of a message took part of what was measured. The model has them apart.
  const ends = 2 * measuredProcessor.secondsPerMessage;
  return { link: { delaySeconds: Math.max(0, delaySeconds - ends), bytesPerSecond }, basis: 'measured' };
}

/** `94 Mbit/s and 0.3 ms`. Where processors may be what limited a link, it is `at least 4.2 Gbit/s`. */
function describeLink(link: Link): string {
  const isLimited = link.bytesPerSecond * 2 * measuredProcessor.secondsPerByte > 1;
  const rate = formatBitRate(bitsPerSecondOf(link), 2);
  return `${isLimited ? 'at least ' : ''}${rate} and ${ms(link.delaySeconds)} ms`;
}

/** Two digits or all before the point: `0.61`, `6.1`, `613`. */
function ms(seconds: number): string {
  const value = 1000 * seconds;
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
