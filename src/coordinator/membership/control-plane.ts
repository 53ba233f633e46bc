/**
 * The coordinator's dealings with workers: who may join, when a generation begins, who is lost. What the members of a
 * generation do together is in `generation.ts`; what is trained, in `train.ts`.
 */
import { bucketsFromEnds } from '../../shared/collectives/buckets.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { type ErrorCode, PennygradError } from '../../shared/core/errors.ts';
import type { OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { Body, CoordinatorMessage, Identity, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { bindCoordinatorSocket, type PeerId } from '../../shared/transport/coordinator-socket.ts';
import { createGeneration, type Generation } from '../generation/generation.ts';
import type { RunObserver } from '../run-events.ts';
import { findMismatch, findObstacle, type Mismatch, versionMismatch } from './handshake.ts';
import { findLost } from './liveness.ts';
import { decideRendezvous } from './rendezvous.ts';
import { describeMember, type Member, memberInfo, newMember } from './roster.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;

export interface ControlPlaneOptions {
  readonly bind: string;
  readonly run: string;
  readonly worldSize: number;
  /** Names of the workers that will come, where they are known. */
  readonly expectedIds: readonly string[] | undefined;
  readonly timeoutSeconds: number;
  readonly identity: Identity;
  readonly datasetName: string;
  readonly optimizer: OptimizerSpec;
  readonly checksumEvery: number;
  readonly defaultPriceUsdPerHour: number | undefined;
  readonly clock: Clock;
  readonly observe: RunObserver;
}

export interface ControlPlane {
  readonly endpoint: string;
  /** Waits until all workers are ready. @throws quorum-lost at the deadline, saying who is missing. */
  rendezvous(): Promise<Generation>;
  /** A worker is known to be gone, by whoever knows it first (its parent process, say). */
  workerGone(workerId: string, reason: string, code?: ErrorCode): void;
  /** A worker's process has ended, for better or worse: it costs nothing from now on. */
  workerEnded(workerId: string): void;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Tells every worker that the run is over, and why, and closes the socket. May be called twice. */
  close(failure?: Error): Promise<void>;
}

/** Of what workers are told about the end; the whole is in the coordinator's own output. */
const maxReasonLength = 1000;

/** What a worker said before its connection closed may not have been read yet, and says why it left. */
const lastWordsMs = 500;

export async function openControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { run, worldSize, clock, observe, identity } = options;
  const deadlines = deadlinesFrom(options.timeoutSeconds);
  const members = new Map<PeerId, Member>();
  let generation: Generation | undefined;
  let generations = 0;
  let failure: Error | undefined;
  let closed = false;
  let rendezvousStarted: number | undefined;
  let settleRendezvous: { resolve(generation: Generation): void; reject(error: Error): void } | undefined;

  const socket = await bindCoordinatorSocket({
    bind: options.bind,
    run,
    onUnreachable(peer, reason) {
      setTimeout(() => {
        const member = members.get(peer);
        if (member !== undefined && !closed) lose(member, `it cannot be reached (${reason})`);
      }, lastWordsMs);
    },
  });
  const heart = setInterval(beat, deadlines.heartbeatMs);
  const watch = setInterval(() => {
    const lost = findLost([...members.values()], clock.now(), deadlines);
    if (lost !== undefined) lose(lost.member, lost.reason);
    advanceRendezvous();
  }, deadlines.heartbeatMs / 2);
  listen().catch(fail);

  function send(member: Member, body: Body<CoordinatorMessage>, tensors: readonly Float32Array[] = []): void {
    socket.send(member.peer, body, tensors);
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);
    if (bytes > 0) observe({ type: 'bytes', direction: 'sent', bytes });
  }

  function beat(): void {
    for (const member of members.values()) send(member, { type: 'heartbeat' });
  }

  async function listen(): Promise<void> {
    for await (const { peer, decoded, bytes } of socket.receive()) {
      if (!decoded.ok) {
        const { reason, detail } = decoded;
        observe({ type: 'frame-rejected', reason, detail });
        const member = members.get(peer);
        if (member !== undefined) lose(member, `it sent something that is not understood: ${detail}`, 'run-failed');
        // It will not understand this side either, except that versions differ.
        else if (reason === 'version') refuse(peer, 'of another version', versionMismatch(detail));
        continue;
      }
      const { message, tensors } = decoded;
      if (message.type === 'contribute') observe({ type: 'bytes', direction: 'received', bytes });
      const refusal = accept(peer, message, tensors);
      if (refusal !== undefined) observe({ type: 'frame-rejected', reason: refusal.reason, detail: refusal.detail });
    }
  }

  function accept(
    peer: PeerId,
    message: WorkerMessage,
    tensors: readonly Float32Array[],
  ): { readonly reason: string; readonly detail: string } | undefined {
    if (message.type === 'ping') {
      answer(peer, message);
      return undefined;
    }
    const member = members.get(peer);
    if (message.type === 'hello') {
      if (member !== undefined) return { reason: 'peer', detail: 'a second hello' };
      welcome(peer, message);
      return undefined;
    }
    // The last words of a worker that was refused.
    if (member === undefined && message.type === 'leave') return undefined;
    if (member === undefined) return { reason: 'peer', detail: `'${message.type}' from a peer that never said hello` };
    // A worker that fails before it was welcomed has no run's id yet.
    if (message.run !== run && message.type !== 'leave') return { reason: 'run', detail: `run '${message.run}'` };
    member.lastHeard = clock.now();
    switch (message.type) {
      case 'heartbeat':
        observe({
          type: 'worker-heard',
          workerId: member.hello.workerId,
          unixMs: clock.unixMs(),
          ...(message.gpu === undefined ? {} : { gpu: message.gpu }),
        });
        return undefined;
      case 'ready':
        if (member.ready !== undefined) return { reason: 'stale', detail: 'a second ready' };
        acceptReady(member, message);
        return undefined;
      case 'leave':
        depart(member, message);
        return undefined;
      case 'contribute':
      case 'vote':
      case 'evaluated':
      case 'captured':
      case 'predicted':
      case 'restored': {
        const detail = generation === undefined ? 'no generation yet' : generation.accept(member, message, tensors);
        return detail === undefined ? undefined : { reason: 'stale', detail };
      }
      default:
        return message satisfies never;
    }
  }

  /** Whoever asks: a diagnosis must not need a place in the run. */
  function answer(peer: PeerId, { sentUnixMs }: From<'ping'>): void {
    const now = clock.unixMs();
    socket.send(peer, {
      type: 'pong',
      sentUnixMs,
      receivedUnixMs: now,
      answeredUnixMs: now,
      version: identity.version,
    });
  }

  function welcome(peer: PeerId, hello: From<'hello'>): void {
    const { workerId, host, pid } = hello;
    const present = [...members.values()].map((member) => member.hello.workerId);
    const obstacle = findObstacle(hello, { version: identity.version, worldSize, present });
    if (obstacle !== undefined) {
      refuse(peer, workerId, obstacle);
      return;
    }
    const member = newMember(peer, hello, clock.now(), clock.unixMs());
    members.set(peer, member);
    observe({ type: 'worker-joined', workerId, host, pid });
    observe({
      type: 'worker-began',
      workerId,
      at: member.lastHeard - hello.uptime,
      priceUsdPerHour: hello.priceUsdPerHour ?? options.defaultPriceUsdPerHour,
      gpu: hello.gpu,
    });
    send(member, {
      type: 'welcome',
      dataset: { name: options.datasetName, digest: identity.datasetDigest },
      model: identity.model,
      optimizer: options.optimizer,
      seed: identity.seed,
      timeout: options.timeoutSeconds,
      checksumEvery: options.checksumEvery,
    });
  }

  function refuse(peer: PeerId, workerId: string, mismatch: Mismatch): void {
    const { field } = mismatch;
    const [expected, actual] = [mismatch.expected.slice(0, maxReasonLength), mismatch.actual.slice(0, maxReasonLength)];
    socket.send(peer, { type: 'refuse', field, expected, actual });
    observe({
      type: 'worker-refused',
      workerId,
      reason: `${field} differs: the run has ${expected}, the worker ${actual}`,
    });
  }

  function acceptReady(member: Member, ready: From<'ready'>): void {
    const [other] = [...members.values()].filter((candidate) => candidate.ready !== undefined);
    const mismatch =
      findMismatch(identity, ready.identity) ?? findBadBuckets(ready) ?? findDifferentStart(other?.ready, ready);
    if (mismatch !== undefined) {
      members.delete(member.peer);
      refuse(member.peer, member.hello.workerId, mismatch);
      observe({ type: 'worker-ended', workerId: member.hello.workerId });
      return;
    }
    member.ready = ready;
    const { backend, device } = ready;
    observe({ type: 'worker-ready', workerId: member.hello.workerId, backend, device });
    member.duty = 'rendezvous';
    member.dutySince = clock.now();
    advanceRendezvous();
  }

  function depart(member: Member, { code, phase, reason }: From<'leave'>): void {
    const message = `${describeMember(member)} left during ${phase}: ${reason}`;
    // A worker's Ctrl-C is not the run's: the run lost a member.
    remove(member, reason, new PennygradError(code === 'interrupted' ? 'quorum-lost' : code, message));
  }

  function lose(member: Member, reason: string, code: ErrorCode = 'quorum-lost'): void {
    remove(
      member,
      reason,
      new PennygradError(code, `${describeMember(member)} was lost in phase ${member.duty}: ${reason}`),
    );
  }

  /** Before a generation begins another may take the place; after, the generation has lost a member, and ends. */
  function remove(member: Member, reason: string, error: PennygradError): void {
    if (!members.delete(member.peer)) return;
    observe({ type: 'worker-lost', workerId: member.hello.workerId, reason });
    if (generation !== undefined) fail(error);
  }

  function advanceRendezvous(): void {
    if (settleRendezvous === undefined || rendezvousStarted === undefined) return;
    const byId = new Map([...members.values()].map((member) => [member.hello.workerId, member] as const));
    const decision = decideRendezvous(
      [...byId].map(([workerId, { ready }]) => ({ workerId, state: ready === undefined ? 'joined' : 'ready' })),
      { worldSize, expectedIds: options.expectedIds },
      (clock.now() - rendezvousStarted) * 1000,
      deadlines.rendezvousMs,
    );
    switch (decision.kind) {
      case 'wait':
        return;
      case 'give-up':
        fail(
          new PennygradError(
            'quorum-lost',
            `rendezvous at ${socket.endpoint}: ${decision.reason} in time (--timeout ${options.timeoutSeconds})`,
          ),
        );
        return;
      case 'begin': {
        const chosen = decision.members.flatMap((workerId) => byId.get(workerId) ?? []);
        const { parameterCount = 0, bucketEnds = [] } = chosen[0]?.ready ?? {};
        const buckets = bucketsFromEnds(bucketEnds, parameterCount) ?? [];
        generations += 1;
        generation = createGeneration({ number: generations, members: chosen, parameterCount, buckets, clock, send });
        observe({
          type: 'generation',
          members: chosen.map((member, rank) => memberInfo(member, rank, options.defaultPriceUsdPerHour)),
          parameterCount,
          reason: decision.reason,
        });
        settleRendezvous.resolve(generation);
        settleRendezvous = undefined;
        return;
      }
      default:
        decision satisfies never;
    }
  }

  function fail(error: Error): void {
    failure ??= error;
    settleRendezvous?.reject(failure);
    settleRendezvous = undefined;
    generation?.fail(failure);
  }

  return {
    endpoint: socket.endpoint,
    rendezvous() {
      if (failure !== undefined) return Promise.reject(failure);
      rendezvousStarted = clock.now();
      return new Promise((resolve, reject) => {
        settleRendezvous = { resolve, reject };
        advanceRendezvous();
      });
    },
    workerGone(workerId, reason, code = 'quorum-lost') {
      const member = [...members.values()].find(({ hello }) => hello.workerId === workerId);
      if (member !== undefined) lose(member, reason, code);
      // Nobody will take its place: whoever reports it has started it.
      const phase = member === undefined ? 'before it joined' : `in phase ${member.duty}`;
      fail(new PennygradError(code, `worker ${workerId} was lost ${phase}: ${reason}`));
    },
    workerEnded: (workerId) => observe({ type: 'worker-ended', workerId }),
    fail,
    async close(error) {
      if (closed) return;
      closed = true;
      clearInterval(heart);
      clearInterval(watch);
      for (const member of members.values()) send(member, { type: 'stop', ...describeEnd(error) });
      await socket.flushed();
      socket.close();
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

/** Buckets that do not make up a gradient would only show as a step that never ends. */
function findBadBuckets({ bucketEnds, parameterCount }: From<'ready'>): Mismatch | undefined {
  if (bucketsFromEnds(bucketEnds, parameterCount) !== undefined) return undefined;
  return { field: 'gradient buckets', expected: `ends that ascend to ${parameterCount}`, actual: bucketEnds.join() };
}

/** Equal seeds give equal parameters on every engine; if they do not, something is wrong that would only show later. */
function findDifferentStart(first: From<'ready'> | undefined, second: From<'ready'>) {
  if (first === undefined) return undefined;
  const [expectedEnds, actualEnds] = [first.bucketEnds.join(), second.bucketEnds.join()];
  if (expectedEnds !== actualEnds) return { field: 'gradient buckets', expected: expectedEnds, actual: actualEnds };
  if (first.parametersChecksum === second.parametersChecksum) return undefined;
  return {
    field: 'checksum of the initial parameters',
    expected: String(first.parametersChecksum),
    actual: String(second.parametersChecksum),
  };
}
