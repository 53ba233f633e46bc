/**
 * A worker's view of its coordinator: orders to carry out one after another, the commits of a generation, and sums for the
 * collective. It ends every wait when the connection breaks, or when the coordinator has been silent for too long. The
 * coordinator's own waits have deadlines, so one that is heard is one that will go on or end the run.
 */

import { createAsyncQueue } from '../shared/core/async-queue.ts';
import type { Clock } from '../shared/core/clock.ts';
import { badInput, PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import { maxNamedAwaited } from '../shared/protocol/limits.ts';
import type { Body, CoordinatorMessage, GpuReading, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import type { ChunkSizes } from '../shared/protocol/state-chunks.ts';
import type { IpFamily } from '../shared/transport/ip-family.ts';
import { connectWorkerSocket } from '../shared/transport/worker-socket.ts';
import { type GenerationInbox, type OpenGeneration, openGeneration } from './generation-inbox.ts';
import { watchSilence } from './silence-watch.ts';
import { createStateTransfers, type Room } from './state-transfers.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

/** What a worker is told to do, in order. */
export type Order =
  | From<'welcome' | 'refuse' | 'link' | 'measure' | 'exchange' | 'assign' | 'evaluate' | 'predict' | 'stop'>
  | QuorumOrder
  | ReportOrder
  | RestoreOrder;
export type ReportOrder = From<'report-state'> & { readonly room: Room };
export interface RestoreOrder extends From<'restore'> {
  readonly tensors: readonly Float32Array[];
  /** They are received frames, which may be reused. */
  readonly areLent: boolean;
}
/** A generation begins. */
export type QuorumOrder = From<'quorum'> & { readonly inbox: GenerationInbox };

export interface CoordinatorLink {
  send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void;
  /** The message may wait for a moment, so that it can travel together with the next one. */
  sendLater(body: Body<WorkerMessage>): void;
  /** Orders that are here and have not been begun. */
  ordersLeft(): number;
  nextOrder(): Promise<Order>;
  /** Where `reduced` messages go from now on. */
  setReducedSink(sink: (message: From<'reduced'>, tensors: readonly Float32Array[]) => void): void;
  /** After the welcome: messages carry the run's id, and the run's own timeout holds. */
  joinRun(run: string, timeoutSeconds: number): void;
  /** The vectors that a state of the run consists of, in floats, and how they are cut: other chunks are refused. */
  expectState(lengths: readonly number[], sizes: ChunkSizes): void;
  /** What the worker's GPU reported last: its heartbeats say so from now on. */
  setGpuReading(reading: GpuReading): void;
  /** Asked at every heartbeat: the workers whose gradients this one waits for, by name. */
  setAwaited(ask: () => readonly string[]): void;
  /** Aborted when the link fails, with the error. */
  readonly signal: AbortSignal;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Sends what is left and closes. May be called twice. */
  close(): Promise<void>;
}

/** The coordinator cannot be reached any more, or says nothing. It may be back soon. */
export class CoordinatorLost extends PennygradError {
  /** What happened. */
  readonly what: string;

  constructor(what: string, why: string) {
    super('quorum-lost', `${what}; ${why}`);
    this.what = what;
    this.name = 'CoordinatorLost';
  }
}

export interface LinkOptions {
  readonly connect: string;
  readonly family: IpFamily;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /**
   * The coordinator is the parent of this process, and its end is this one's end. It may be silent for as long as it
   * likes: it is suspended then (Ctrl-Z), and will go on.
   */
  readonly managed: boolean;
  /** This process did not listen for so many seconds, long enough for the coordinator to give it up. */
  readonly onStoodStill: (seconds: number) => void;
  /** Opens the socket to the coordinator; a ZeroMQ socket unless given. */
  readonly connectSocket?: typeof connectWorkerSocket | undefined;
}

/** A coordinator that stops may close its connection before its last message is read. */
const lastWordsMs = 500;

export function openCoordinatorLink(options: LinkOptions): CoordinatorLink {
  const { connect, family, timeoutSeconds, clock, timers, managed, connectSocket = connectWorkerSocket } = options;
  const orders = createAsyncQueue<Order>();
  const failing = new AbortController();
  /** The generation that began last. */
  let generation: OpenGeneration | undefined;
  let deliverReduced: (message: From<'reduced'>, tensors: readonly Float32Array[]) => void = () => {};
  let run = '';
  let gpu: GpuReading | undefined;
  let askAwaited: () => readonly string[] = () => [];
  let closed = false;

  const silence = watchSilence({
    timeoutSeconds,
    clock,
    timers,
    isPatient: managed,
    onBeat() {
      if (run === '') return;
      const awaited = askAwaited().slice(0, maxNamedAwaited);
      socket.send({ type: 'heartbeat', gpu, awaited: awaited.length > 0 ? awaited : undefined });
    },
    onLost: (seconds) => fail(lost(`no word from the coordinator at ${connect} for ${seconds.toFixed(1)} s`)),
    onStoodStill: options.onStoodStill,
  });
  const socket = connectSocket({
    connect,
    family,
    timers,
    stalledMs: silence.patienceMs,
    onUnreachable: (reason) => fail(lost(`cannot send to the coordinator at ${connect}: ${reason}`)),
    onDisconnect() {
      // Before the welcome ZeroMQ connects again, and nothing was lost.
      if (run === '') return;
      timers.after(lastWordsMs, () => {
        silence.judge();
        fail(lost(`the connection to the coordinator at ${connect} is gone`, silence.recentSleep()));
      });
    },
  });
  const transfers = createStateTransfers(socket.send);
  listen().catch(fail);

  function fail(error: Error): void {
    failing.abort(error);
    orders.fail(error);
    transfers.drop(error);
    generation?.end(error);
  }

  function beginGeneration(message: From<'quorum'>): QuorumOrder {
    transfers.drop();
    generation = openGeneration(message.generation);
    if (failing.signal.aborted) generation.end(failing.signal.reason);
    return { ...message, inbox: generation.inbox };
  }

  function abort(aborted: From<'abort'>): void {
    if (generation?.number !== aborted.generation) return;
    orders.clear();
    transfers.drop();
    generation.abort();
  }

  /** Nobody else speaks on this connection, so nothing that follows can be relied on. */
  function refuse(problem: string): void {
    const error = `the coordinator at ${connect} sent what this worker cannot accept: ${problem}`;
    fail(run === '' ? badInput(error) : new PennygradError('run-failed', error));
  }

  function takeChunk(message: From<'chunk'>, tensors: readonly Float32Array[]): void {
    const problem = transfers.receive(message, tensors);
    if (problem !== undefined) refuse(`a wrong chunk of request ${message.request}: ${problem}`);
  }

  function restoreOf(message: From<'restore'>, tensors: readonly Float32Array[]): RestoreOrder | undefined {
    if (message.stateChecksum === undefined) return { ...message, tensors, areLent: true };
    const collected = transfers.collect(message);
    if ('vectors' in collected) return { ...message, tensors: collected.vectors, areLent: false };
    refuse(`a wrong 'restore' of request ${message.request}: ${collected.problem}`);
    return undefined;
  }

  /** Puts a message where the worker waits for it. */
  function queue(
    message: Exclude<CoordinatorMessage, { type: 'reduced' | 'abort' | 'commit' | 'chunk' | 'taken' }>,
    tensors: readonly Float32Array[],
  ): void {
    switch (message.type) {
      case 'heartbeat':
      case 'pong':
        break;
      case 'quorum':
        orders.push(beginGeneration(message));
        break;
      case 'refuse':
        // A member is refused when it is given up, whatever it waits for.
        if (generation === undefined) orders.push(message);
        else fail(new CoordinatorLost('the coordinator has given this worker up', message.actual));
        break;
      case 'welcome':
      case 'link':
      case 'measure':
      case 'exchange':
      case 'assign':
      case 'evaluate':
      case 'predict':
        orders.push(message);
        break;
      case 'report-state':
        orders.push({ ...message, room: transfers.open(message.request) });
        break;
      case 'restore': {
        const order = restoreOf(message, tensors);
        if (order !== undefined) orders.push(order);
        break;
      }
      case 'stop':
        transfers.drop();
        // A run that failed may stop a worker in the middle of a step, where it waits for something else than orders.
        if (message.outcome === 'completed') orders.push(message);
        else fail(new PennygradError(message.outcome, `the run failed: ${message.reason}`));
        break;
      default:
        message satisfies never;
    }
  }

  async function listen(): Promise<void> {
    for await (const decoded of socket.receive()) {
      if (!decoded.ok) {
        refuse(decoded.detail);
        continue;
      }
      const { message, tensors } = decoded;
      if (run !== '' && message.run !== run) continue;
      silence.heard();
      if (message.type === 'reduced') deliverReduced(message, tensors);
      else if (message.type === 'abort') abort(message);
      else if (message.type === 'commit') generation?.commits.push(message);
      else if (message.type === 'chunk') takeChunk(message, tensors);
      else if (message.type === 'taken') transfers.noteTaken(message);
      else queue(message, tensors);
    }
  }

  return {
    signal: failing.signal,
    send: (body, tensors) => socket.send(body, tensors),
    sendLater: (body) => socket.sendLater(body),
    ordersLeft: () => orders.length,
    nextOrder: () => orders.next(),
    setReducedSink(sink) {
      deliverReduced = sink;
    },
    joinRun(id, timeout) {
      run = id;
      socket.joinRun(id);
      silence.keepTo(timeout);
    },
    expectState: transfers.expect,
    setGpuReading(reading) {
      gpu = reading;
    },
    setAwaited(ask) {
      askAwaited = ask;
    },
    fail,
    async close() {
      if (closed) return;
      closed = true;
      silence.stop();
      fail(new PennygradError('interrupted', 'the link to the coordinator was closed'));
      await socket.flushed();
      socket.close();
    },
  };
}

/** @param slept for how long this process had stood still just before, if it had */
function lost(message: string, slept?: number): CoordinatorLost {
  const why =
    slept === undefined
      ? 'is it still running and reachable?'
      : `this process had stood still for ${slept.toFixed(1)} s, and may have been given up`;
  return new CoordinatorLost(message, why);
}
