import type { Check } from './check.ts';
import type { CoordinatorFacts } from './ping-coordinator.ts';

/** Above this, gradients wait for the network about as long as a step of the CNN computes. */
const slowRoundTripMs = 10;
/** Times of one run are compared in seconds. */
const largeOffsetMs = 1000;

/** @param version of the pennygrad that asks */
export function checkCoordinator(facts: CoordinatorFacts, version: string): Check {
  const { endpoint } = facts;
  const name = 'coordinator';
  if (!facts.answered) {
    return {
      name,
      status: 'fail',
      line: `${endpoint}: ${facts.problem}`,
      remedy:
        'check address and port; the coordinator must be running with --bind tcp://0.0.0.0:PORT and its host must let the port through',
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
      remedy: `it refuses workers of pennygrad ${version}: install ${facts.version} here, or ${version} there`,
    };
  }
  if (Math.abs(clockOffsetMs) - clockOffsetErrorMs > largeOffsetMs) {
    return {
      name,
      status: 'warn',
      line,
      remedy: 'set both clocks by NTP: times in metrics and records of the two hosts cannot be compared',
    };
  }
  if (roundTripMedianMs > slowRoundTripMs) {
    return {
      name,
      status: 'warn',
      line,
      remedy: 'every step waits for at least one round trip: use a larger --batch-size, or hosts closer together',
    };
  }
  return { name, status: 'ok', line };
}
