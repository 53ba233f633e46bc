/** Fleets that change while they train: a loss, a newcomer and a worker that leaves, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { open, type Party } from './party.ts';

/** Which samples were trained in committed steps, as positions of each epoch's order. */
function steps(party: Party): readonly number[] {
  return party.eventsOf('step').map(({ step }) => step);
}

const all = (count: number) => Array.from({ length: count }, (_, step) => step);

/** What a run without any change comes to. */
async function undisturbed(size = 1): Promise<Float32Array> {
  const party = await open(size);
  for (let i = 0; i < size; i++) party.join(`w${i}`);
  await party.train();
  return finalParameters(party.events);
}

function finalParameters(events: readonly RunEvent[]): Float32Array {
  const last = events.filter((event) => event.type === 'checkpoint').at(-1);
  if (last === undefined) throw new Error('no checkpoint');
  return last.checkpoint.state.parameters;
}

const close = (a: Float32Array, b: Float32Array) => {
  for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i] ?? Number.NaN, 5);
};

/** A worker that ends in the given step by throwing. */
const failsIn = (step: number) => ({
  beforeGradients: (at: number) => {
    if (at === step) throw new Error('it broke');
  },
});

describe('a run that loses a worker', () => {
  it('goes on with the others, trains every step once, and comes to the same parameters', async () => {
    const party = await open({ min: 1, max: 3 }, { onLoss: 'continue', expectedIds: ['w0', 'w1', 'w2'] });
    party.join('w0');
    party.join('w1', failsIn(4));
    party.join('w2');
    const outcome = await party.train();
    expect(outcome).toMatchObject({ steps: 12, end: { kind: 'completed' } });
    expect(steps(party)).toEqual(all(12));
    expect(party.eventsOf('generation').map(({ members }) => members.map(({ workerId }) => workerId))).toEqual([
      ['w0', 'w1', 'w2'],
      ['w0', 'w2'],
    ]);
    close(finalParameters(party.events), await undisturbed());
  });
});
