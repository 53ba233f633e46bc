/** Vectors that can be offered and opened, or the test fails with the reason. */
import { vectorSlots } from '../../src/shared/protocol/limits.ts';
import type { PeerVectors, ReadOptions, VectorWay, VectorWriter } from '../../src/shared/transport/vectors.ts';

export const patient = { reachMs: 10_000, answerMs: 10_000 } as const;

export async function offerFrom<Offer>(
  way: VectorWay<Offer>,
  floats: number,
): Promise<VectorWriter & { readonly offer: Offer }> {
  const offered = await way.offer(floats);
  if ('problem' in offered) throw new Error(offered.problem);
  return offered.own;
}

/** @param options of generation 1, and with patience enough for a busy machine, unless given */
export async function openOnly<Offer>(
  way: VectorWay<Offer>,
  offer: Offer,
  {
    floats,
    generation = 1,
    patience = patient,
    onPublished = () => {},
  }: Partial<ReadOptions> & Pick<ReadOptions, 'floats'>,
): Promise<PeerVectors> {
  const opened = await way.open(offer, { floats, generation, patience, onPublished });
  if ('problem' in opened) throw new Error(opened.problem);
  return opened.peer;
}

/** As `openOnly`, and follows all that there is. */
export async function openFrom<Offer>(
  way: VectorWay<Offer>,
  offer: Offer,
  options: Parameters<typeof openOnly<Offer>>[2],
): Promise<PeerVectors> {
  const peer = await openOnly(way, offer, options);
  peer.follow(Array.from({ length: vectorSlots }, (_, slot) => ({ slot, from: 0, to: options.floats })));
  return peer;
}
