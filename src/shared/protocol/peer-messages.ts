/**
 * What workers say to each other, where one reads the other's gradients over the network. As in `messages.ts`, a message is a
 * header and raw float32 frames.
 */
import { z } from 'zod';
import { maxFollowedParts, maxProbeFloats, vectorSlots } from './limits.ts';
import { attempt, count, message } from './messages.ts';

const slot = z
  .int()
  .min(0)
  .max(vectorSlots - 1);

/**
 * Show me these parts of your vectors, instead of what I have asked for before. Sent again on each new connection: what was under
 * way on the last one is lost.
 */
const subscribe = message('subscribe', {
  generation: count,
  floats: count,
  parts: z
    .array(z.object({ slot, from: count, to: count }))
    .max(maxFollowedParts)
    .readonly(),
});

/** Answers `subscribe`. What is shown from now on is sent. */
const subscribed = message('subscribed', {});

/** A part of the vector of an attempt, from `from` on. Frame 1: its floats. */
const values = message('values', { ...attempt, slot, from: count });

/** The vector of an attempt is complete, and these numbers go with it. */
const published = message('published', {
  ...attempt,
  slot,
  figures: z
    .array(z.custom<number>((value) => typeof value === 'number'))
    .max(16)
    .readonly(),
});

/** Send me so many floats, which mean nothing: I time them. Whoever has not subscribed gets none. */
const probe = message('probe', { probe: count, floats: z.int().min(0).max(maxProbeFloats) });

/** Answers `probe`. Frame 1: the floats, unless there are none. */
const probed = message('probed', { probe: count });

export const peerMessage = z.discriminatedUnion('type', [subscribe, subscribed, values, published, probe, probed]);
export type PeerMessage = z.infer<typeof peerMessage>;
