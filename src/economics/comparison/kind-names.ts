/** Names for kinds of workers that are shown side by side: as short as tells them apart. Pure. */
import { formatUsd } from '../../shared/core/number-format.ts';
import type { KindCount, WorkerKind } from './worker-kind.ts';

export interface Naming {
  readonly kindName: (kind: WorkerKind) => string;
  /** `1 × wasm + 2 × cpu` */
  readonly fleetName: (fleet: readonly KindCount[]) => string;
}

/**
 * Gives every kind a name of its own: `wasm`; where that is ambiguous, `wasm (2 threads)` with the part of the device that
 * differs; and `wasm at $0.40/h` where only prices differ.
 */
export function createNaming(kinds: readonly WorkerKind[]): Naming {
  const distinct = [...new Map(kinds.map((kind) => [kind.priceKey, kind])).values()];
  const names = new Map(distinct.map((kind) => [kind.priceKey, nameAmong(kind, distinct)]));
  const kindName = ({ priceKey, name }: WorkerKind) => names.get(priceKey) ?? name;
  return {
    kindName,
    fleetName: (fleet) => fleet.map(({ kind, count }) => `${count} × ${kindName(kind)}`).join(' + '),
  };
}

function nameAmong(kind: WorkerKind, kinds: readonly WorkerKind[]): string {
  const namesakes = kinds.filter(({ name }) => name === kind.name);
  const equals = namesakes.filter(({ speedKey }) => speedKey === kind.speedKey);
  const device = describeDevice(kind, namesakes);
  return [
    kind.name,
    ...(device === '' ? [] : [`(${device})`]),
    ...(equals.length > 1 ? [describePrice(kind, equals)] : []),
  ].join(' ');
}

/** The parts of a device that its namesakes do not all have, or the whole device where those parts are ambiguous. */
function describeDevice({ device }: WorkerKind, namesakes: readonly WorkerKind[]): string {
  const devices = [...new Set(namesakes.map((other) => other.device))];
  const ownParts = (of: string) =>
    partsOf(of)
      .filter((part) => !devices.every((other) => partsOf(other).includes(part)))
      .join(', ');
  const own = ownParts(device);
  return devices.filter((other) => ownParts(other) === own).length === 1 ? own : devices.length > 1 ? device : '';
}

function partsOf(device: string): readonly string[] {
  return device.split(', ');
}

/** `at $0.40/h`, with all digits where rounding would make two prices look the same. */
function describePrice({ usdPerHour, priceAssumed }: WorkerKind, equals: readonly WorkerKind[]): string {
  if (usdPerHour === undefined) return 'without a price';
  const text = formatUsd(usdPerHour);
  const same = equals.filter(({ usdPerHour: other }) => other !== undefined && formatUsd(other) === text);
  return `at ${priceAssumed ? 'an assumed ' : ''}${same.length > 1 ? `$${usdPerHour}` : text}/h`;
}
