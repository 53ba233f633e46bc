import { expect, it } from 'vitest';
import { usableCores } from '../../../src/engine/usable-cores.ts';

const withQuota = (quota: string) => (path: string) =>
  ({
    '/proc/self/cgroup': '0::/box\n',
    '/proc/self/mountinfo': '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    '/sys/fs/cgroup/box/cpu.max': `${quota} 100000\n`,
  })[path];

it.each([
  [8, 'max', 8],
  [8, '150000', 1.5],
  [8, '50000', 0.5],
  [2, '400000', 2],
])('of %d cores with a quota of %s us each 100 ms, %d can be kept busy', (parallelism, quota, expected) => {
  expect(usableCores(parallelism, withQuota(quota))).toBe(expected);
});

it('all of them can, without control groups', () => {
  expect(usableCores(4, () => undefined)).toBe(4);
});
