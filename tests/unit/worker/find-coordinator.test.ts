import { expect, test } from 'vitest';
import { badInput } from '../../../src/shared/core/errors.ts';
import type { IpFamily } from '../../../src/shared/transport/ip-family.ts';
import { findCoordinator } from '../../../src/worker/find-coordinator.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

/** Looks for a host that gets its name at the given look; 0 is the first. */
function looking(foundAt: number) {
  const time = createVirtualTime();
  const lines: string[] = [];
  const interruption = new AbortController();
  let looks = 0;
  const found = findCoordinator({
    connect: 'tcp://late:5555',
    timeoutSeconds: 5,
    signal: interruption.signal,
    clock: time.clock,
    timers: time.timers,
    ipFamilyOf: async (): Promise<IpFamily> => {
      if (looks++ < foundAt) throw badInput('there is no host called late (ENOTFOUND)');
      return 6;
    },
    log: (line) => lines.push(line),
  });
  return { time, lines, interruption, found, looks: () => looks };
}

const missing = '--connect tcp://late:5555: there is no host called late (ENOTFOUND)';

test('a host that is there is found at once, and nothing is said', async () => {
  const { found, lines } = looking(0);
  expect(await outcomeOf(found)).toEqual({ value: 6 });
  expect(lines).toEqual([]);
});

test('a host without a name is named at once, once, and looked for again', async () => {
  const { found, lines, time } = looking(3);
  expect(await outcomeOf(found)).toBe('pending');
  expect(lines).toEqual([`${missing}; looking for it again for 5 s`]);
  await time.advanceAsync(2_999);
  expect(await outcomeOf(found)).toBe('pending');
  await time.advanceAsync(1);
  expect(await outcomeOf(found)).toEqual({ value: 6 });
  expect(lines).toHaveLength(1);
});

test('a host that never gets a name is given up at the timeout', async () => {
  const { found, time, looks } = looking(Number.POSITIVE_INFINITY);
  found.catch(() => {});
  await time.advanceAsync(4_999);
  expect(await outcomeOf(found)).toBe('pending');
  await time.advanceAsync(1);
  expect(await outcomeOf(found)).toEqual({ error: missing });
  expect(looks()).toBe(6);
});

test('Ctrl-C ends the search', async () => {
  const { found, interruption } = looking(Number.POSITIVE_INFINITY);
  expect(await outcomeOf(found)).toBe('pending');
  interruption.abort();
  await expect(found).rejects.toMatchObject({ code: 'interrupted' });
});

test('what the name service said counts, though it no longer answers when time is up', async () => {
  const time = createVirtualTime();
  let looks = 0;
  const found = findCoordinator({
    connect: 'tcp://late:5555',
    timeoutSeconds: 5,
    signal: new AbortController().signal,
    clock: time.clock,
    timers: time.timers,
    ipFamilyOf: () =>
      looks++ < 4 ? Promise.reject(badInput('there is no host called late (ENOTFOUND)')) : new Promise(() => {}),
    log: () => {},
  });
  found.catch(() => {});
  await time.advanceAsync(5_000);
  expect(await outcomeOf(found)).toEqual({ error: missing });
});
