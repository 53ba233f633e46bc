import { expect, it } from 'vitest';
import { createDeferred } from '../../../../src/shared/core/deferred.ts';
import { outcomeOf } from '../../../support/outcome.ts';

it('settles its promise once, with what it is given first', async () => {
  const { promise, resolve, reject } = createDeferred<number>();
  expect(await outcomeOf(promise)).toBe('pending');
  resolve(1);
  resolve(2);
  reject(new Error('too late'));
  expect(await outcomeOf(promise)).toEqual({ value: 1 });
});

it('may be rejected before anybody waits for it, which is nobody’s unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', listener);
  const { promise, reject } = createDeferred<number>();
  reject(new Error('early'));
  // Node looks for unhandled rejections when a turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
  expect(await outcomeOf(promise)).toEqual({ error: 'early' });
});
