import { isAtLeast } from '../../shared/core/node-version.ts';
import type { HostFacts } from '../facts/host-facts.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Check } from './check.ts';

/** @param required the range in package.json, of the form `>=MAJOR.MINOR.PATCH` */
export function checkNode(
  { nodeVersion, platform }: Pick<HostFacts, 'nodeVersion' | 'platform'>,
  required: string,
): Check {
  const line = `Node ${nodeVersion} on ${platform} (needs ${required})`;
  return isAtLeast(nodeVersion, required)
    ? { name: 'node', status: 'ok', line }
    : { name: 'node', status: 'fail', line, remedy: 'install a current Node from https://nodejs.org' };
}

/** How many workers `pennygrad train` starts by default. */
const defaultWorkers = 2;

export function checkCores({ cpuModel, cores, usableCores, cgroup }: Omit<HostFacts, 'memoryTotalBytes'>): Check {
  const effective = Math.min(usableCores, cgroup?.cpus ?? usableCores);
  const limits = [
    ...(usableCores < cores ? [`${usableCores} of them usable by this process`] : []),
    ...(cgroup?.cpus === undefined ? [] : [`cgroup v${cgroup.version} limit ${round(cgroup.cpus)}`]),
  ];
  const line = [`${cpuModel}, ${cores} ${cores === 1 ? 'core' : 'cores'}`, ...limits].join(', ');
  if (effective >= defaultWorkers) return { name: 'cpu', status: 'ok', line };
  return {
    name: 'cpu',
    status: 'warn',
    line,
    remedy: `${round(effective)} cores for ${defaultWorkers} workers: each is slower; train with --workers 1, or raise the limit`,
  };
}

function round(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** Enough for a coordinator and two workers with MNIST in memory, which take 0.65 GB. */
const comfortableBytes = 1e9;

export function checkMemory(facts: Pick<HostFacts, 'cgroup' | 'memoryTotalBytes' | 'memoryFreeBytes'>): Check {
  const { cgroup, memoryTotalBytes, memoryFreeBytes } = facts;
  const limit = cgroup?.memoryBytes;
  const limited = limit !== undefined && limit < memoryTotalBytes;
  const line =
    `${formatBytes(memoryFreeBytes)} free of ${formatBytes(memoryTotalBytes)}` +
    (limited ? `, cgroup v${cgroup?.version} limit ${formatBytes(limit)}` : '');
  if (Math.min(memoryFreeBytes, limit ?? Number.POSITIVE_INFINITY) >= comfortableBytes) {
    return { name: 'memory', status: 'ok', line };
  }
  return {
    name: 'memory',
    status: 'warn',
    line,
    remedy:
      'a coordinator and two workers take 0.65 GB: close other programs, raise the limit, or train with --workers 1',
  };
}
