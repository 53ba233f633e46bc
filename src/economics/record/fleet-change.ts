/**
 * Whether a run kept its workers and prices throughout. The speed and the cost of a run that changed them belong to none
 * of its fleets, so comparing and repricing must know. Pure.
 */
import { formatUsd } from '../../shared/core/number-format.ts';
import { emulationNote } from './emulation-note.ts';
import type { WorkerDescription } from './worker-description.ts';

/** What tells one worker from another in speed and cost. */
export type FleetMember = Omit<WorkerDescription, 'host' | 'threads' | 'priceOrigin'>;

/** The workers that trained from a step on. */
export interface Fleet {
  /** Committed steps before this fleet. */
  readonly step: number;
  readonly members: readonly FleetMember[];
}

export interface FleetChange {
  /** Committed steps before the change. */
  readonly step: number;
  /** `w1 left, w0 is $0.20 an hour instead of $0.40 an hour` */
  readonly change: string;
}

/** @param fleets one for each time that the run was started or resumed, in order */
export function findFleetChanges(fleets: readonly Fleet[]): readonly FleetChange[] {
  return fleets.slice(1).flatMap((fleet, index) => {
    const change = describeChange(fleets[index]?.members ?? [], fleet.members);
    return change === '' ? [] : [{ step: fleet.step, change }];
  });
}

function describeChange(before: readonly FleetMember[], after: readonly FleetMember[]): string {
  const missing = (from: readonly FleetMember[], id: string) => !from.some(({ workerId }) => workerId === id);
  return [
    ...before.filter(({ workerId }) => missing(after, workerId)).map(({ workerId }) => `${workerId} left`),
    ...after.filter(({ workerId }) => missing(before, workerId)).map(({ workerId }) => `${workerId} joined`),
    ...after.flatMap((member) => {
      const same = before.find(({ workerId }) => workerId === member.workerId);
      return same === undefined ? [] : describeDifferences(same, member);
    }),
  ].join(', ');
}

function describeDifferences(before: FleetMember, after: FleetMember): readonly string[] {
  const describe = [describeEngine, ({ gpu }: FleetMember) => gpu ?? 'without a label', describePrice];
  return describe.flatMap((of) =>
    of(before) === of(after) ? [] : [`${after.workerId} is ${of(after)} instead of ${of(before)}`],
  );
}

function describeEngine({ backend, device, emulatedSpeed }: FleetMember): string {
  const emulation = emulatedSpeed === undefined ? '' : `, ${emulationNote(emulatedSpeed)}`;
  return `${backend} (${device})${emulation}`;
}

function describePrice({ priceUsdPerHour, priceAssumed }: FleetMember): string {
  if (priceUsdPerHour === undefined) return 'without a price';
  return `${priceAssumed === undefined ? '' : 'assumed at '}${formatUsd(priceUsdPerHour)} an hour`;
}
