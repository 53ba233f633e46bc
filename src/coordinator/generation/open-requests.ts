/** Requests under way: what each rank was told, its answer, and states that are on their way in chunks. */
import type { Clock } from '../../shared/core/clock.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { ChunkSizes } from '../../shared/protocol/state-chunks.ts';
import type { Activity } from '../membership/liveness.ts';
import type { Member } from '../membership/worker.ts';
import { type AnsweringModel, checkAnswer, stateLengths } from './answer-check.ts';
import { type Answers, createAnswers } from './answers.ts';
import {
  type Answer,
  acceptAnswer,
  findRequest,
  type GenerationState,
  learnApplied,
  noteTransfer,
  offerState,
  openRequest,
  takeOver,
} from './generation-state.ts';
import { type Refusal, stale, wrong } from './refusal.ts';
import type { Answered, Ask, Asked } from './requests.ts';
import { collectState, type IncomingState, type OutgoingState, receiveState, sendStateTo } from './state-transfers.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;

export interface OpenRequests {
  /** Opens requests to some ranks, which wait for their answers until the signal is aborted. */
  askUntil(until: AbortSignal): Ask;
  /** Each takes a rank's message; says why if it does not. */
  answer(rank: number, message: Answer, tensors: readonly Float32Array[]): Refusal | undefined;
  /** Part of a state that the rank was asked for. */
  chunk(rank: number, message: From<'chunk'>, tensors: readonly Float32Array[]): Refusal | undefined;
  /** The rank has taken part of a state that it is sent. */
  taken(rank: number, message: From<'taken'>, tensors: readonly Float32Array[]): Refusal | undefined;
}

export interface OpenRequestsOptions {
  readonly members: readonly Member[];
  readonly model: AnsweringModel;
  readonly sizes: ChunkSizes;
  readonly clock: Pick<Clock, 'now'>;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
  /** What the generation knows of its members. */
  readonly known: {
    readonly get: () => GenerationState;
    readonly set: (state: GenerationState) => void;
  };
}

/** A request under way: the answers so far, what each rank was told, and states that are on their way in chunks. */
interface PendingRequest {
  readonly answers: Answers<Answered<Answer['type']>>;
  readonly orders: Map<number, Body<CoordinatorMessage>>;
  readonly incoming: Map<number, IncomingState>;
  readonly outgoing: Map<number, OutgoingState>;
}

export function createOpenRequests(options: OpenRequestsOptions): OpenRequests {
  const { model, clock, known } = options;
  const requests = new Map<number, PendingRequest>();

  const note = (rank: number, activity: Activity) => known.set(noteTransfer(known.get(), rank, activity, clock.now()));

  /** The request that a rank's message belongs to, or why the message is refused. */
  function findPending(
    rank: number,
    message: Answer | From<'chunk' | 'taken'>,
    answer: Answer['type'],
  ): { readonly pending: PendingRequest } | { readonly refusal: Refusal } {
    const found = findRequest(known.get(), rank, message, answer);
    if ('refusal' in found) return found;
    const { type, request } = message;
    const pending = requests.get(request);
    // A loss ends the waits of a generation before `abort()` ends its requests. What members send meanwhile was right when they
    // sent it.
    if (pending === undefined) return { refusal: stale(`'${type}' to request ${request}, which was cut off`) };
    return { pending };
  }

  return {
    askUntil: (until) =>
      function ask<Type extends Answer['type']>(type: Type, activity: Activity, asked: readonly number[]): Asked<Type> {
        const { state, request } = openRequest(known.get(), type, asked, activity, clock.now());
        known.set(state);
        const pending: PendingRequest = {
          answers: createAnswers(asked.length, until),
          orders: new Map(),
          incoming: new Map(),
          outgoing: new Map(),
        };
        requests.set(request, pending);
        const forget = () => requests.delete(request);
        pending.answers.all.then(forget, forget);
        return {
          request,
          ...talkAbout(request, pending, note, options),
          // Only answers of this type are accepted.
          answers: pending.answers.all as unknown as Promise<readonly Answered<Type>[]>,
        };
      },

    answer(rank, message, tensors) {
      const found = findPending(rank, message, message.type);
      if ('refusal' in found) return found.refusal;
      const { pending } = found;
      const order = pending.orders.get(rank);
      if (order === undefined)
        return wrong(`'${message.type}' to request ${message.request}`, 'it has not been asked yet');
      const accepted = acceptAnswer(known.get(), rank, message, clock.now());
      if ('refusal' in accepted) return accepted.refusal;
      const arrived = message.type === 'state' ? pending.incoming.get(rank)?.end(message, tensors) : undefined;
      if (arrived !== undefined && arrived.kind !== 'arrived') return arrived;
      const problem = checkAnswer(order, message, tensors, model, known.get().members[rank], arrived);
      if (problem !== undefined) return problem;
      known.set(accepted.state);
      if (order.type === 'restore') known.set(takeOver(known.get(), rank));
      if (message.type === 'state') known.set(learnApplied(known.get(), rank, message.applied));
      pending.answers.add(rank, { message, tensors: arrived?.vectors ?? tensors });
      return undefined;
    },

    chunk(rank, message, tensors) {
      const found = findPending(rank, message, 'state');
      if ('refusal' in found) return found.refusal;
      const incoming = found.pending.incoming.get(rank);
      if (incoming === undefined) return wrong(`'chunk' to request ${message.request}`, 'no state was asked for');
      const refusal = incoming.receive(message, tensors);
      // Whoever may send no more waits for those who are to take it.
      if (refusal === undefined) note(rank, incoming.isFull() ? 'wait' : 'checkpoint');
      return refusal;
    },

    taken(rank, message, tensors) {
      const found = findPending(rank, message, 'restored');
      if ('refusal' in found) return found.refusal;
      const what = `a wrong 'taken' of request ${message.request}`;
      if (tensors.length > 0) return wrong(what, `it must have no tensors, got ${tensors.length}`);
      const { outgoing: sent, orders } = found.pending;
      const outgoing = sent.get(rank);
      if (outgoing === undefined) return wrong(what, 'it was sent no state in chunks');
      const refusal = outgoing.noteTaken(message);
      if (refusal !== undefined) return refusal;
      note(rank, outgoing.isIdle() && !orders.has(rank) ? 'wait' : 'checkpoint');
      return undefined;
    },
  };
}

/** What ranks are sent about a request. @param note tells what a rank does from now on */
function talkAbout(
  request: number,
  { orders, incoming, outgoing: sent }: PendingRequest,
  note: (rank: number, activity: Activity) => void,
  { members, model, sizes, send, known }: OpenRequestsOptions,
): Pick<Asked<Answer['type']>, 'grant' | 'order' | 'stream'> {
  function post(rank: number, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]): void {
    const member = members[rank];
    if (member !== undefined) send(member, body, tensors);
  }
  function grant(rank: number, offset: number): void {
    // Receivers may take the last of it when the rank has answered.
    if (known.get().requests.get(request)?.missing.includes(rank) !== true) return;
    incoming.get(rank)?.grant(offset);
    note(rank, 'checkpoint');
  }
  return {
    grant,
    order(rank, body, tensors, sink) {
      orders.set(rank, body);
      if (body.type === 'restore') known.set(offerState(known.get(), rank, body.applied));
      if (sent.has(rank)) note(rank, 'checkpoint');
      if (body.type === 'report-state') {
        const lengths = stateLengths(model, body.extent);
        const into = sink ?? collectState(lengths, (offset) => grant(rank, offset));
        const tell = (offset: number) => post(rank, { type: 'taken', request, offset });
        incoming.set(rank, receiveState(lengths, sizes, into, tell));
      }
      post(rank, body, tensors);
    },
    stream(rank, onTaken) {
      const outgoing = sendStateTo(({ offset, floats }, total) => {
        if (outgoing.isIdle()) note(rank, 'checkpoint');
        post(rank, { type: 'chunk', request, total, offset }, [floats]);
      }, onTaken);
      sent.set(rank, outgoing);
      return outgoing.send;
    },
  };
}
