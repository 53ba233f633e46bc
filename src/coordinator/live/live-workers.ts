/** The workers on the live page. Pure. */
import { addPhases, noPhaseSeconds, type PhaseSeconds, phaseNames } from '../../shared/core/phases.ts';
import type { LiveWorker, ShownPhase } from '../../shared/protocol/live/live-state.ts';
import type { MemberInfo, MemberSlowdown, StepEvent } from '../run-events.ts';
import { clip } from './live-log.ts';

/** The weight of a step falls to 1/e in this time: a worker that slows down shows, a single slow step does not. */
const memorySeconds = 10;

/** A worker that trains, or trained until it was lost. */
export interface KnownMember {
  readonly workerId: string;
  /** Weighted sums of the seconds of recent steps by phase. Older steps count less. */
  readonly recent: PhaseSeconds;
}

export interface LiveWorkers {
  readonly workers: readonly LiveWorker[];
  readonly members: readonly KnownMember[];
}

/** Members of earlier generations stay on the page. */
export function beginGeneration(before: LiveWorkers, members: readonly MemberInfo[]): LiveWorkers {
  const isMember = (id: string) => members.some(({ workerId }) => workerId === id);
  const hasTrained = (id: string) => before.members.some(({ workerId }) => workerId === id);
  const recentOf = (id: string) => before.members.find(({ workerId }) => workerId === id)?.recent ?? noPhaseSeconds;
  const former = before.workers.filter(({ workerId }) => hasTrained(workerId) && !isMember(workerId));
  return {
    members: [
      ...members.map(({ workerId }) => ({ workerId, recent: recentOf(workerId) })),
      ...before.members.filter(({ workerId }) => !isMember(workerId)),
    ],
    workers: [...members.map((member) => trainingWorker(member, before.workers)), ...former],
  };
}

function trainingWorker(
  { workerId, host, backend, device, priceUsdPerHour, priceAssumed }: MemberInfo,
  before: readonly LiveWorker[],
): LiveWorker {
  return {
    // What was shown of it, its cost for one, goes on.
    ...before.find((worker) => worker.workerId === workerId),
    workerId,
    host,
    backend,
    device: clip(device),
    status: 'training',
    ...(priceUsdPerHour === undefined ? {} : { priceUsdPerHour }),
    ...(priceAssumed === undefined ? {} : { priceAssumed }),
  };
}

/** Adds a worker in place of one with the same id. */
export function addWorker(workers: readonly LiveWorker[], worker: LiveWorker): readonly LiveWorker[] {
  return [...workers.filter(({ workerId }) => workerId !== worker.workerId), worker];
}

export function changeWorker(
  workers: readonly LiveWorker[],
  workerId: string,
  changes: Partial<LiveWorker>,
): readonly LiveWorker[] {
  return workers.map((worker) => (worker.workerId === workerId ? { ...worker, ...changes } : worker));
}

/**
 * A member that is gone stays on the page. A worker that never trained is removed: it may come back under any number of
 * names.
 */
export function removeWorker(
  { workers, members }: LiveWorkers,
  workerId: string,
  status: 'lost' | 'done',
): LiveWorkers {
  const known = members.some((member) => member.workerId === workerId);
  return {
    members,
    workers: known
      ? workers.map((worker) => (worker.workerId === workerId ? { ...unmarked(worker), status } : worker))
      : workers.filter((worker) => worker.workerId !== workerId),
  };
}

/** Marks those that are stragglers, and no others. Who was not compared stays as it was. */
export function markStragglers(
  workers: readonly LiveWorker[],
  compared: readonly MemberSlowdown[],
): readonly LiveWorker[] {
  const byId = new Map(compared.map((member) => [member.workerId, member]));
  return workers.map((worker) => {
    const member = byId.get(worker.workerId);
    if (member === undefined) return worker;
    return member.isStraggler ? { ...worker, stragglerSlowdown: member.slowdown } : unmarked(worker);
  });
}

function unmarked({ stragglerSlowdown: _, ...worker }: LiveWorker): LiveWorker {
  return worker;
}

/** Updates shares and phases. */
export function stepWorkers({ workers, members }: LiveWorkers, step: StepEvent): LiveWorkers {
  const parts = new Map(step.members.map((part) => [part.workerId, part]));
  const stepped = members.map((member) => {
    const part = parts.get(member.workerId);
    if (part === undefined) return member;
    const recent = addPhases(part.phases, member.recent, Math.exp(-step.seconds / memorySeconds));
    return { workerId: member.workerId, recent };
  });
  const recent = new Map(stepped.map((member) => [member.workerId, member.recent]));
  return {
    members: stepped,
    workers: workers.map((worker) => {
      const part = parts.get(worker.workerId);
      if (part === undefined) return worker;
      const phases = phaseRatios(recent.get(worker.workerId) ?? noPhaseSeconds);
      return { ...worker, share: part.samples / step.samples, ...(phases === undefined ? {} : { phases }) };
    }),
  };
}

/** Each phase as a fraction of their sum; undefined when the sum is 0. `compute` includes the optimizer's update. */
function phaseRatios(seconds: PhaseSeconds): Readonly<Record<ShownPhase, number>> | undefined {
  const sum = phaseNames.reduce((total, phase) => total + seconds[phase], 0);
  if (sum <= 0) return undefined;
  const { load, compute, communicate, wait, apply } = addPhases(noPhaseSeconds, seconds, 1 / sum);
  return { compute: compute + apply, communicate, wait, load };
}
