/** One measurement of the schedule. */
export interface Turn<Candidate> {
  readonly round: number;
  readonly batchSize: number;
  readonly candidate: Candidate;
}

/**
 * Every candidate once a round and batch size, those of a batch size directly one after another, so that a slow spell of
 * the machine meets all of them. Each round starts with the next candidate: none always follows the same one.
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
