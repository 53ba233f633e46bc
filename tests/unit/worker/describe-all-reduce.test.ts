import { expect, test } from 'vitest';
import { describeAllReduce } from '../../../src/worker/describe-all-reduce.ts';

test.each([
  ['star', 1, 0, 'all-reduce star: gradients go to the coordinator, which sends back their sum'],
  ['tree', 2, 0, 'all-reduce tree: gradients go to the coordinator, which sends back their sum'],
  ['mesh', 1, 0, 'all-reduce mesh: this worker reads the gradients of 1 other worker, 1 in memory'],
  ['mesh', 2, 2, 'all-reduce mesh: this worker reads the gradients of 2 other workers, 2 over the network'],
  [
    'mesh',
    3,
    1,
    'all-reduce mesh: this worker reads the gradients of 3 other workers, 2 in memory and 1 over the network',
  ],
] as const)('by %s with %d others, %d of them over the network', (name, others, overNetwork, line) => {
  expect(describeAllReduce(name, others, overNetwork)).toBe(line);
});
