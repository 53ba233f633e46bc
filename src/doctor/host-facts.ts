/** Node, processors and memory of this host, as far as this process may use them. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { type CgroupLimits, readCgroupLimits } from './cgroup-limits.ts';

export interface HostFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly cpuModel: string;
  /** Of the host. */
  readonly cores: number;
  /** That this process may run on (its affinity, a container's cpuset). */
  readonly usableCores: number;
  readonly cgroup?: CgroupLimits | undefined;
  readonly memoryTotalBytes: number;
  /** That can be had without swapping. */
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

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
