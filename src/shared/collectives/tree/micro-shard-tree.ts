/**
 * The tree by which a deterministic step adds its gradients up.
 *
 * A global batch is cut into micro-shards, the leaves. A node of level l covers 2^l of them, or those that are left at the
 * end of the batch, and its gradient is that of its left child plus that of its right one. The tree follows from the
 * number of leaves alone, so the sum has the same bits whoever computes which part of it.
 */
import type { Interval } from '../../core/sampling.ts';

/** Covers the leaves `[index · 2^level, (index + 1) · 2^level)`, as far as there are so many. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The number of leaves that so many samples are cut into. */
export function leafCount(samples: number, microShard: number): number {
  return Math.ceil(samples / microShard);
}

/** @param leaves of the whole tree */
export function leavesOf({ level, index }: TreeNode, leaves: number): Interval {
  return { from: index * 2 ** level, to: Math.min((index + 1) * 2 ** level, leaves) };
}

/** The two halves of a node; a single one where the leaves end before the second; none of a leaf. */
export function childrenOf({ level, index }: TreeNode, leaves: number): readonly TreeNode[] {
  if (level === 0) return [];
  const children = [2 * index, 2 * index + 1].map((child) => ({ level: level - 1, index: child }));
  return children.filter((child) => leavesOf(child, leaves).from < leaves);
}

export function parentOf({ level, index }: TreeNode): TreeNode {
  return { level: level + 1, index: index >> 1 };
}

/** What is added to a node's gradient for its parent's; undefined where the leaves end before it. */
export function siblingOf({ level, index }: TreeNode, leaves: number): TreeNode | undefined {
  const sibling = { level, index: index ^ 1 };
  return leavesOf(sibling, leaves).from < leaves ? sibling : undefined;
}

export function isRoot({ level }: TreeNode, leaves: number): boolean {
  return 2 ** level >= leaves;
}

/** The fewest nodes that cover a run of leaves and nothing else, from left to right: at most two of each level. */
export function nodesOf({ from, to }: Interval, leaves: number): readonly TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let leaf = from; leaf < to; ) {
    let node: TreeNode = { level: 0, index: leaf };
    while (!isRoot(node, leaves)) {
      const parent = parentOf(node);
      const covered = leavesOf(parent, leaves);
      if (covered.from !== leaf || covered.to > to) break;
      node = parent;
    }
    nodes.push(node);
    leaf = leavesOf(node, leaves).to;
  }
  return nodes;
}

/**
 * The leaves of a rank's share.
 * @param share samples of the batch, counted from its first. Shares begin and end where leaves do, or where the batch ends
 */
export function leavesOfShare({ from, to }: Interval, microShard: number): Interval {
  return from === to ? { from: 0, to: 0 } : { from: from / microShard, to: leafCount(to, microShard) };
}
