/**
 * One generation: a fixed set of members with ranks. It sends them their orders and gathers what they answer.
 * A generation never changes its members; losing one aborts its signal, which ends every wait.
 */
import type { AllReduceHub } from '../../shared/collectives/collective.ts';
import { type AllReduceName, collectiveOf } from '../../shared/collectives/registry.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { Activity } from '../membership/liveness.ts';
import type { Activities } from '../membership/membership-state.ts';
import type { Member } from '../membership/worker.ts';
import type { MemberSpent } from '../run-events.ts';
import { type Answers, createAnswers } from './answers.ts';
import {
  type Accepted,
  type Answer,
  acceptAnswer,
  acceptVote,
  assignStep,
  beginGenerationState,
  commitStep,
  findStale,
  noteContribution,
  openRequest,
  putOffMembers,
  takeUsage,
  type Vote,
} from './generation-state.ts';
import { type Answered, createRequests, type Order, type Requests } from './requests.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;
/** Messages that only a member of a generation sends. */
export type MemberMessage = From<'contribute'> | Vote | Answer;
export interface Generation extends Requests {
  /** In rank order. */
  readonly members: readonly Member[];
  readonly parameterCount: number;
  /** Sends every rank its share of a step: positions `batch` of the epoch's order, cut by the ranks' weights. */
  assign(step: number, epoch: number, batch: Interval, weights: readonly number[]): void;
  /** Every rank's vote for an assigned step, in rank order. */
  votes(step: number): Promise<readonly Vote[]>;
  commit(step: number): void;
  /** What members say they have used since this was last asked. Those that said nothing new are left out. */
  takeSpent(): readonly MemberSpent[];
  /** What each member is doing. */
  activities(): Activities;
  /** The coordinator did not listen for so many seconds: nobody's time ran. */
  putOff(seconds: number): void;
  /** Takes a peer's message; says why if it does not belong here. */
  accept(peer: PeerId, message: MemberMessage, tensors: readonly Float32Array[]): string | undefined;
}

export interface GenerationOptions {
  readonly number: number;
  readonly members: readonly Member[];
  readonly parameterCount: number;
  /** In which gradients travel. */
  readonly buckets: readonly Interval[];
  readonly allReduce: AllReduceName;
  readonly clock: Pick<Clock, 'now'>;
  /** Ends the generation. */
  readonly signal: AbortSignal;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
}

/** Steps are tried once: a generation that loses a member ends. */
const attempt = 0;

export function createGeneration(options: GenerationOptions): Generation {
  const { number: generation, members, parameterCount, buckets, allReduce, clock, signal, send } = options;
  const worldSize = members.length;
  const rankOf = new Map(members.map(({ peer, rank }) => [peer, rank] as const));
  const hub: AllReduceHub | undefined = collectiveOf(allReduce).createHub?.({ worldSize, buckets });
  const ballots = new Map<number, Answers<Vote>>();
  const answers = new Map<number, Answers<Answered<Answer['type']>>>();
  let state = beginGenerationState(generation, worldSize, clock.now());

  for (const member of members) {
    send(member, { type: 'quorum', generation, rank: member.rank, worldSize, allReduce });
  }

  /** Sends a request to some ranks, and waits for their answers. */
  async function ask<Type extends Answer['type']>(
    answer: Type,
    activity: Activity,
    asked: readonly number[],
    order: Order,
  ): Promise<readonly Answered<Type>[]> {
    const opened = openRequest(state, answer, asked, activity, clock.now());
    const pending = createAnswers<Answered<Answer['type']>>(asked.length, signal);
    state = opened.state;
    answers.set(opened.request, pending);
    for (const rank of asked) {
      const member = members[rank];
      if (member !== undefined) send(member, ...order(opened.request, rank));
    }
    try {
      // Only answers of this type are accepted.
      return (await pending.all) as unknown as readonly Answered<Type>[];
    } finally {
      answers.delete(opened.request);
    }
  }

  /** @returns why the message was refused, if it was */
  function take(accepted: Accepted, then: () => void): string | undefined {
    if ('refusal' in accepted) return accepted.refusal;
    state = accepted.state;
    then();
    return undefined;
  }

  function contribute(rank: number, message: From<'contribute'>, tensors: readonly Float32Array[]): string | undefined {
    const stale = findStale(state, message);
    if (stale !== undefined) return `a contribution to ${stale}`;
    if (hub === undefined) return `a contribution, but ${allReduce} has no hub`;
    const outcome = hub.receive(rank, message, tensors, clock.now());
    if (outcome.kind === 'refused') return outcome.reason;
    state = noteContribution(state, rank);
    for (const reply of outcome.kind === 'reply' ? outcome.replies : []) {
      const member = members[reply.rank];
      if (member !== undefined) send(member, reply.body, reply.tensors);
    }
    return undefined;
  }

  return {
    members,
    parameterCount,

    assign(step, epoch, batch, weights) {
      state = assignStep(state, { generation, step, attempt }, clock.now());
      ballots.set(step, createAnswers(worldSize, signal));
      const globalBatch = batch.to - batch.from;
      weightedShares(batch, weights).forEach((share, rank) => {
        const member = members[rank];
        if (member === undefined) return;
        send(member, { type: 'assign', generation, step, attempt, epoch, from: share.from, to: share.to, globalBatch });
      });
    },

    votes: (step) => ballots.get(step)?.all ?? Promise.reject(new Error(`votes: step ${step} was not assigned`)),

    commit(step) {
      ballots.delete(step);
      hub?.forget({ generation, step, attempt });
      state = commitStep(state, step, clock.now());
      for (const member of members) send(member, { type: 'commit', generation, step, attempt });
    },

    ...createRequests(members, ask),

    takeSpent() {
      const { state: after, told } = takeUsage(state);
      state = after;
      return told.flatMap(({ rank, at, seconds, bytes }) => {
        const workerId = members[rank]?.info.workerId;
        return workerId === undefined ? [] : [{ workerId, at, seconds, bytes }];
      });
    },

    activities: () =>
      new Map(
        state.members.flatMap(({ activity, since }, rank) => {
          const peer = members[rank]?.peer;
          return peer === undefined ? [] : [[peer, { activity, since }] as const];
        }),
      ),

    putOff(seconds) {
      state = putOffMembers(state, seconds, clock.now());
    },

    accept(peer, message, tensors) {
      const rank = rankOf.get(peer);
      if (rank === undefined) return `'${message.type}' from a worker that is no member of generation ${generation}`;
      switch (message.type) {
        case 'contribute':
          return contribute(rank, message, tensors);
        case 'vote':
          return take(acceptVote(state, rank, message, clock.now()), () =>
            ballots.get(message.step)?.add(rank, message),
          );
        case 'evaluated':
        case 'state':
        case 'predicted':
        case 'restored':
          return take(acceptAnswer(state, rank, message, clock.now()), () =>
            answers.get(message.request)?.add(rank, { message, tensors }),
          );
        default:
          return message satisfies never;
      }
    },
  };
}
