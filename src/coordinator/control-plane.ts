/**
 * The coordinator's dealings with workers: the socket, the heartbeats and the passing of time. What messages and broken
 * connections mean is decided in `membership-loop.ts`.
 */

import { RunTakenOver } from '../run-folder/run-lock.ts';
import { type AllReduceOfRun, mayReadPeers } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { type ErrorCode, PennygradError } from '../shared/core/errors.ts';
import { watchStandstill } from '../shared/core/standstill.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Decoded } from '../shared/protocol/codec.ts';
import { frameBytesFor } from '../shared/protocol/limits.ts';
import type { CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import { bindCoordinatorSocket, type PeerId } from '../shared/transport/coordinator-socket.ts';
import type { Generation, GenerationOptions } from './generation/generation.ts';
import { sayGoodbye } from './goodbye.ts';
import type { MembershipInput, MembershipRules } from './membership/membership-state.ts';
import type { Change } from './membership/quorum.ts';
import { createMembershipLoop } from './membership-loop.ts';
import type { RunObserver } from './run-events.ts';

export interface ControlPlaneOptions extends Omit<MembershipRules, 'endpoint'> {
  readonly bind: string;
  readonly run: string;
  readonly allReduce: AllReduceOfRun;
  /** Generations that earlier sittings of the run have begun. */
  readonly generationsBefore?: number | undefined;
  /** This and the next three are for generations: see `GenerationOptions`. */
  readonly microShard?: number | undefined;
  readonly skipNonfinite?: GenerationOptions['skipNonfinite'];
  readonly orderOf?: GenerationOptions['orderOf'];
  readonly chunkFloats?: number | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly observe: RunObserver;
  /** Opens the socket that workers connect to; a ZeroMQ socket unless given. */
  readonly bindSocket?: typeof bindCoordinatorSocket;
}

export interface ControlPlane {
  readonly endpoint: string;
  /**
   * Waits until enough workers are ready. The generation before, if there was one, is over.
   * @throws quorum-lost at the deadline, saying who is missing; whatever else ended the run
   */
  nextGeneration(): Promise<Generation>;
  /** Why another generation should begin at the next step boundary, if one should: a worker is ready, or wants to leave. */
  changeDue(): Change | undefined;
  /** Whether a generation has begun. */
  hasBegun(): boolean;
  /** Whether the run waits for one. */
  isGathering(): boolean;
  /** A worker is known to be gone, by whoever knows it first (its parent process, say). */
  workerGone(workerId: string, gone: WorkerGone): void;
  /** A worker is told to leave, because its machine will be taken away in so many seconds. */
  workerPreempted(workerId: string, seconds: number): void;
  /** A member is a straggler: it is told to leave at the next step boundary, if the run can do without it. */
  dropStraggler(workerId: string, reason: string): void;
  /** A worker's process has ended, for whatever reason; it costs nothing from now on. */
  workerEnded(workerId: string): void;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Tells every worker that the run is over, and why, and closes the socket. May be called twice. */
  close(failure?: Error): Promise<void>;
}

export interface WorkerGone {
  /** Whether a signal ended its process, or it ended by itself. */
  readonly cause: 'killed' | 'exited';
  readonly reason: string;
  /** What the run ends with if it cannot go on without the worker; quorum-lost unless given. */
  readonly code?: ErrorCode | undefined;
  /** Whether its process will be started again. */
  readonly returns: boolean;
}

/** What workers are told about the end is cut to this; the whole is in the coordinator's own output. */
const maxReasonLength = 1000;

/** The worker's last message may still be unread, and it says why the worker left. */
const lastWordsMs = 500;

/** How long messages that ZeroMQ has taken may still try to leave when the socket is closed. */
const shortestLingerMs = 500;

/** ZeroMQ may report a disconnect before it refuses messages to that peer; after this delay it does. */
const disconnectedMs = 50;

/** @throws bad-input when the address cannot be bound */
export async function openControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const {
    run,
    allReduce,
    generationsBefore,
    microShard,
    skipNonfinite,
    orderOf,
    clock,
    timers,
    observe,
    bindSocket = bindCoordinatorSocket,
  } = options;
  const deadlines = deadlinesFrom(options.timeoutSeconds);
  const tickMs = deadlines.heartbeatMs / 2;
  const standstill = watchStandstill(clock, tickMs);
  let closing: Promise<void> | undefined;
  let beatIsDue = false;

  const socket = await bindSocket({
    bind: options.bind,
    run,
    largestFrameBytes: frameBytesFor(options.parameterCount),
    parameterBytes: options.parameterCount * Float32Array.BYTES_PER_ELEMENT,
    timers,
    heartbeatMs: deadlines.heartbeatMs,
    connectionMs: deadlines.connectionMs,
    stalledMs: deadlines.silenceMs,
    lingerMs: Math.max(shortestLingerMs, deadlines.exitMs),
    onUnreachable: (peer, reason) => timers.after(lastWordsMs, () => dispatch({ type: 'unreachable', peer, reason })),
    onDisconnect: beatSoon,
  });
  const offerVectors = mayReadPeers(allReduce, options.fleet);
  const rules: MembershipRules = { ...options, offerVectors, endpoint: socket.endpoint };
  const loop = createMembershipLoop({
    run,
    rules,
    generationsBefore,
    allReduce,
    microShard,
    skipNonfinite,
    orderOf,
    chunkFloats: options.chunkFloats,
    clock,
    observe,
    send: socket.send,
  });
  const stopTimers = [
    timers.every(deadlines.heartbeatMs, beat),
    timers.every(tickMs, () => dispatch({ type: 'tick' })),
  ];
  listen().catch(loop.fail);

  function dispatch(input: MembershipInput): void {
    if (closing !== undefined) return;
    noticeStandstill();
    loop.dispatch(input);
  }

  /** Before anything else is judged: what happened meanwhile is not known yet. */
  function noticeStandstill(): void {
    const seconds = standstill.look();
    if (seconds > 0) loop.standStill(seconds);
  }

  /** Also finds out whose connection is gone: a message to that peer is refused. */
  function beat(): void {
    beatIsDue = false;
    if (closing !== undefined) return;
    for (const peer of loop.peers()) socket.send(peer, { type: 'heartbeat' });
  }

  /** Once, however many connections break meanwhile: strangers' connections break too. */
  function beatSoon(): void {
    if (beatIsDue) return;
    beatIsDue = true;
    timers.after(disconnectedMs, beat);
  }

  async function listen(): Promise<void> {
    for await (const { peer, messages } of socket.receive(loop.isMember)) {
      for (const decoded of messages) if (closing === undefined) take(peer, decoded);
    }
  }

  function take(peer: PeerId, decoded: Decoded<WorkerMessage>): void {
    if (decoded.ok) {
      noticeStandstill();
      loop.accept(peer, decoded.message, decoded.tensors);
      return;
    }
    const { reason, detail, version } = decoded;
    observe({ type: 'frame-rejected', reason, detail });
    dispatch({ type: 'garbled', peer, detail, version });
  }

  async function end(error: Error | undefined): Promise<void> {
    for (const stop of stopTimers) stop();
    // Workers that are told nothing look for the coordinator that has the run now.
    if (!(error instanceof RunTakenOver))
      await sayGoodbye(socket, loop.peers(), { type: 'stop', ...describeEnd(error) }, timers, deadlines.exitMs);
    socket.close();
  }

  return {
    endpoint: socket.endpoint,
    nextGeneration: loop.nextGeneration,
    changeDue: loop.changeDue,
    hasBegun: loop.hasBegun,
    isGathering: loop.isGathering,
    workerGone: (workerId, { cause, reason, code = 'quorum-lost', returns }) =>
      dispatch({ type: 'exited', workerId, cause, reason, code, returns }),
    workerPreempted: (workerId, seconds) => observe({ type: 'worker-preempted', workerId, seconds }),
    dropStraggler: (workerId, reason) => dispatch({ type: 'drop', workerId, reason }),
    workerEnded: (workerId) => observe({ type: 'worker-ended', workerId }),
    fail: loop.fail,
    close(error) {
      closing ??= end(error);
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
