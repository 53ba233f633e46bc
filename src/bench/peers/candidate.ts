/** A running candidate: a process that trains on request and sleeps in between. */
import { startConversation } from './conversation.ts';
import { type Answer, answerSchema, type Ready, type Request, readySchema } from './messages.ts';
import type { Command, Processes } from './processes.ts';

export interface RunningCandidate extends Ready {
  /** @throws Error with the reason if the process ends, gives an invalid answer or misses the deadline */
  measure(request: Request): Promise<Answer>;
  /** Ends the process. A second call does nothing. */
  stop(): void;
}

/**
 * Starts a candidate and waits until it is ready.
 * @param graceSeconds limit for the start, and for an answer beyond the requested seconds
 */
export async function startCandidate(
  processes: Processes,
  command: Command,
  graceSeconds: number,
): Promise<RunningCandidate> {
  const { send, receive, stop } = startConversation(processes, command);
  return {
    ...(await receive(readySchema, graceSeconds)),
    stop,
    async measure(request) {
      send(request);
      return receive(answerSchema, request.seconds + graceSeconds);
    },
  };
}
