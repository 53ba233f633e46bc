import { expect, it } from 'vitest';
import { createAsyncQueue } from '../../../../src/shared/core/async-queue.ts';

it('hands items over in order, whether the reader or the writer is first', async () => {
  const queue = createAsyncQueue<number>();
  queue.push(1);
  expect(await queue.next()).toBe(1);
  const waiting = queue.next();
  queue.push(2);
  queue.push(3);
  expect(await waiting).toBe(2);
  expect(await queue.next()).toBe(3);
});

it('ends the wait under way and every later one with the first failure', async () => {
  const queue = createAsyncQueue<number>();
  const waiting = queue.next();
  queue.fail(new Error('first'));
  queue.fail(new Error('second'));
  await expect(waiting).rejects.toThrow('first');
  await expect(queue.next()).rejects.toThrow('first');
});

it('drops what was queued before a failure', async () => {
  const queue = createAsyncQueue<number>();
  queue.push(1);
  queue.fail(new Error('gone'));
  await expect(queue.next()).rejects.toThrow('gone');
});

it('counts and drops the items that nobody has taken, and goes on after that', async () => {
  const queue = createAsyncQueue<number>();
  for (const item of [1, 2, 3]) queue.push(item);
  expect(queue.length).toBe(3);
  await queue.next();
  expect(queue.length).toBe(2);
  queue.clear();
  expect(queue.length).toBe(0);
  const waiting = queue.next();
  queue.push(4);
  expect(queue.length).toBe(0);
  expect(await waiting).toBe(4);
});
