/** Node, processors and memory of this host, and how much of them this process may use. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { type CgroupLimits, readCgroupLimits } from '../../engine/cgroup-limits.ts';
import { readIfThere } from '../../engine/usable-cores.ts';

export interface HostFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly cpuModel: string;
  /** The host's. */
  readonly cores: number;
  /** Those that this process may run on, by its affinity or a container's cpuset. */
  readonly usableCores: number;
  readonly cgroup?: CgroupLimits | undefined;
  readonly memoryTotalBytes: number;
  /** Available without swapping. */
  readonly memoryFreeBytes: number;
}

export function gatherHost(): HostFacts {
  const processors = cpus();
  const cgroup = readCgroupLimits(readIfThere);
  return {
    nodeVersion: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpuModel: processors[0]?.model.trim() || 'unknown',
    cores: processors.length,
    usableCores: availableParallelism(),
    cgroup,
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: freemem(),
  };
}
