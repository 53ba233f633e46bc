/**
 * What Linux control groups (cgroups, the limits of containers and services) leave this process. Both versions: in v2
 * one hierarchy has `cpu.max` and `memory.max`; in v1 each controller has a hierarchy of its own. A limit of any
 * ancestor holds as well, so the smallest one counts. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export interface CgroupLimits {
  readonly version: 1 | 2;
  /** Processors' worth of time, 1.5 for instance. */
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

/** The text of a file, or undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

/** @returns undefined where there are no cgroups: not on Linux, or /proc is hidden */
export function readCgroupLimits(read: ReadText): CgroupLimits | undefined {
  const memberships = parseMemberships(read('/proc/self/cgroup') ?? '');
  const mounts = parseMounts(read('/proc/self/mountinfo') ?? '');
  const foldersOf = (controller: string): readonly string[] => {
    const path = memberships.get(controller);
    const mount = mounts.find(({ controllers }) => controllers.includes(controller));
    return path === undefined || mount === undefined ? [] : foldersUpwards(path, mount);
  };
  const values = (folders: readonly string[], quota: (folder: string) => number | undefined) =>
    smallest(folders.flatMap((folder) => quota(folder) ?? []));

  // On a hybrid system v1 has the controllers, and v2 is mounted without any.
  const v1 = [foldersOf('cpu'), foldersOf('memory')] as const;
  if (v1.some((folders) => folders.length > 0)) {
    const cpus = values(v1[0], (folder) =>
      cpuQuota(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)),
    );
    const memoryBytes = values(v1[1], (folder) => memoryLimit(read(`${folder}/memory.limit_in_bytes`)));
    return { version: 1, cpus, memoryBytes };
  }
  const v2 = foldersOf('');
  if (v2.length === 0) return undefined;
  const cpus = values(v2, (folder) => {
    const [quota, period] = (read(`${folder}/cpu.max`) ?? '').trim().split(' ');
    return cpuQuota(quota, period);
  });
  const memoryBytes = values(v2, (folder) => memoryLimit(read(`${folder}/memory.max`)));
  return { version: 2, cpus, memoryBytes };
}

/** Lines `ID:CONTROLLERS:PATH`; v2 has no controllers, and is the empty name here. */
function parseMemberships(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, controllers, path] = line.match(/^\d+:([^:]*):(.*)$/) ?? [];
      return controllers === undefined || path === undefined
        ? []
        : controllers.split(',').map((controller) => [controller, path] as const);
    }),
  );
}

interface Mount {
  /** Of the hierarchy, what is seen at `point`: a container may see a part of it only. */
  readonly root: string;
  readonly point: string;
  readonly controllers: readonly string[];
}

/** Lines `ID PARENT DEVICE ROOT POINT OPTIONS… - TYPE SOURCE SUPER-OPTIONS`; v1's controllers are among the last. */
function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, root, point, type, options] = line.match(/^\d+ \d+ \S+ (\S+) (\S+) .*- (cgroup2?) \S+ (\S+)$/) ?? [];
    if (root === undefined || point === undefined || options === undefined) return [];
    return { root, point, controllers: type === 'cgroup2' ? [''] : options.split(',') };
  });
}

/** From the process's own group up to the highest that can be seen. */
function foldersUpwards(path: string, { root, point }: Mount): readonly string[] {
  const inside = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
  // A path that leads out of the namespace names nothing that is mounted here.
  const parts = inside.includes('/..') ? [] : inside.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, up) => [point, ...parts.slice(0, parts.length - up)].join('/'));
}

/** `max`, -1 and nothing at all are no limit. */
function cpuQuota(quota: string | undefined, period: string | undefined): number | undefined {
  const cpus = Number(quota) / Number(period);
  return quota !== undefined && cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}

/** v1 writes no limit as the largest multiple of a page. */
const unlimitedBytes = 2 ** 62;

function memoryLimit(text: string | undefined): number | undefined {
  const bytes = Number(text?.trim() || Number.NaN);
  return bytes < unlimitedBytes ? bytes : undefined;
}

function smallest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
