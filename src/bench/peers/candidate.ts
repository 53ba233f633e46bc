/** A running candidate: a process that trains on request and sleeps in between. */
import { graceSeconds, startConversation } from './conversation.ts';
import { type Answer, answerSchema, type Ready, type Request, readySchema } from './messages.ts';
import type { Command, Processes } from './processes.ts';

export interface RunningCandidate extends Ready {
  /** @throws Error with the reason if the process ends, gives an invalid answer or misses the deadline */
  measure(request: Request): Promise<Answer>;
  /** Ends the process. A second call does nothing. */
  stop(): void;
}

/** Starts a candidate and waits until it is ready. An answer may take `graceSeconds` beyond the requested seconds. */
export async function startCandidate(processes: Processes, command: Command): Promise<RunningCandidate> {
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

export async function samplesPerSecond(
  candidate: RunningCandidate,
  batchSize: number,
  seconds: number,
): Promise<number> {
  const answer = await candidate.measure({ batch_size: batchSize, seconds });
  return (batchSize * answer.steps) / answer.seconds;
}
