/** The order of measurements. */

/** One measurement. */
export interface Turn<Candidate> {
  readonly round: number;
  readonly batchSize: number;
  readonly candidate: Candidate;
}

/**
 * Measures every candidate once per round and batch size. The candidates of a batch size follow each other directly, so
 * that a slow phase of the machine affects them all. Each round starts with another candidate.
 */
export function roundRobin<Candidate>(
  candidates: readonly Candidate[],
  batchSizes: readonly number[],
  rounds: number,
): readonly Turn<Candidate>[] {
  return Array.from({ length: rounds }, (_, round) => {
    const first = candidates.length === 0 ? 0 : round % candidates.length;
    const order = [...candidates.slice(first), ...candidates.slice(0, first)];
    return batchSizes.flatMap((batchSize) => order.map((candidate) => ({ round, batchSize, candidate })));
  }).flat();
}
