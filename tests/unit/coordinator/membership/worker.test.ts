import { expect, it } from 'vitest';
import {
  describeWorker,
  joinedWorker,
  memberInfo,
  rankWorkers,
  readyWorker,
} from '../../../../src/coordinator/membership/worker.ts';
import { helloOf, readyOf } from './gathering.ts';

const prices = { defaultPriceUsdPerHour: undefined };
const moment = { now: 50, unixMs: 1_000_000 };
const loading = joinedWorker('p0', helloOf('w0'), moment, 0);
const ready = {
  ...joinedWorker('p1', helloOf('w1', { pid: 7, host: 'beta' }), moment, 0),
  ready: readyOf(),
};

it('only workers that are ready are members, with ranks by their places', () => {
  expect(rankWorkers([ready, { ...ready, peer: 'p2' }, loading])).toEqual([
    { ...ready, rank: 0 },
    { ...ready, peer: 'p2', rank: 1 },
  ]);
});

it('is described so that it can be found, with its rank once it has one', () => {
  expect(describeWorker(ready)).toBe('worker w1 (pid 7 on beta)');
  expect(describeWorker({ ...ready, rank: 0 })).toBe('worker w1 (rank 0, pid 7 on beta)');
});

it('is known to whoever watches by what it said of itself, in hello and ready', () => {
  const [member] = rankWorkers([ready]);
  if (member === undefined) throw new Error('a member');
  expect(memberInfo(member)).toStrictEqual({
    ...ready.info,
    rank: 0,
    backend: 'wasm',
    device: 'wasm, SIMD',
    backendReason: 'the fastest',
  });
});

it('is believed its uptime when it is ready: its hello may have waited for the coordinator', () => {
  const begun = (uptime: number | undefined, earliest = 0) => {
    const worker = joinedWorker('p0', helloOf('w0', { uptime: 1 }), moment, earliest);
    const { aliveSince, info } = readyWorker(worker, readyOf({ uptime }), { now: 52, unixMs: 1_002_000 }, prices);
    return [aliveSince, info.aliveSinceUnixMs];
  };
  expect(begun(30)).toEqual([22, 972_000]);
  // No earlier than the run allows, no later than the hello said.
  expect(begun(30, 45)).toEqual([45, 995_000]);
  expect(begun(2)).toEqual([49, 999_000]);
  expect(begun(undefined)).toEqual([49, 999_000]);
});
