import { expect, it } from 'vitest';
import { createDeferred } from '../../../../src/shared/core/deferred.ts';
import { orAborted } from '../../../../src/shared/core/or-aborted.ts';
import { outcomeOf } from '../../../support/outcome.ts';

function begin() {
  const [work, controller] = [createDeferred<number>(), new AbortController()];
  const result = orAborted(work.promise, controller.signal, () => new Error('no time left'));
  return { work, controller, result };
}

it('is what the work comes to, where nobody aborts it', async () => {
  const done = begin();
  expect(await outcomeOf(done.result)).toBe('pending');
  done.work.resolve(7);
  expect(await outcomeOf(done.result)).toEqual({ value: 7 });
  const failed = begin();
  failed.work.reject(new Error('it broke'));
  expect(await outcomeOf(failed.result)).toEqual({ error: 'it broke' });
});

it('ends with the reason as soon as it is aborted, and drops what the work comes to then', async () => {
  const { work, controller, result } = begin();
  controller.abort();
  expect(await outcomeOf(result)).toEqual({ error: 'no time left' });
  work.resolve(7);
  expect(await outcomeOf(result)).toEqual({ error: 'no time left' });
  const late = orAborted(new Promise<number>(() => {}), controller.signal, () => new Error('too late to begin'));
  expect(await outcomeOf(late)).toEqual({ error: 'too late to begin' });
});

it('asks for no reason once the work is over: a signal may outlive a thousand of them', async () => {
  const controller = new AbortController();
  let asked = 0;
  const reason = () => {
    asked += 1;
    return new Error('no time left');
  };
  await orAborted(Promise.resolve(7), controller.signal, reason);
  await orAborted(Promise.reject(new Error('it broke')), controller.signal, reason).catch(() => {});
  controller.abort();
  expect(asked).toBe(0);
});
