import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createAnswers } from '../../../../src/coordinator/generation/answers.ts';
import { outcomeOf } from '../../../support/outcome.ts';

test('answers come in rank order, once all are there', async () => {
  const answers = createAnswers<string>(2, new AbortController().signal);
  answers.add(1, 'b');
  answers.add(0, 'a');
  expect(await answers.all).toEqual(['a', 'b']);
});

test('more than ten ranks are in the order of their numbers too', async () => {
  const answers = createAnswers<number>(12, new AbortController().signal);
  for (let rank = 11; rank > 0; rank--) answers.add(rank, rank);
  expect(await outcomeOf(answers.all)).toBe('pending');
  answers.add(0, 0);
  expect(await outcomeOf(answers.all)).toEqual({ value: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] });
});

test('a wait ends with the reason of the signal, whether it is aborted before or after', async () => {
  const controller = new AbortController();
  const waiting = createAnswers<string>(2, controller.signal);
  waiting.add(0, 'a');
  controller.abort(new Error('w1 was lost'));
  const late = createAnswers<string>(1, controller.signal);
  await expect(waiting.all).rejects.toThrow('w1 was lost');
  await expect(late.all).rejects.toThrow('w1 was lost');
});

test('answers that are complete stay, whatever happens later', async () => {
  const controller = new AbortController();
  const answers = createAnswers<string>(1, controller.signal);
  answers.add(0, 'a');
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  controller.abort(new Error('too late'));
  expect(await answers.all).toEqual(['a']);
});
