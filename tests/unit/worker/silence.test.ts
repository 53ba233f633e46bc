import { describe, expect, it } from 'vitest';
import { judgeSilence, type Silence } from '../../../src/worker/silence.ts';

/** Asked every second, of a coordinator that may be silent for eight. */
const rules = { periodMs: 1000, limitMs: 8000 };
const at = (lastHeard: number, askedAt: number): Silence => ({ lastHeard, askedAt });

describe('a coordinator that is silent', () => {
  it.each([
    ['for a moment', at(100, 100), 101, { kind: 'wait', silence: at(100, 101) }],
    ['for as long as it may be', at(100, 107), 108, { kind: 'wait', silence: at(100, 108) }],
    ['for longer', at(100, 107.5), 108.5, { kind: 'lost', seconds: 8.5 }],
    ['for longer by a hair', at(100, 107.125), 108.125, { kind: 'lost', seconds: 8.125 }],
    ['though it was asked a period late', at(100, 107), 109, { kind: 'lost', seconds: 9 }],
  ])('%s', (_, silence, now, decision) => {
    expect(judgeSilence(silence, now, rules)).toEqual(decision);
  });

  it('is not known to be so by a process that stood still itself: the silence starts over', () => {
    const woken = judgeSilence(at(100, 100), 160, rules);
    expect(woken).toEqual({ kind: 'wait', silence: at(160, 160) });
    // Just over two periods late.
    expect(judgeSilence(at(100, 107), 109.125, rules)).toEqual({ kind: 'wait', silence: at(109.125, 109.125) });
    // From then on it counts as ever.
    expect(judgeSilence(at(160, 167), 168.5, rules)).toEqual({ kind: 'lost', seconds: 8.5 });
  });

  it('is lost within a period of its limit, whenever it fell silent', () => {
    for (const fellSilent of [100, 100.25, 100.5, 100.875]) {
      let silence = at(fellSilent, 100);
      let lostAt: number | undefined;
      for (let now = 101; lostAt === undefined && now < 120; now++) {
        const decision = judgeSilence(silence, now, rules);
        if (decision.kind === 'lost') lostAt = now;
        else silence = decision.silence;
      }
      expect(lostAt).toBe(Math.floor(fellSilent + 8) + 1);
    }
  });
});
