import { describe, expect, it } from 'vitest';
import { createCollector } from '../../../../src/coordinator/generation/collector.ts';
import { findMismatch, findObstacle } from '../../../../src/coordinator/membership/handshake.ts';
import { findLost, type Signs } from '../../../../src/coordinator/membership/liveness.ts';
import { type Candidate, decideRendezvous } from '../../../../src/coordinator/membership/rendezvous.ts';
import { deadlinesFrom } from '../../../../src/shared/core/deadlines.ts';

describe('decideRendezvous', () => {
  const ready = (workerId: string): Candidate => ({ workerId, state: 'ready' });

  it('begins when all are ready, in the order of their names whatever their order of arrival', () => {
    expect(decideRendezvous([ready('w10'), ready('w2'), ready('w0')], { worldSize: 3 }, 0, 1000)).toEqual({
      kind: 'begin',
      members: ['w0', 'w2', 'w10'],
      reason: 'all 3 workers are ready',
    });
  });

  it('waits, then gives up, and says who is missing', () => {
    const candidates: Candidate[] = [ready('a'), { workerId: 'b', state: 'joined' }];
    const reason = '1 of 4 workers ready, b still loading, 2 never arrived';
    expect(decideRendezvous(candidates, { worldSize: 4 }, 999, 1000)).toEqual({ kind: 'wait', reason });
    expect(decideRendezvous(candidates, { worldSize: 4 }, 1000, 1000)).toEqual({ kind: 'give-up', reason });
    const expectedIds = ['a', 'b', 'c', 'd'];
    expect(decideRendezvous(candidates, { worldSize: 4, expectedIds }, 1000, 1000).reason).toBe(
      '1 of 4 workers ready, b still loading, c, d never arrived',
    );
  });
});

describe('findLost', () => {
  const deadlines = deadlinesFrom(10);
  const member: Signs = { duty: 'compute', dutySince: 100, lastHeard: 100 };

  it('lets a member be that keeps its deadlines', () => {
    expect(findLost([member], 107.9, deadlines)).toBeUndefined();
  });

  it('finds the one that is silent', () => {
    const silent = { ...member, duty: 'idle' as const };
    expect(findLost([{ ...member, lastHeard: 108, dutySince: 108 }, silent], 108.1, deadlines)).toEqual({
      member: silent,
      reason: 'silent for 8.1 s (frozen, or unreachable)',
    });
  });

  it('finds the one whose heart beats while its step never ends', () => {
    const stuck = { ...member, lastHeard: 108 };
    expect(findLost([stuck], 108.1, deadlines)?.reason).toBe('no result for 8.1 s, though it is alive');
  });

  it('blames the one that still computes, not those that wait for it', () => {
    const waiting: Signs = { duty: 'communicate', dutySince: 99, lastHeard: 108 };
    const computing: Signs = { duty: 'compute', dutySince: 100, lastHeard: 108 };
    expect(findLost([waiting, computing], 108.5, deadlines)?.member).toBe(computing);
    expect(findLost([waiting], 108.5, deadlines)?.member).toBe(waiting);
  });

  it('does not hold a long evaluation against a member that is heard', () => {
    expect(findLost([{ duty: 'evaluate', dutySince: 0, lastHeard: 108 }], 108.1, deadlines)).toBeUndefined();
  });
});

describe('the handshake', () => {
  const identity = {
    version: '1.0.0',
    model: { name: 'cnn' as const, inputShape: [28, 28, 1] as [number, number, number], classes: 10 },
    datasetDigest: 'abc',
    seed: 1,
  };

  it('lets equals pass', () => {
    expect(findMismatch(identity, { ...identity, model: { ...identity.model } })).toBeUndefined();
  });

  it.each([
    ['pennygrad version', { version: '2.0.0' }, '2.0.0'],
    ['model', { model: { ...identity.model, name: 'mlp' as const } }, 'mlp (28×28×1 to 10 classes)'],
    ['model', { model: { ...identity.model, classes: 7 } }, 'cnn (28×28×1 to 7 classes)'],
    ['dataset digest', { datasetDigest: 'xyz' }, 'xyz'],
    ['seed', { seed: 2 }, '2'],
  ])('names the field that differs: %s', (field, change, actual) => {
    expect(findMismatch(identity, { ...identity, ...change })).toMatchObject({ field, actual });
  });

  it('keeps out another version, a second worker of one name, and one too many', () => {
    const run = { version: '1.0.0', worldSize: 2, present: ['w0'] };
    expect(findObstacle({ workerId: 'w1', version: '1.0.0' }, run)).toBeUndefined();
    expect(findObstacle({ workerId: 'w1', version: '2.0.0' }, run)?.field).toBe('pennygrad version');
    expect(findObstacle({ workerId: 'w0', version: '1.0.0' }, run)?.field).toBe('worker id');
    expect(findObstacle({ workerId: 'w2', version: '1.0.0' }, { ...run, present: ['w0', 'w1'] })?.field).toBe(
      'world size',
    );
  });
});

describe('createCollector', () => {
  it('resolves in rank order once every rank has answered, and takes no second answer', async () => {
    const collector = createCollector<string>(2);
    expect(collector.offer(1, 'b')).toBe(true);
    expect(collector.offer(1, 'again')).toBe(false);
    expect(collector.offer(0, 'a')).toBe(true);
    expect(await collector.all).toEqual(['a', 'b']);
  });

  it('fails with the error it is given', async () => {
    const collector = createCollector<string>(2);
    collector.fail(new Error('w1 was lost'));
    await expect(collector.all).rejects.toThrow('w1 was lost');
  });
});
