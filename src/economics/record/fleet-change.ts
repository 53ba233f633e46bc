/**
 * Whether a run was one fleet's at one price all along. A run that went on with others is fast and dear as none of its
 * fleets is: what compares or reprices runs must know. Pure.
 */

import { formatUsd } from '../../shared/core/number-format.ts';
import { emulationNote } from './emulation-note.ts';
import type { WorkerDescription } from './worker-description.ts';

/** What tells one worker from another in speed and cost. */
export type FleetMember = Omit<WorkerDescription, 'host' | 'priceOrigin'>;

/** Who trained from a step on. */
export interface Fleet {
  /** Committed steps that the run had by then. */
  readonly step: number;
  readonly members: readonly FleetMember[];
}

export interface FleetChange {
  /** Committed steps that the run had by then. */
  readonly step: number;
  /** In words. */
  readonly change: string;
}

/** @param fleets of a run's sittings, in their order */
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
    ...after.filter(({ workerId }) => missing(before, workerId)).map(({ workerId }) => `${workerId} came`),
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

function describePrice({ priceUsdPerHour }: FleetMember): string {
  return priceUsdPerHour === undefined ? 'without a price' : `${formatUsd(priceUsdPerHour)} an hour`;
}
