import { expect, it } from 'vitest';
import { createStarReducer } from '../../../../src/shared/collectives/star-reducer.ts';

const f32 = (...values: number[]) => Float32Array.from(values);

const one = [{ from: 0, to: 2 }];
const two = [...one, { from: 2, to: 3 }];

it('answers when the last rank has come, and says how long each contribution lay there', () => {
  const reducer = createStarReducer(3, one);
  expect(reducer.contribute(0, 2, 0, f32(1, 2), 10)).toEqual({ kind: 'pending' });
  expect(reducer.contribute(0, 0, 0, f32(10, 20), 10.5)).toEqual({ kind: 'pending' });
  expect(reducer.contribute(0, 1, 0, f32(100, 200), 12)).toEqual({
    kind: 'complete',
    sum: f32(111, 222),
    waited: [1.5, 0, 2],
  });
});

it('keeps steps and buckets apart', () => {
  const reducer = createStarReducer(2, two);
  reducer.contribute(0, 0, 0, f32(1, 1), 0);
  reducer.contribute(0, 0, 1, f32(5), 0);
  reducer.contribute(1, 0, 0, f32(7, 7), 0);
  expect(reducer.contribute(0, 1, 1, f32(6), 0)).toMatchObject({ kind: 'complete', sum: f32(11) });
  expect(reducer.contribute(0, 1, 0, f32(2, 3), 0)).toMatchObject({ kind: 'complete', sum: f32(3, 4) });
});

it('refuses what does not belong, and loses nothing by it', () => {
  const reducer = createStarReducer(2, one);
  reducer.contribute(0, 0, 0, f32(1, 1), 0);
  for (const [rank, bucket, values] of [
    [0, 0, f32(9, 9)],
    [1, 1, f32(9, 9)],
    [1, 0, f32(9)],
    [2, 0, f32(9, 9)],
  ] as const) {
    expect(reducer.contribute(0, rank, bucket, values, 0)).toMatchObject({ kind: 'refused' });
  }
  expect(reducer.contribute(0, 1, 0, f32(2, 2), 0)).toMatchObject({ kind: 'complete', sum: f32(3, 3) });
});
