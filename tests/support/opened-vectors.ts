/** Vectors that can be offered and opened, or the test fails with the reason. */
import type { VectorsToRead } from '../../src/shared/protocol/messages.ts';
import type { OwnVectors, PeerVectors, VectorSharing } from '../../src/shared/transport/shared-vectors.ts';

export async function offerFrom(sharing: VectorSharing, floats: number): Promise<OwnVectors> {
  const offered = await sharing.offer(floats);
  if ('problem' in offered) throw new Error(offered.problem);
  return offered.own;
}

export async function openFrom(
  sharing: VectorSharing,
  offer: VectorsToRead,
  floats: number,
  onPublished: () => void = () => {},
): Promise<PeerVectors> {
  const opened = await sharing.open(offer, floats, onPublished);
  if ('problem' in opened) throw new Error(opened.problem);
  return opened.peer;
}
