import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { oneAtATime } from '../../../../src/engine/trials/one-at-a-time.ts';
import { createDeferred } from '../../../../src/shared/core/deferred.ts';
import { parseProcess, thisProcess } from '../../../../src/shared/files/process-identity.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

/** What several processes want, each of which would come to a number of its own. */
function setUp() {
  const time = createVirtualTime();
  const claim = join(temporaryFolder(), 'folder', 'claim');
  const state = { result: undefined as number | undefined, works: 0 };
  const begin = (work: () => Promise<number>) =>
    oneAtATime({
      claim,
      find: () => state.result,
      async work() {
        state.works++;
        state.result = await work();
        return state.result;
      },
      patienceMs: 1000,
      ...time,
    });
  return { time, claim, state, begin };
}

function hold(claim: string, content: string): void {
  mkdirSync(dirname(claim), { recursive: true });
  writeFileSync(claim, content);
}

it('one works, and the others take its result', async () => {
  const { time, claim, state, begin } = setUp();
  const { promise, resolve } = createDeferred<number>();
  const first = begin(() => promise);
  const others = [2, 3].map((value) => begin(async () => value));
  expect(parseProcess(readFileSync(claim, 'utf8'))).toEqual(thisProcess());
  await time.advanceAsync(500);
  resolve(1);
  expect(await time.until(Promise.all([first, ...others]))).toEqual([1, 1, 1]);
  expect(state.works).toBe(1);
  expect(existsSync(claim)).toBe(false);
});

it('a result that is there costs nothing', async () => {
  const { claim, state, begin } = setUp();
  state.result = 7;
  expect(await begin(async () => 1)).toBe(7);
  expect(state.works).toBe(0);
  expect(existsSync(dirname(claim))).toBe(false);
});

it('nobody works for a result that came while it took the claim', async () => {
  const { time, claim, begin } = setUp();
  let looks = 0;
  const find = () => (++looks === 1 ? undefined : 5);
  const work = () => Promise.reject(new Error('not needed'));
  expect(await oneAtATime({ claim, find, work, patienceMs: 1000, ...time })).toBe(5);
  expect(await time.until(begin(async () => 2))).toBe(2);
});

it('the next one works after one that failed', async () => {
  const { time, begin } = setUp();
  await expect(begin(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await time.until(begin(async () => 2))).toBe(2);
});

it('who holds the claim and is dead is not waited for', async () => {
  const { time, claim, begin } = setUp();
  hold(claim, JSON.stringify({ ...thisProcess(), started: 'in another life' }));
  const began = time.clock.now();
  expect(await time.until(begin(async () => 2))).toBe(2);
  expect(time.clock.now() - began).toBeLessThan(0.1);
});

it.each([
  ['of another host', JSON.stringify({ ...thisProcess(), host: 'elsewhere' })],
  ['without a name', ''],
])('a holder %s is waited for, but not for ever, and not again', async (_, content) => {
  const { time, claim, begin } = setUp();
  hold(claim, content);
  const began = time.clock.now();
  expect(await time.until(begin(async () => 1))).toBeUndefined();
  expect(time.clock.now() - began).toBeCloseTo(1, 5);
  expect(await time.until(begin(async () => 2))).toBe(2);
});

it('where no claim can be made everybody works', async () => {
  const { time, begin, claim } = setUp();
  writeFileSync(dirname(claim), 'a file in place of the folder');
  expect(await time.until(begin(async () => 4))).toBe(4);
});
