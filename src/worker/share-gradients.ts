/** The gradient of a rank's share of a step: of all its samples at once, or of micro-shards that are the same for any fleet. */
import type { BatchResult, Engine } from '../engine/engine.ts';
import { createFloatMemory } from '../shared/collectives/float-memory.ts';
import {
  childrenOf,
  leafCount,
  leavesOf,
  leavesOfShare,
  nodesOf,
  type TreeNode,
} from '../shared/collectives/tree/micro-shard-tree.ts';
import { PennygradError } from '../shared/core/errors.ts';
import type { Interval } from '../shared/core/sampling.ts';
import type { Assignment } from '../shared/protocol/messages.ts';

type ComputingEngine = Pick<Engine, 'computeGradients' | 'parameterCount'>;
type AssignedShare = Pick<Assignment, 'from' | 'to' | 'globalBatch' | 'offset'>;

export interface ShareGradients {
  /** What the rank hands over for a share; filled by `compute`. The vectors of one share are used again for the next. */
  vectorsOf(share: AssignedShare): readonly Float32Array[];
  /**
   * @param indices of the share's samples in the training split
   * @param ready called with an interval of a vector that is final, and the vector's place
   * @param signal ends it between two updates, where there are several
   */
  compute(
    share: AssignedShare,
    indices: Uint32Array,
    ready: (from: number, to: number, part: number) => void,
    signal?: AbortSignal,
  ): Promise<BatchResult>;
}

/** One vector: the sum over all samples. */
export function gradientsOfWhole(engine: ComputingEngine): ShareGradients {
  const gradients = new Float32Array(engine.parameterCount);
  return {
    vectorsOf: () => [gradients],
    compute: (_, indices, ready) => engine.computeGradients(indices, gradients, (from, to) => ready(from, to, 0)),
  };
}

/**
 * One vector for each node of the tree of micro-shards that lies wholly within the share. The gradient of each micro-shard is
 * computed by itself, and they are added as the tree says.
 * @param microShard in samples
 */
export function gradientsByMicroShards(engine: ComputingEngine, microShard: number): ShareGradients {
  const { parameterCount } = engine;
  let memory = createFloatMemory([]);

  /** A share's nodes have the first vectors, and the right halves of nodes those after them, by depth. */
  function placesFor(nodes: readonly TreeNode[]): { readonly halves: number } {
    const depths = Math.max(0, ...nodes.map(({ level }) => level));
    const needed = nodes.length + depths;
    if (needed > memory.count) memory = createFloatMemory(Array<number>(needed).fill(parameterCount));
    return { halves: nodes.length };
  }

  /** Reports all of the gradient as final, whatever the engine reports itself. */
  async function computeLeaf(indices: Uint32Array, target: Float32Array, onFinal: OnFinal): Promise<BatchResult> {
    const reported: Interval[] = [];
    const result = await engine.computeGradients(indices, target, (from, to) => {
      reported.push({ from, to });
      onFinal(from, to);
    });
    for (const { from, to } of gapsBetween(reported, parameterCount)) onFinal(from, to);
    return result;
  }

  return {
    vectorsOf(share) {
      const { nodes } = treeOf(share, microShard);
      placesFor(nodes);
      return nodes.map((_, place) => memory.vector(place));
    },

    async compute(share, indices, ready) {
      const { nodes, leaves, first } = treeOf(share, microShard);
      const { halves } = placesFor(nodes);

      async function sumNode(node: TreeNode, target: number, depth: number, onFinal: OnFinal): Promise<BatchResult> {
        const [left, right] = childrenOf(node, leaves);
        if (left === undefined) {
          const { from } = leavesOf(node, leaves);
          const start = (from - first) * microShard;
          return computeLeaf(indices.subarray(start, start + microShard), memory.vector(target), onFinal);
        }
        if (right === undefined) return sumNode(left, target, depth, onFinal);
        const half = halves + depth;
        const ofLeft = await sumNode(left, target, depth, () => {});
        const ofRight = await sumNode(right, half, depth + 1, (from, to) => {
          memory.add(target, from, half, from, to - from);
          onFinal(from, to);
        });
        return together(ofLeft, ofRight);
      }

      let total: BatchResult = { lossSum: 0, correct: 0 };
      for (const [part, node] of nodes.entries()) {
        total = together(total, await sumNode(node, part, 0, (from, to) => ready(from, to, part)));
      }
      return total;
    },
  };
}

type OnFinal = (from: number, to: number) => void;

function treeOf({ from, to, globalBatch, offset }: AssignedShare, microShard: number) {
  if (offset === undefined) {
    throw new PennygradError('run-failed', 'the coordinator did not say where in the batch the share is');
  }
  const run = leavesOfShare({ from: offset, to: offset + to - from }, microShard);
  const leaves = leafCount(globalBatch, microShard);
  return { nodes: nodesOf(run, leaves), leaves, first: run.from };
}

function together(a: BatchResult, b: BatchResult): BatchResult {
  return { lossSum: a.lossSum + b.lossSum, correct: a.correct + b.correct };
}

/** What intervals that do not overlap leave of `[0, length)`. */
function gapsBetween(intervals: readonly Interval[], length: number): readonly Interval[] {
  const sorted = intervals.toSorted((a, b) => a.from - b.from);
  const edges = [{ from: 0, to: 0 }, ...sorted];
  return edges.flatMap(({ to }, place) => {
    const next = sorted[place]?.from ?? length;
    return to < next ? [{ from: to, to: next }] : [];
  });
}
