import { expect, it } from 'vitest';
import {
  allReduceNames,
  chooseAllReduce,
  collectiveOf,
  isAllReduceName,
} from '../../../../src/shared/collectives/registry.ts';
import { star } from '../../../../src/shared/collectives/star/star.ts';

it('knows collectives by name, and nothing that every object has', () => {
  expect(allReduceNames).toEqual(['star']);
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

it('takes what it is asked for, and chooses by itself when it is asked to', () => {
  expect(chooseAllReduce('star', false)).toBe('star');
  expect(chooseAllReduce('auto', false)).toBe('star');
  expect(chooseAllReduce('auto', true)).toBe('tree');
});

it('says what the star does, and in which order it adds', () => {
  expect(star).toMatchObject({ description: 'the coordinator adds the gradients up', numerics: 'rank-order' });
});
