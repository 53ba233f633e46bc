/**
 * The coordinator's dealings with workers: turns messages, broken connections and the passing of time into inputs of
 * the membership reducer, and does what it decides. What the members of a generation do together is in `generation/`;
 * what is trained, in `training/`.
 */
import { bucketsFromEnds } from '../shared/collectives/buckets.ts';
import type { AllReduceName } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { createDeferred } from '../shared/core/deferred.ts';
import { type ErrorCode, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import { bindCoordinatorSocket, type PeerId } from '../shared/transport/coordinator-socket.ts';
import { createGeneration, type Generation } from './generation/generation.ts';
import { takeIn } from './intake.ts';
import { advanceMembership } from './membership/membership.ts';
import {
  type MembershipEffect,
  type MembershipInput,
  type MembershipRules,
  noMembers,
} from './membership/membership-state.ts';
import { memberInfo, rankWorkers } from './membership/worker.ts';
import type { RunObserver } from './run-events.ts';

export interface ControlPlaneOptions extends Omit<MembershipRules, 'endpoint'> {
  readonly bind: string;
  readonly run: string;
  readonly allReduce: AllReduceName;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly observe: RunObserver;
}

export interface ControlPlane {
  readonly endpoint: string;
  /** Waits until all workers are ready. @throws quorum-lost at the deadline, saying who is missing */
  rendezvous(): Promise<Generation>;
  /** A worker is known to be gone, by whoever knows it first (its parent process, say). */
  workerGone(workerId: string, reason: string, code?: ErrorCode): void;
  /** A worker's process has ended, for whatever reason; it costs nothing from now on. */
  workerEnded(workerId: string): void;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Tells every worker that the run is over, and why, and closes the socket. May be called twice. */
  close(failure?: Error): Promise<void>;
}

/** What workers are told about the end is cut to this; the whole is in the coordinator's own output. */
const maxReasonLength = 1000;

/** The worker's last message may still be unread, and it says why the worker left. */
const lastWordsMs = 500;

/** ZeroMQ may report a disconnect before it refuses messages to that peer; after this delay it does. */
const disconnectedMs = 50;

/** @throws bad-input when the address cannot be bound */
export async function openControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { run, clock, timers, observe } = options;
  const deadlines = deadlinesFrom(options.timeoutSeconds);
  const ending = new AbortController();
  const begun = createDeferred<Generation>();
  ending.signal.addEventListener('abort', () => begun.reject(ending.signal.reason));
  let state = noMembers;
  let generation: Generation | undefined;
  let closing: Promise<void> | undefined;
  let beatIsDue = false;

  const socket = await bindCoordinatorSocket({
    bind: options.bind,
    run,
    timers,
    heartbeatMs: deadlines.heartbeatMs,
    connectionMs: deadlines.connectionMs,
    onUnreachable: (peer, reason) => timers.after(lastWordsMs, () => dispatch({ type: 'unreachable', peer, reason })),
    onDisconnect: beatSoon,
  });
  const rules: MembershipRules = { ...options, endpoint: socket.endpoint };
  const stopTimers = [
    timers.every(deadlines.heartbeatMs, beat),
    timers.every(deadlines.heartbeatMs / 2, () => dispatch({ type: 'tick' })),
  ];
  listen().catch(fail);

  /** Also finds out whose connection is gone: a message to that peer is refused. */
  function beat(): void {
    beatIsDue = false;
    if (closing !== undefined) return;
    for (const peer of state.workers.keys()) socket.send(peer, { type: 'heartbeat' });
  }

  /** Once, however many connections break meanwhile: strangers' connections break too. */
  function beatSoon(): void {
    if (beatIsDue) return;
    beatIsDue = true;
    timers.after(disconnectedMs, beat);
  }

  function dispatch(input: MembershipInput): void {
    if (closing !== undefined) return;
    try {
      advance(input);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  function advance(input: MembershipInput): void {
    const moment = { now: clock.now(), unixMs: clock.unixMs() };
    const activities = input.type === 'heard' ? undefined : generation?.activities();
    const step = advanceMembership(rules, state, input, moment, activities);
    state = step.state;
    for (const effect of step.effects) perform(effect);
  }

  function perform(effect: MembershipEffect): void {
    switch (effect.type) {
      case 'send':
        socket.send(effect.peer, effect.body);
        break;
      case 'announce':
        observe(effect.event);
        break;
      case 'begin':
        begin(effect);
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
    const { parameterCount = 0, bucketEnds = [] } = members[0]?.ready ?? {};
    const next = createGeneration({
      number: state.generations,
      members,
      parameterCount,
      buckets: bucketsFromEnds(bucketEnds, parameterCount) ?? [],
      allReduce: options.allReduce,
      clock,
      signal: ending.signal,
      send: (member, body, tensors) => socket.send(member.peer, body, tensors),
    });
    generation = next;
    observe({ type: 'generation', members: members.map(memberInfo), parameterCount, reason });
    begun.resolve(next);
  }

  async function listen(): Promise<void> {
    for await (const { peer, decoded } of socket.receive()) {
      if (decoded.ok) {
        accept(peer, decoded.message, decoded.tensors);
        continue;
      }
      const { reason, detail } = decoded;
      observe({ type: 'frame-rejected', reason, detail });
      dispatch({ type: 'garbled', peer, reason, detail });
    }
  }

  function accept(peer: PeerId, received: WorkerMessage, tensors: readonly Float32Array[]): void {
    const intake = takeIn({ id: run, version: options.identity.version }, state, peer, received, clock.unixMs());
    switch (intake.kind) {
      case 'input':
        dispatch(intake.input);
        break;
      case 'deliver': {
        dispatch({ type: 'heard', peer });
        const reason =
          generation === undefined ? 'no generation yet' : generation.accept(peer, intake.message, tensors);
        if (reason !== undefined) observe({ type: 'frame-rejected', reason: 'stale', detail: reason });
        break;
      }
      case 'answer':
        socket.send(peer, intake.body);
        break;
      case 'rejected':
        observe({ type: 'frame-rejected', reason: intake.reason, detail: intake.detail });
        break;
      case 'ignored':
        break;
      default:
        intake satisfies never;
    }
  }

  function fail(error: Error): void {
    ending.abort(error);
  }

  async function sayGoodbye(error: Error | undefined): Promise<void> {
    for (const stop of stopTimers) stop();
    for (const peer of state.workers.keys()) socket.send(peer, { type: 'stop', ...describeEnd(error) });
    await socket.flushed();
    socket.close();
  }

  return {
    endpoint: socket.endpoint,
    rendezvous() {
      if (!ending.signal.aborted) dispatch({ type: 'gather' });
      return begun.promise;
    },
    workerGone: (workerId, reason, code = 'quorum-lost') => dispatch({ type: 'exited', workerId, reason, code }),
    workerEnded: (workerId) => observe({ type: 'worker-ended', workerId }),
    fail,
    close(error) {
      closing ??= sayGoodbye(error);
      return closing;
    },
  };
}

function describeEnd(error: Error | undefined): Pick<MessageOf<CoordinatorMessage, 'stop'>, 'outcome' | 'reason'> {
  if (error === undefined) return { outcome: 'completed', reason: 'completed' };
  const code = error instanceof PennygradError ? error.code : 'run-failed';
  const reason = error.message.slice(0, maxReasonLength);
  return code === 'interrupted' || code === 'budget-reached'
    ? { outcome: 'completed', reason }
    : { outcome: code, reason };
}
