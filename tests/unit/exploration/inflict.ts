/** What each fault does to the processes and the network. */
import type { FaultyNetwork } from '../../support/faulty-network.ts';
import type { SimulatedProcess } from '../../support/simulated-process.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import type { Fault } from './schedule.ts';
import { endLife, type Life } from './worker-life.ts';

export interface Victims extends Pick<VirtualTime, 'timers'> {
  readonly network: FaultyNetwork;
  /** That of the coordinator that lives, or lived last. */
  readonly coordinator: SimulatedProcess;
  readonly lives: readonly Life[];
  /** Another worker comes. */
  readonly join: () => void;
  readonly onKilled: (life: Life, returns: boolean) => void;
  /** The coordinator was killed, and another is to come so much later. */
  readonly onCrashed: (ms: number) => void;
}

/** Workers are counted as they came, those that live. Where there is no such worker nothing happens. */
export function inflict(fault: Fault, victims: Victims): void {
  const { timers, network, coordinator, lives, join, onCrashed } = victims;
  if (fault.kind === 'join') {
    join();
  } else if (fault.kind === 'freeze-coordinator') {
    coordinator.freeze();
    timers.after(fault.ms, coordinator.thaw);
  } else if (fault.kind === 'crash-coordinator') {
    if (!coordinator.isAlive()) return;
    coordinator.kill();
    network.crashed(coordinator, fault.losesLastWords);
    onCrashed(fault.ms);
  } else {
    const life = lives.filter(({ outcome }) => outcome === undefined)[fault.worker];
    if (life === undefined) return;
    life.isHit = true;
    hit(life, fault, victims);
  }
}

function hit(
  life: Life,
  fault: Exclude<Fault, { kind: 'join' | 'freeze-coordinator' | 'crash-coordinator' }>,
  { timers, network, onKilled }: Victims,
): void {
  const { process } = life;
  switch (fault.kind) {
    case 'kill':
      endLife(life, new Error('it was killed'));
      network.killed(process, fault.losesLastWords);
      onKilled(life, fault.returns);
      break;
    case 'cut':
      network.cut(process);
      break;
    case 'partition':
      network.stall(process, fault.ms);
      break;
    case 'freeze':
      process.freeze();
      network.frozen(process);
      timers.after(fault.ms, process.thaw);
      break;
    case 'slow-link':
      network.slowDown(process, fault.ms);
      break;
    case 'slow-engine':
      life.extraMs = fault.ms;
      break;
    case 'hang':
      life.extraMs = Number.POSITIVE_INFINITY;
      break;
    case 'throw':
      life.throws = true;
      break;
    case 'drain':
      life.drain.abort(new Error('it was told to'));
      break;
    default:
      fault satisfies never;
  }
}
