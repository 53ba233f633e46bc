/** Files as the kernel writes them: of a virtual machine, of containers, of a service. */
import { describe, expect, it } from 'vitest';
import { readCgroupLimits } from '../../../src/engine/cgroup-limits.ts';

const limitsOf = (files: Readonly<Record<string, string>>) => readCgroupLimits((path) => files[path]);

/** A host where v1 has the controllers and v2 is mounted beside them, with none. */
const hybrid = {
  '/proc/self/cgroup': '9:name=systemd:/\n8:pids:/\n4:memory:/jobs/3439\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n',
  '/proc/self/mountinfo':
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n' +
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n' +
    '33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n' +
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n' +
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n',
  '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
  '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/jobs/3439/memory.limit_in_bytes': '9223372036854771712\n',
};

/** A container of a v1 host: it sees its own part of each hierarchy, but is told its path in the whole. */
const id = '/docker/0f3cc8b7';
const container1 = {
  '/proc/self/cgroup': `5:memory:${id}\n4:cpu,cpuacct:${id}\n`,
  '/proc/self/mountinfo':
    `700 690 0:26 ${id} /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec,relatime master:11 - cgroup cgroup rw,cpu,cpuacct\n` +
    `701 690 0:27 ${id} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:12 - cgroup cgroup rw,memory\n`,
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '150000\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
};

const mount2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

describe('limits under v1', () => {
  it('none are set', () => expect(limitsOf(hybrid)).toEqual({ version: 1 }));

  it('a container has its own', () => {
    expect(limitsOf(container1)).toEqual({ version: 1, cpus: 1.5, memoryBytes: 512 * 2 ** 20 });
  });

  it('a parent has a smaller one than the group itself', () => {
    const files = {
      ...hybrid,
      '/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes': '1073741824\n',
      '/sys/fs/cgroup/memory/jobs/3439/memory.limit_in_bytes': '2147483648\n',
    };
    expect(limitsOf(files)).toEqual({ version: 1, memoryBytes: 2 ** 30 });
  });
});

describe('limits under v2', () => {
  it('a container in a namespace of its own has them at the top', () => {
    expect(
      limitsOf({
        '/proc/self/cgroup': '0::/\n',
        '/proc/self/mountinfo': mount2,
        '/sys/fs/cgroup/cpu.max': '50000 100000\n',
        '/sys/fs/cgroup/memory.max': '268435456\n',
      }),
    ).toEqual({ version: 2, cpus: 0.5, memoryBytes: 256 * 2 ** 20 });
  });

  it('a service has none of its own, its slice has', () => {
    expect(
      limitsOf({
        '/proc/self/cgroup': '0::/batch.slice/train.service\n',
        '/proc/self/mountinfo': mount2,
        '/sys/fs/cgroup/batch.slice/train.service/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/batch.slice/train.service/memory.max': 'max\n',
        '/sys/fs/cgroup/batch.slice/cpu.max': '300000 100000\n',
        '/sys/fs/cgroup/batch.slice/memory.max': 'max\n',
      }),
    ).toEqual({ version: 2, cpus: 3 });
  });

  it('a path out of the namespace names nothing: what is mounted counts', () => {
    expect(
      limitsOf({
        '/proc/self/cgroup': '0::/../../elsewhere\n',
        '/proc/self/mountinfo': mount2,
        '/sys/fs/cgroup/memory.max': '1000000\n',
      }),
    ).toEqual({ version: 2, memoryBytes: 1e6 });
  });
});

it('without cgroups there are no limits to tell of', () => {
  expect(limitsOf({})).toBeUndefined();
  expect(limitsOf({ '/proc/self/cgroup': 'garbage\n', '/proc/self/mountinfo': 'garbage' })).toBeUndefined();
});
