/** Measures a worker's link to those that it reads over the network. */
import { PennygradError } from '../shared/core/errors.ts';
import { orAborted } from '../shared/core/or-aborted.ts';
import type { Timers } from '../shared/core/timers.ts';
import { maxProbeFloats } from '../shared/protocol/limits.ts';
import type { MeasuredLink } from '../shared/protocol/messages.ts';
import type { PeerVectors } from '../shared/transport/vectors.ts';
import { decideProbe, type ProbeRound } from './probe-plan.ts';

export interface LinkMeasuring {
  /** Seconds of a steady clock. */
  readonly now: () => number;
  readonly timers: Timers;
  /** Ends the wait; the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A connection that has broken answers nothing, and a link that takes longer is not worth the wait. */
const longestMs = 1000;
/** In floats: of shorter messages the headers would weigh more. */
const shortestMessage = 256;

/**
 * @param peers those of a generation, of whom some are read in memory
 * @returns undefined where none is read over the network, or no answer came in time
 */
export async function measureLink(
  peers: readonly (PeerVectors | undefined)[],
  { now, timers, signal }: LinkMeasuring,
): Promise<MeasuredLink | undefined> {
  const probes = peers.flatMap((peer) => (peer?.probe === undefined ? [] : [peer.probe]));
  if (probes.length === 0) return undefined;
  const ending = new AbortController();
  const end = () => ending.abort(new PennygradError('run-failed', 'the link was not measured in time'));
  const endPatience = timers.after(longestMs, end);
  try {
    const rounds: ProbeRound[] = [];
    for (;;) {
      const decision = decideProbe(rounds);
      if (decision.kind === 'enough') return decision.link;
      const messages = messagesOf(decision.bytes, probes.length);
      const started = now();
      const answers = probes.flatMap((probe) => messages.map((floats) => probe(floats)));
      const answered = orAborted(Promise.all(answers), ending.signal, () => ending.signal.reason);
      await orAborted(answered, signal, () => signal.reason);
      const bytes = probes.length * messages.reduce((sum, floats) => sum + floats, 0) * Float32Array.BYTES_PER_ELEMENT;
      rounds.push({ bytes, seconds: now() - started });
    }
  } catch (error) {
    if (error !== ending.signal.reason) throw error;
    return undefined;
  } finally {
    endPatience();
  }
}

/** The lengths of the messages that each of some peers is to send, in floats. @param bytes of all peers together */
function messagesOf(bytes: number, peers: number): readonly number[] {
  if (bytes === 0) return [0];
  const floats = Math.max(shortestMessage, Math.round(bytes / Float32Array.BYTES_PER_ELEMENT / peers));
  const count = Math.ceil(floats / maxProbeFloats);
  return Array.from({ length: count }, (_, place) => Math.min(maxProbeFloats, floats - place * maxProbeFloats));
}
