/** What the benchmark says to the processes that reduce, and they to it: one JSON object per line. */
import { z } from 'zod';
import { allReduceNames } from '../../shared/collectives/registry.ts';
import type { VectorsToRead } from '../../shared/protocol/messages.ts';

/** A rank's only argument, as JSON. */
export const rankArgumentSchema = z.object({
  algorithm: z.enum(allReduceNames),
  rank: z.int(),
  world: z.int(),
  floats: z.int(),
  /** Where the hub is, if there is one. */
  hub: z.string().optional(),
  /** How ranks read each other, if they do. */
  path: z.enum(['memory', 'network']),
  /** The host that it is on. */
  address: z.string(),
});
export type RankArgument = z.output<typeof rankArgumentSchema>;

/** The hub's only argument, as JSON. */
export const hubArgumentSchema = rankArgumentSchema.omit({ rank: true, hub: true, path: true });
export type HubArgument = z.output<typeof hubArgumentSchema>;

/** The only argument of a relay, as JSON. */
export const relayArgumentSchema = z.object({
  /** The host that it is on, and its targets. */
  address: z.string(),
  /** Endpoints. */
  targets: z.array(z.string()),
  delaySeconds: z.number().min(0),
});
export type RelayArgument = z.output<typeof relayArgumentSchema>;

/** Its only message: where others reach the targets through it. */
export const relayingSchema = z.object({ endpoints: z.array(z.string()) });

/** A hub's only message. */
export const boundSchema = z.object({ endpoint: z.string() });

/** How others open the vectors of a rank, by generation. */
const offersSchema = z.array(z.custom<VectorsToRead>((value) => typeof value === 'object'));

/** A rank's first message, where ranks read each other's vectors. */
export const offeredSchema = z.object({ offers: offersSchema });
/** The offers of all ranks, in their order: the answer. */
export const linkSchema = z.object({ offers: z.array(offersSchema) });

/** A rank can begin. */
export const readySchema = z.object({ ready: z.literal(true) });

/** Asks for so many reductions. */
export const requestSchema = z.object({ reductions: z.int().min(1) });

export const answerSchema = z.object({
  /** What each reduction took, as this rank saw it. */
  seconds: z.array(z.number().positive()).min(1),
  /** Floats of all of these sums that are not what they should be. */
  wrong: z.int().min(0),
});
export type Answer = z.output<typeof answerSchema>;
