/** Whether a worker that keeps a replica joins the coordinator that answers. */
import { describe, expect, it } from 'vitest';
import { decideRejoin } from '../../../src/worker/rejoin.ts';

const before = {
  v: 8,
  run: 'run-1',
  type: 'welcome',
  dataset: { name: 'mnist', digest: 'd1' },
  model: { name: 'cnn', inputShape: [28, 28, 1] as [number, number, number], classes: 10 },
  optimizer: { name: 'adam', learningRate: 0.001 },
  seed: 1,
  timeout: 30,
  checksumEvery: 50,
  generation: 0,
} as const;

describe('a worker that was in generation 5', () => {
  it.each([
    ['the coordinator that it lost', { generation: 5 }],
    ['one that knows of later generations', { generation: 9 }],
    [
      'one that finds the data elsewhere, or has another timeout',
      { generation: 5, dataset: { name: './mine', digest: 'd1' }, timeout: 60 },
    ],
  ])('joins %s', (_, now) => {
    expect(decideRejoin(before, 5, { ...before, ...now })).toEqual({ kind: 'join' });
  });

  it('takes one that has not heard of it for out of date', () => {
    expect(decideRejoin(before, 5, { ...before, generation: 4 })).toEqual({
      kind: 'out-of-date',
      reason:
        'this coordinator knows of 4 generations of run-1, and generation 5 has begun: another coordinator has taken the run over',
    });
  });

  it.each([
    [
      'run',
      { run: 'run-2' },
      'quorum-lost',
      /now runs run-2, and this worker keeps the state of run-1; start it again/,
    ],
    ['model', { model: { ...before.model, name: 'mlp' as const } }, 'bad-input', /its model was cnn .* and is mlp/],
    ['optimizer', { optimizer: { name: 'sgd' as const, learningRate: 0.001 } }, 'bad-input', /its optimizer was adam/],
    [
      'learning rate',
      { optimizer: { ...before.optimizer, learningRate: 1 } },
      'bad-input',
      /learning rate 0\.001 and is/,
    ],
    [
      'compression',
      { optimizer: { ...before.optimizer, compression: 'int8' } },
      'bad-input',
      /its compression was none and is int8/,
    ],
    ['seed', { seed: 2 }, 'bad-input', /its seed was 1 and is 2/],
    ['data', { dataset: { name: 'mnist', digest: 'd2' } }, 'bad-input', /its dataset digest was d1 and is d2/],
  ])('gives up where the %s is another', (_, now, code, message) => {
    expect(decideRejoin(before, 5, { ...before, generation: 5, ...now })).toMatchObject({
      kind: 'give-up',
      error: { code, message: expect.stringMatching(message) },
    });
  });
});
