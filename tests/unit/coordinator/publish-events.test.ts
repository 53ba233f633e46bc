import { expect, it } from 'vitest';
import { publishTo } from '../../../src/coordinator/publish-events.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';

const begun = (epoch: number): RunEvent => ({ type: 'epoch-begun', epoch });

it('everybody sees an event, in the order of the observers, before anybody sees what follows from it', () => {
  const seen: string[] = [];
  const observer = (name: string) => (event: RunEvent) => seen.push(`${name}: ${JSON.stringify(event)}`);
  // From epoch 0 follow 1 and 9, from 1 follow 2 and 9, from 2 and 9 nothing.
  const derive = (event: RunEvent) =>
    event.type === 'epoch-begun' && event.epoch < 2 ? [begun(event.epoch + 1), begun(9)] : [];
  publishTo([observer('a'), observer('b')], derive)(begun(0));
  expect(seen).toEqual(
    [0, 1, 2, 9, 9].flatMap((epoch) => ['a', 'b'].map((name) => `${name}: ${JSON.stringify(begun(epoch))}`)),
  );
});

it('what follows is decided once an event, when all have seen it', () => {
  const log: string[] = [];
  const publish = publishTo([() => log.push('seen'), () => log.push('seen')], () => {
    log.push('derived');
    return [];
  });
  publish(begun(0));
  publish(begun(1));
  expect(log).toEqual(['seen', 'seen', 'derived', 'seen', 'seen', 'derived']);
});

it('an observer that throws keeps the event from nobody, and what follows from it is not told', () => {
  const log: string[] = [];
  const failing = (reason: string) => () => {
    log.push(reason);
    throw new Error(reason);
  };
  const publish = publishTo([failing('the disk is full'), failing('second'), () => log.push('seen')], () => [begun(1)]);
  expect(() => publish(begun(0))).toThrow('the disk is full');
  expect(log).toEqual(['the disk is full', 'second', 'seen']);
});
