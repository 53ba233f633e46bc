import { describe, expect, it } from 'vitest';
import {
  describeStandstill,
  judgeStandstill,
  putOff,
  watchStandstill,
} from '../../../../src/shared/core/standstill.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

/** Where both clocks stand, in seconds. */
const at = (now: number, wall = now) => ({ now, unixMs: wall * 1000 });

describe('a process that looks once a second', () => {
  it.each([
    ['in time', at(101), 0],
    ['a little late', at(101.5), 0],
    ['a period late', at(102), 0],
    ['more than a period late', at(102.001), 2.001],
    ['a minute late', at(160), 60],
    ['on a host that slept, with its steady clock', at(101, 3700), 3600],
    ['while the wall clock was put back', at(101, 50), 0],
    ['a minute late, while the wall clock was put back', at(160, 50), 60],
  ])('%s', (_, look, seconds) => {
    expect(judgeStandstill(at(100), look, 1000)).toBeCloseTo(seconds, 9);
  });

  it('is asked again from where it woke', () => {
    const time = createVirtualTime();
    const watch = watchStandstill(time.clock, 1000);
    const looks = [1000, 1000, 30_000, 1000, 2000, 2001].map((ms) => {
      time.advance(ms);
      return watch.look();
    });
    expect(looks).toEqual([0, 0, 30, 0, 0, expect.closeTo(2.001, 9)]);
  });

  it('puts off a moment by what it missed, but not beyond now', () => {
    expect(putOff(100, 60, 170)).toBe(160);
    expect(putOff(165, 60, 170)).toBe(170);
    expect(putOff(100, 0, 170)).toBe(100);
  });

  it('says for how long, and what becomes of that time', () => {
    expect(describeStandstill(61.26)).toBe(
      'this process was suspended, or got no processor, for 61.3 s; that time counts against nobody',
    );
  });
});
