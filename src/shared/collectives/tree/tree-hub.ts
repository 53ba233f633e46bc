/** The tree's hub: adds nodes up as soon as both children of a node are there, so that few of them are kept. */
import { largestFloat32 } from '../../core/first-beyond.ts';
import { keyOf } from '../../protocol/attempt.ts';
import { addOnto } from '../add-onto.ts';
import { checkContribution } from '../check-contribution.ts';
import type { AllReduceHub, HubOptions, HubOutcome } from '../collective.ts';
import { replyToAll } from '../reply-to-all.ts';
import { isRoot, leafCount, leavesOfShare, nodesOf, parentOf, siblingOf, type TreeNode } from './micro-shard-tree.ts';

interface ExpectedAttempt {
  readonly leaves: number;
  /** What each rank hands in, by rank: which nodes follows from its share, so it can name no other. */
  readonly nodes: readonly (readonly TreeNode[])[];
  /** By bucket. */
  readonly buckets: readonly Bucket[];
}

interface Bucket {
  /** All that have come. */
  readonly arrived: Set<TreeNode>;
  /** The sums of those whose siblings have not come, by their names. */
  readonly sums: Map<string, Float32Array>;
  /** When each rank's last part came, in seconds. */
  readonly arrivals: (number | undefined)[];
}

export function createTreeHub({ worldSize, buckets, takesNonFinite, microShard }: HubOptions): AllReduceHub {
  if (microShard === undefined) throw new Error('createTreeHub: needs the size of a micro-shard');
  const attempts = new Map<string, ExpectedAttempt>();

  return {
    expect(attempt, shares) {
      const leaves = leafCount(Math.max(...shares.map(({ to }) => to)), microShard);
      attempts.set(keyOf(attempt), {
        leaves,
        nodes: shares.map((share) => nodesOf(leavesOfShare(share, microShard), leaves)),
        buckets: buckets.map(() => ({
          arrived: new Set(),
          sums: new Map(),
          arrivals: Array(worldSize).fill(undefined),
        })),
      });
    },
    receive(rank, message, tensors, now): HubOutcome {
      const { bucket: index, part } = message;
      const expected = attempts.get(keyOf(message));
      const own = expected?.nodes[rank] ?? [];
      const node = own[part ?? -1];
      if (expected === undefined || node === undefined) {
        return { kind: 'refused', reason: `part must be below ${own.length}, got ${part ?? 'none'}` };
      }
      const { leaves, nodes } = expected;
      const bucket = expected.buckets[index];
      if (bucket?.arrived.has(node)) {
        return { kind: 'refused', reason: `bucket ${index} of part ${part} came twice` };
      }
      // So many parts of this size add up to a finite sum: whoever would make it infinite is known before.
      const largest = largestFloat32 / nodes.flat().length;
      const checked = checkContribution(index, buckets[index], buckets.length, tensors, largest, takesNonFinite);
      if (checked.kind !== 'taken') return checked;
      // A bucket that there is not was refused.
      const { arrived, sums, arrivals } = bucket as Bucket;
      arrived.add(node);
      arrivals[rank] = now;
      const { values, nonFinite } = checked;
      const sum = addNode(sums, node, values, leaves);
      if (sum === undefined) return { kind: 'pending', nonFinite };
      return replyToAll(message, arrivals, sum, now, nonFinite);
    },
    missing(rank, attempt) {
      const expected = attempts.get(keyOf(attempt));
      if (expected === undefined) return 0;
      const own = expected.nodes[rank] as readonly TreeNode[];
      return expected.buckets.reduce(
        (count, { arrived }) => count + own.filter((node) => !arrived.has(node)).length,
        0,
      );
    },
    forget(attempt) {
      attempts.delete(keyOf(attempt));
    },
  };
}

/**
 * Adds a node that has come to those that have, as far up as their children are there. The hub owns what it was sent: sums
 * are made in place.
 * @returns the root, once it is complete
 */
function addNode(
  sums: Map<string, Float32Array>,
  arrived: TreeNode,
  values: Float32Array,
  leaves: number,
): Float32Array | undefined {
  let [node, sum] = [arrived, values];
  while (!isRoot(node, leaves)) {
    const sibling = siblingOf(node, leaves);
    if (sibling !== undefined) {
      const other = sums.get(nameOf(sibling));
      if (other === undefined) {
        sums.set(nameOf(node), sum);
        return undefined;
      }
      sums.delete(nameOf(sibling));
      // Which of two is added to the other makes no difference.
      addOnto(sum, other);
    }
    node = parentOf(node);
  }
  return sum;
}

function nameOf({ level, index }: TreeNode): string {
  return `${level}/${index}`;
}
