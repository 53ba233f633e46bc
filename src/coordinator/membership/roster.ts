/** The workers the coordinator knows of, each with what it last did. */
import { nothingSpent, type SpentSeconds } from '../../shared/core/phases.ts';
import type { MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { MemberInfo } from '../run-events.ts';
import type { Duty } from './liveness.ts';

type Hello = MessageOf<WorkerMessage, 'hello'>;
type Ready = MessageOf<WorkerMessage, 'ready'>;

export interface Member {
  readonly peer: PeerId;
  readonly hello: Hello;
  readonly aliveSinceUnixMs: number;
  ready: Ready | undefined;
  /** Set while the member is part of a generation. */
  rank: number | undefined;
  duty: Duty;
  dutySince: number;
  lastHeard: number;
  /** What its time went to, as it said last, and when that was heard. */
  spent: SpentSeconds;
  spentAt: number;
  /** What of it has been told to those who watch. */
  toldSpent: SpentSeconds;
}

export function newMember(peer: PeerId, hello: Hello, now: number, unixMs: number): Member {
  return {
    peer,
    hello,
    aliveSinceUnixMs: unixMs - hello.uptime * 1000,
    ready: undefined,
    rank: undefined,
    duty: 'load',
    dutySince: now,
    lastHeard: now,
    spent: nothingSpent,
    spentAt: now,
    toldSpent: nothingSpent,
  };
}

export function memberInfo(member: Member, rank: number, defaultPrice: number | undefined): MemberInfo {
  const { hello, ready } = member;
  return {
    workerId: hello.workerId,
    rank,
    host: hello.host,
    pid: hello.pid,
    cpu: hello.cpu,
    backend: ready?.backend ?? 'unknown',
    device: ready?.device ?? 'unknown',
    backendReason: ready?.backendReason ?? '',
    priceUsdPerHour: hello.priceUsdPerHour ?? defaultPrice,
    emulatedSpeed: hello.emulatedSpeed,
    priceOrigin: hello.priceOrigin,
    gpu: hello.gpu,
    aliveSinceUnixMs: member.aliveSinceUnixMs,
  };
}

/** `worker w1 (rank 1, pid 4242 on host)`: enough to find it. */
export function describeMember({ hello, rank }: Member): string {
  return `worker ${hello.workerId} (${rank === undefined ? '' : `rank ${rank}, `}pid ${hello.pid} on ${hello.host})`;
}
