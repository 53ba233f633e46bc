import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventQueue } from '../../../../src/economics/simulation/event-queue.ts';

test('events happen in the order of their times, and those of one time in the order of asking', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
      const queue = createEventQueue<number>();
      for (const [index, time] of times.entries()) queue.at(time, index);
      const happened: (readonly [number, number])[] = [];
      queue.run((index, time) => happened.push([time, index]));
      expect(happened).toEqual(times.map((time, index) => [time, index] as const).toSorted(([a], [b]) => a - b));
    }),
  );
});

test('what an event asks for happens in its turn, and nothing can be asked for the past', () => {
  const queue = createEventQueue<string>();
  const happened: string[] = [];
  queue.at(1, 'first');
  queue.at(3, 'third');
  queue.run((event, time) => {
    happened.push(`${event} at ${time}`);
    if (event === 'first') queue.at(2, 'second');
    if (event === 'third') {
      queue.at(3, 'at once');
      expect(() => queue.at(2.9, 'before')).toThrow('2.9 is before 3');
      expect(() => queue.at(Number.NaN, 'never')).toThrow('NaN is before 3');
    }
  });
  expect(happened).toEqual(['first at 1', 'second at 2', 'third at 3', 'at once at 3']);
});
