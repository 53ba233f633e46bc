/**
 * Keeps who is in the run and the generation that they form: feeds the membership reducer, does what it decides, and hands
 * members' messages to the generation. It has no sockets and no timers; `control-plane.ts` has them.
 */
import { bucketsFromEnds } from '../shared/collectives/buckets.ts';
import { codecNamed } from '../shared/collectives/compression/codecs.ts';
import type { AllReduceOfRun } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { createDeferred } from '../shared/core/deferred.ts';
import { messageOf } from '../shared/core/errors.ts';
import { slotNames } from '../shared/model/model-spec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../shared/protocol/messages.ts';
import type { PeerId } from '../shared/transport/coordinator-socket.ts';
import {
  type CarriedGeneration,
  createGeneration,
  type Generation,
  type GenerationOptions,
} from './generation/generation.ts';
import { takeIn } from './intake.ts';
import { advanceMembership, changeDue } from './membership/membership.ts';
import {
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type MembershipRules,
  noMembers,
} from './membership/membership-state.ts';
import type { Change } from './membership/quorum.ts';
import { memberInfo, rankWorkers } from './membership/worker.ts';
import type { RunObserver } from './run-events.ts';

export interface MembershipLoopOptions {
  readonly run: string;
  readonly rules: MembershipRules;
  /** Generations that earlier sittings of the run have begun. */
  readonly generationsBefore?: number | undefined;
  readonly allReduce: AllReduceOfRun;
  /** This and the next three are for generations: see `GenerationOptions`. */
  readonly microShard?: number | undefined;
  readonly skipNonfinite?: GenerationOptions['skipNonfinite'];
  readonly orderOf?: GenerationOptions['orderOf'];
  readonly chunkFloats?: number | undefined;
  readonly clock: Clock;
  readonly observe: RunObserver;
  readonly send: (peer: PeerId, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
}

export interface MembershipLoop {
  dispatch(input: MembershipInput): void;
  /** This process did not listen for so many seconds. Must come before what it hears next. */
  standStill(seconds: number): void;
  /** Takes a message from any peer. */
  accept(peer: PeerId, message: WorkerMessage, tensors: readonly Float32Array[]): void;
  /** The workers that are in the run. */
  peers(): Iterable<PeerId>;
  /** Whether a peer is one of them. */
  isMember(peer: PeerId): boolean;
  /** Waits for a generation, the first one or another. The one before is over. Rejects when the run fails. */
  nextGeneration(): Promise<Generation>;
  /** Why another generation should begin at the next step boundary, if one should. */
  changeDue(): Change | undefined;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Whether a generation has begun. */
  hasBegun(): boolean;
  /** Whether the run waits for one. */
  isGathering(): boolean;
}

export function createMembershipLoop(options: MembershipLoopOptions): MembershipLoop {
  const { run, rules, generationsBefore = 0, clock, observe, send } = options;
  const ending = new AbortController();
  let next = createDeferred<Generation>();
  ending.signal.addEventListener('abort', () => next.reject(ending.signal.reason));
  let state: Membership = { ...noMembers, generations: generationsBefore };
  let generation: Generation | undefined;
  /** When messages came that the reducer has not been told of: there are thousands a second. */
  let heard = new Map<PeerId, number>();
  let known: { readonly workers: Membership['workers']; readonly change: Change | undefined } | undefined;

  function fail(error: Error): void {
    ending.abort(error);
  }

  /** Silence is judged when time has passed. */
  function tellHeard(): void {
    if (heard.size === 0) return;
    const at = heard;
    heard = new Map();
    state = advanceMembership(rules, state, { type: 'heard', at }, { now: clock.now(), unixMs: clock.unixMs() }).state;
  }

  function dispatch(input: MembershipInput): void {
    try {
      if (input.type === 'tick' || input.type === 'stood-still') tellHeard();
      const moment = { now: clock.now(), unixMs: clock.unixMs() };
      const activities = input.type === 'heartbeat' ? undefined : generation?.activities();
      const step = advanceMembership(rules, state, input, moment, activities);
      state = step.state;
      for (const effect of step.effects) perform(effect);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  function stale(detail: string): void {
    observe({ type: 'frame-rejected', reason: 'stale', detail });
  }

  function perform(effect: MembershipEffect): void {
    switch (effect.type) {
      case 'send':
        send(effect.peer, effect.body);
        break;
      case 'announce':
        observe(effect.event);
        break;
      case 'lost':
        generation?.lose(effect.peer, effect.loss);
        break;
      case 'begin':
        // The run has failed: its members are asked for what they have, and no others.
        if (!ending.signal.aborted) begin(effect);
        break;
      case 'fail':
        fail(effect.error);
        break;
      default:
        effect satisfies never;
    }
  }

  function begin({ workers, reason }: Extract<MembershipEffect, { type: 'begin' }>): void {
    const members = rankWorkers(workers);
    const { bucketEnds = [] } = members[0]?.ready ?? {};
    const { parameterCount, identity, optimizer, checksumEvery } = rules;
    const before: CarriedGeneration | undefined = generation?.carry();
    // On record before anybody hears of it, so that no later coordinator gives another generation the same number.
    observe({
      type: 'generation',
      number: state.generations,
      members: members.map(memberInfo),
      parameterCount,
      reason,
    });
    generation = createGeneration({
      number: state.generations,
      members,
      model: { parameterCount, classes: identity.model.classes, slots: slotNames(optimizer).length },
      checksumEvery,
      buckets: bucketsFromEnds(bucketEnds, parameterCount) ?? [],
      allReduce: options.allReduce,
      codec: codecNamed(optimizer.compression),
      microShard: options.microShard,
      skipNonfinite: options.skipNonfinite,
      orderOf: options.orderOf,
      chunkFloats: options.chunkFloats,
      clock,
      before,
      signal: ending.signal,
      send: (member, body, tensors) => send(member.peer, body, tensors),
    });
    next.resolve(generation);
  }

  return {
    dispatch,
    standStill(seconds) {
      generation?.putOff(seconds);
      dispatch({ type: 'stood-still', seconds });
    },
    accept(peer, received, tensors) {
      const intake = takeIn({ id: run, version: rules.identity.version }, state, peer, received, clock.unixMs());
      switch (intake.kind) {
        case 'input':
          if (intake.input.type === 'heartbeat') heard.set(peer, clock.now());
          dispatch(intake.input);
          break;
        case 'deliver': {
          heard.set(peer, clock.now());
          const refusal = generation?.accept(peer, intake.message, tensors);
          if (generation === undefined) stale('no generation yet');
          else if (refusal?.kind === 'stale') stale(refusal.reason);
          else if (refusal !== undefined) dispatch({ type: 'misbehaved', peer, refusal });
          break;
        }
        case 'answer':
          send(peer, intake.body);
          break;
        case 'rejected':
          observe({ type: 'frame-rejected', reason: intake.reason, detail: intake.detail });
          break;
        case 'ignored':
          break;
        default:
          intake satisfies never;
      }
    },
    peers: () => state.workers.keys(),
    isMember: (peer) => state.workers.has(peer),
    nextGeneration() {
      next = createDeferred<Generation>();
      // Whoever ends the run may do so before anybody waits for this.
      next.promise.catch(() => {});
      if (ending.signal.aborted) next.reject(ending.signal.reason);
      else dispatch({ type: 'gather' });
      return next.promise;
    },
    changeDue() {
      const { workers } = state;
      if (known?.workers !== workers) known = { workers, change: changeDue(rules, state) };
      return known.change;
    },
    fail,
    hasBegun: () => generation !== undefined,
    isGathering: () => state.gatheringSince !== undefined,
  };
}
