/** The last message of a run. */
import type { Timers } from '../shared/core/timers.ts';
import type { Body, CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';
import type { CoordinatorSocket, PeerId } from '../shared/transport/coordinator-socket.ts';

/**
 * Tells every worker that the run is over. A worker that does not hear it takes the run for lost, so one whose connection
 * has no room is waited for, though not for ever.
 */
export async function sayGoodbye(
  socket: Pick<CoordinatorSocket, 'send' | 'emptied'>,
  peers: Iterable<PeerId>,
  stop: Body<MessageOf<CoordinatorMessage, 'stop'>>,
  timers: Timers,
  patienceMs: number,
): Promise<void> {
  for (const peer of peers) socket.send(peer, stop);
  let cancel = () => {};
  const overdue = new Promise<void>((resolve) => {
    cancel = timers.after(patienceMs, resolve);
  });
  await Promise.race([socket.emptied(), overdue]);
  cancel();
}
