/** Where a message belongs: a pure decision by who sent it and what it is. */
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import type { PeerId } from '../shared/transport/coordinator-socket.ts';
import type { MemberMessage } from './generation/generation.ts';
import type { Membership, MembershipInput } from './membership/membership-state.ts';

export type Intake =
  /** For the membership reducer. */
  | { readonly kind: 'input'; readonly input: MembershipInput }
  /** For the generation. */
  | { readonly kind: 'deliver'; readonly message: MemberMessage }
  /** To be answered at once. */
  | { readonly kind: 'answer'; readonly body: Body<MessageOf<CoordinatorMessage, 'pong'>> }
  | { readonly kind: 'rejected'; readonly reason: string; readonly detail: string }
  | { readonly kind: 'ignored' };

export function takeIn(
  run: { readonly id: string; readonly version: string },
  { workers }: Membership,
  peer: PeerId,
  message: WorkerMessage,
  unixMs: number,
): Intake {
  switch (message.type) {
    case 'ping': {
      // Whoever asks is answered: a diagnosis must not need a place in the run.
      const { sentUnixMs } = message;
      const { version } = run;
      return {
        kind: 'answer',
        body: { type: 'pong', sentUnixMs, receivedUnixMs: unixMs, answeredUnixMs: unixMs, version },
      };
    }
    case 'hello':
      return { kind: 'input', input: { type: 'hello', peer, hello: message } };
    case 'leave':
      // A worker that was refused says goodbye all the same, and one that fails before its welcome does not know the run.
      return workers.has(peer)
        ? { kind: 'input', input: { type: 'leave', peer, leave: message } }
        : { kind: 'ignored' };
    case 'drain':
      // The same goes for a worker that is told to leave before it is welcome.
      return workers.has(peer)
        ? { kind: 'input', input: { type: 'drain', peer, reason: message.reason } }
        : { kind: 'ignored' };
    default:
      if (!workers.has(peer)) {
        return { kind: 'rejected', reason: 'peer', detail: `'${message.type}' from a peer that never said hello` };
      }
      if (message.run !== run.id) return { kind: 'rejected', reason: 'run', detail: `run '${message.run}'` };
      return ofMember(peer, message);
  }
}

function ofMember(
  peer: PeerId,
  message: Exclude<WorkerMessage, { type: 'ping' | 'hello' | 'leave' | 'drain' }>,
): Intake {
  switch (message.type) {
    case 'heartbeat':
      return { kind: 'input', input: { type: 'heartbeat', peer, gpu: message.gpu, awaited: message.awaited } };
    case 'ready':
      return { kind: 'input', input: { type: 'ready', peer, ready: message } };
    case 'contribute':
    case 'vote':
    case 'evaluated':
    case 'chunk':
    case 'taken':
    case 'state':
    case 'predicted':
    case 'restored':
    case 'linked':
    case 'measured':
      return { kind: 'deliver', message };
    default:
      return message satisfies never;
  }
}
