/**
 * The limits that Linux control groups (cgroups, as used for containers and services) set for this process. Version 2
 * has one hierarchy with `cpu.max` and `memory.max`. Version 1 has one hierarchy per controller. The limits of all
 * ancestors apply, so the smallest one counts. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export interface CgroupLimits {
  readonly version: 1 | 2;
  /** Processor time per time, for example 1.5. */
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

/** The text of a file; undefined if it does not exist. */
export type ReadText = (path: string) => string | undefined;

/** @returns undefined without cgroups: on other systems, or if /proc is hidden */
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

  // Hybrid systems also mount v2, but v1 has the controllers.
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

/** The group of each controller, from lines `ID:CONTROLLERS:PATH`. v2's controller is the empty name. */
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
  /** The folder of the hierarchy that is mounted at `point`. A container may only see a part of the hierarchy. */
  readonly root: string;
  readonly point: string;
  readonly controllers: readonly string[];
}

/**
 * From lines `ID PARENT DEVICE ROOT POINT OPTIONS… - TYPE SOURCE SUPER-OPTIONS`. v1's controllers are super options.
 */
function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, root, point, type, options] = line.match(/^\d+ \d+ \S+ (\S+) (\S+) .*- (cgroup2?) \S+ (\S+)$/) ?? [];
    if (root === undefined || point === undefined || options === undefined) return [];
    return { root, point, controllers: type === 'cgroup2' ? [''] : options.split(',') };
  });
}

/** The folders from the process's own group up to the highest visible one. */
function foldersUpwards(path: string, { root, point }: Mount): readonly string[] {
  const inside = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
  // A path that leads out of the namespace is not mounted here.
  const parts = inside.includes('/..') ? [] : inside.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, up) => [point, ...parts.slice(0, parts.length - up)].join('/'));
}

/** undefined if there is no limit: `max`, -1 or no file. */
function cpuQuota(quota: string | undefined, period: string | undefined): number | undefined {
  const cpus = Number(quota) / Number(period);
  return quota !== undefined && cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}

/** v1 has a huge number for no limit: the largest multiple of a page. */
const unlimitedBytes = 2 ** 62;

function memoryLimit(text: string | undefined): number | undefined {
  const bytes = Number(text?.trim() || Number.NaN);
  return bytes < unlimitedBytes ? bytes : undefined;
}

function smallest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
