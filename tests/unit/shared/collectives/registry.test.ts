import { expect, it } from 'vitest';
import {
  allReduceNames,
  allReduceOfRun,
  collectiveAtFirst,
  collectiveOf,
  isAllReduceName,
  mayReadPeers,
} from '../../../../src/shared/collectives/registry.ts';
import { star } from '../../../../src/shared/collectives/star/star.ts';

it('knows collectives by name, and nothing that every object has', () => {
  expect(allReduceNames).toEqual(['star', 'mesh', 'mesh-two-shot', 'ring']);
  expect(['star', 'tree', 'auto', '', 'toString', 'constructor'].map(isAllReduceName)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(collectiveOf('star')).toBe(star);
});

it('takes what it is asked for, and leaves it to generations when it is asked to choose', () => {
  expect(allReduceOfRun('star', { isCompressed: false })).toBe('star');
  expect(allReduceOfRun('auto', { isCompressed: false })).toBe('auto');
  // The mesh in two stages and the ring cannot compress.
  expect(allReduceOfRun('auto', { isCompressed: true })).toBe('mesh');
  expect(allReduceOfRun('star', { isCompressed: true })).toBe('star');
  expect(allReduceOfRun('auto', { deterministic: true, isCompressed: false })).toBe('tree');
});

it('knows in which runs workers may read each other', () => {
  const all = ['auto', 'mesh', 'mesh-two-shot', 'ring', 'star', 'tree'] as const;
  const among = (min: number, max: number) => all.filter((chosen) => mayReadPeers(chosen, { min, max }));
  expect(among(2, 2)).toEqual(['auto', 'mesh', 'mesh-two-shot', 'ring']);
  expect(among(1, 1)).toEqual([]);
  // Links to more than 256 workers are not made; a run that may go on with fewer may come to that.
  expect(among(256, 1024)).toEqual(['auto', 'mesh', 'mesh-two-shot', 'ring']);
  expect(among(257, 1024)).toEqual([]);
});

it('begins with the star where ranks have to show that they can do without', () => {
  for (const chosen of ['mesh', 'mesh-two-shot', 'ring', 'auto'] as const)
    expect(collectiveAtFirst(2, chosen)).toBe('star');
  expect(collectiveAtFirst(2, 'star')).toBe('star');
  expect(collectiveAtFirst(3, 'tree')).toBe('tree');
  expect([1, 1, 1].map((size, i) => collectiveAtFirst(size, (['mesh', 'star', 'tree'] as const)[i] ?? 'star'))).toEqual(
    ['solo', 'solo', 'solo'],
  );
});

it.each([
  // Ranks add each other's gradients up by themselves, and apply the sum once all of them are there.
  ['mesh', { numerics: 'rank-order', readsPeers: true, hasHub: false }],
  ['mesh-two-shot', { numerics: 'rank-order', readsPeers: true, hasHub: false }],
  ['ring', { numerics: 'deterministic', readsPeers: true, hasHub: false }],
  ['star', { numerics: 'rank-order', readsPeers: undefined, hasHub: true }],
  ['tree', { numerics: 'deterministic', readsPeers: undefined, hasHub: true }],
  // Nobody else has to agree to a step.
  ['solo', { numerics: 'rank-order', readsPeers: undefined, hasHub: false }],
] as const)('knows what %s asks of ranks and of the coordinator', (name, expected) => {
  const { numerics, readsPeers, createHub } = collectiveOf(name);
  expect({ numerics, readsPeers, hasHub: createHub !== undefined }).toEqual(expected);
});

it('says what those do that are offered', () => {
  expect(allReduceNames.map((name) => collectiveOf(name).description)).toEqual([
    'the coordinator adds the gradients up',
    "workers read each other's gradients, in memory or over the network; the star where some cannot",
    'each worker adds up a part of the gradient and shows the others the sum; the star where some cannot read it',
    'each worker adds its gradient to parts that go around from worker to worker; the star where some cannot read it',
  ]);
});
