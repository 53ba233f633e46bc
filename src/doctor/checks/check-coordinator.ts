import type { CoordinatorFacts } from '../facts/ping-coordinator.ts';
import type { Check } from './check.ts';

/** Above this, a step of the CNN waits for the network about as long as it computes. */
const slowRoundTripMs = 10;
/** Times in the records of a run are compared by the second. */
const largeOffsetMs = 1000;

/** @param version this pennygrad's version */
export function checkCoordinator(facts: CoordinatorFacts, version: string): Check {
  const { endpoint } = facts;
  const name = 'coordinator';
  if (!facts.answered) {
    return {
      name,
      status: 'fail',
      line: `${endpoint}: ${facts.problem}`,
      remedy:
        'check address and port; start the coordinator with --bind tcp://0.0.0.0:PORT and open the port in its firewall',
    };
  }
  const { roundTripMedianMs, clockOffsetMs, clockOffsetErrorMs } = facts;
  const direction = clockOffsetMs < 0 ? 'behind' : 'ahead of';
  const line =
    `${endpoint}: pennygrad ${facts.version}, round trip ${roundTripMedianMs.toFixed(2)} ms, ` +
    `its clock ${Math.abs(clockOffsetMs).toFixed(1)} ms ${direction} this one (± ${clockOffsetErrorMs.toFixed(1)} ms)`;
  if (facts.version !== version) {
    return {
      name,
      status: 'fail',
      line,
      remedy: `it refuses workers with pennygrad ${version}: install ${facts.version} here, or ${version} there`,
    };
  }
  if (Math.abs(clockOffsetMs) - clockOffsetErrorMs > largeOffsetMs) {
    return {
      name,
      status: 'warn',
      line,
      remedy:
        'synchronise both clocks with NTP; until then, times in metrics and records of the two hosts cannot be compared',
    };
  }
  if (roundTripMedianMs > slowRoundTripMs) {
    return {
      name,
      status: 'warn',
      line,
      remedy:
        'every step waits for at least one round trip: use a larger --batch-size, or hosts that are closer together',
    };
  }
  return { name, status: 'ok', line };
}
