import { describe, expect, it } from 'vitest';
import { judgeSilence, type Silence } from '../../../src/worker/silence.ts';

/** Asked every second, of a coordinator that may be silent for eight. */
const rules = { periodMs: 1000, limitMs: 8000 };
const look = (now: number) => ({ now, unixMs: now * 1000 });
const at = (lastHeard: number, asked: number): Silence => ({ lastHeard, asked: look(asked) });
const wait = (silence: Silence, stoodStill = 0) => ({ kind: 'wait', silence, stoodStill });

describe('a coordinator that is silent', () => {
  it.each([
    ['for a moment', at(100, 100), 101, wait(at(100, 101))],
    ['for as long as it may be', at(100, 107), 108, wait(at(100, 108))],
    ['for longer', at(100, 107.5), 108.5, { kind: 'lost', seconds: 8.5 }],
    ['for longer by a hair', at(100, 107.125), 108.125, { kind: 'lost', seconds: 8.125 }],
    ['though it was asked a period late', at(100, 107), 109, { kind: 'lost', seconds: 9 }],
  ])('%s', (_, silence, now, decision) => {
    expect(judgeSilence(silence, look(now), rules)).toEqual(decision);
  });

  it('is not known to be so by a process that stood still itself: that time does not count', () => {
    expect(judgeSilence(at(95, 100), look(160), rules)).toEqual(wait(at(155, 160), 60));
    // What came in as it woke is not put off into the future.
    expect(judgeSilence(at(160, 100), look(160), rules)).toEqual(wait(at(160, 160), 60));
    // Just over two periods late.
    expect(judgeSilence(at(100, 107), look(109.125), rules)).toEqual(wait(at(102.125, 109.125), 2.125));
    // From then on it counts as ever.
    expect(judgeSilence(at(155, 163), look(164), rules)).toEqual({ kind: 'lost', seconds: 9 });
  });

  it('is found by a process that stands still again and again: what it listens adds up', () => {
    let silence = at(100, 100);
    let lostAt: number | undefined;
    // It computes for ten seconds, then looks twice.
    for (let now = 110; lostAt === undefined && now < 300; now += now % 11 === 0 ? 10 : 1) {
      const decision = judgeSilence(silence, look(now), rules);
      if (decision.kind === 'lost') lostAt = now;
      else silence = decision.silence;
    }
    expect(lostAt).toBeLessThan(220);
  });

  it('is lost within a period of its limit, whenever it fell silent', () => {
    for (const fellSilent of [100, 100.25, 100.5, 100.875]) {
      let silence = at(fellSilent, 100);
      let lostAt: number | undefined;
      for (let now = 101; lostAt === undefined && now < 120; now++) {
        const decision = judgeSilence(silence, look(now), rules);
        if (decision.kind === 'lost') lostAt = now;
        else silence = decision.silence;
      }
      expect(lostAt).toBe(Math.floor(fellSilent + 8) + 1);
    }
  });

  it('may be so for ever where it is the parent, whose end is known otherwise', () => {
    const patient = { ...rules, limitMs: Number.POSITIVE_INFINITY };
    expect(judgeSilence(at(100, 999), look(1000), patient)).toEqual(wait(at(100, 1000)));
  });
});
