import { describe, expect, test } from 'vitest';
import { type FleetsToModel, modelFleets } from '../../../src/economics/planning/modelled-fleets.ts';
import { renderModelledFleets } from '../../../src/report/comparison/modelled-fleets-text.ts';
import { modelledAlgorithms } from '../../../src/shared/collectives/cost-model.ts';
import { askedFleets } from '../../support/asked-fleets.ts';

const asked: FleetsToModel = { ...askedFleets, algorithms: modelledAlgorithms };

/** With sentences on one line each. */
function flowed(changes: Partial<FleetsToModel> = {}): string {
  return renderModelledFleets(modelFleets({ ...asked, ...changes }), { columns: 400, colour: false }).replaceAll(
    /\n {2}(?=\S)/g,
    ' ',
  );
}

describe('renderModelledFleets', () => {
  test('begins by saying that all of it is modelled, and what was asked', () => {
    expect(flowed()).toMatch(
      /^Modelled, not measured: every machine has a link of 8\.497 Gbit\/s each way, with 1 ms of delay; 1,000,000 parameters, whose gradient travels in 4 buckets; one worker alone computes a batch of 1,000 in 800 ms; each costs \$0\.36 an hour\n/,
    );
    expect(flowed({ parameters: 10, usdPerHour: undefined, bitsPerSecond: 1e8 })).toContain(
      'a link of 100 Mbit/s each way, with 1 ms of delay; 10 parameters, whose gradient travels in one bucket; one worker alone computes a batch of 1,000 in 800 ms\n',
    );
  });

  test('says what a step is with local updates', () => {
    const text = flowed({ localSteps: 16, batchSize: 1024 });
    expect(text).toContain('one worker alone computes a step of 16 updates with batches of 64 in 800 ms');
    expect(text).toContain(
      'a step is 16 updates of each worker (--local-steps) and one exchange of what came of them, which leaves after the last',
    );
    expect(text).not.toContain('no gradient leaves');
  });

  test('says when nobody gave the price', () => {
    const priceAssumed = 'assumed, not given: 1 vCPU at aws/c7a/on-demand (2026-02) for every worker';
    expect(flowed({ priceAssumed })).toContain(`each costs $0.36 an hour (${priceAssumed})\n`);
  });

  test('has a row for each all-reduce, with times, efficiency, rate and costs, and marks the fastest', () => {
    const text = flowed();
    expect(text).toMatch(
      / workers +all-reduce +step ms +compute +communicate +efficiency +samples\/s +\$\/million +\$\/epoch +limited by\n/,
    );
    expect(text).toMatch(/\n +1 +800 +800 +0 +100\.0 % +1,250 +\$0\.080 +\$0\.0048 *\n/);
    expect(text).toMatch(/\n +4 +star +221 +200 +21\.[23] +90\.4 % +4,520 +\$0\.088 +\$0\.0053 +coordinator’s link\n/);
    expect(text).toMatch(/\n +4 +mesh +213 +200 +13 +93\.9 % .* worker’s link\n/);
    expect(text).toMatch(/\n > +4 +mesh, two-shot +207 +200 +7 +96\.6 % .* worker’s link\n/);
    expect(text).toMatch(/\n +4 +ring +20\d +200 +8\.25 .*\n/);
  });

  test('says what the model assumes', () => {
    const text = flowed();
    expect(text).toContain(
      'no gradient leaves before all of it is computed (--overlap)\nworkers are equally fast (--spread)\n',
    );
    expect(text).toContain(
      'ring: each adds its own to what the one before sends it, and passes it on. Workers that cannot reach each other use the star',
    );
    expect(text).toMatch(/start-up, test passes, checkpoints and the coordinator’s own price are not counted$/);
    const other = flowed({ overlap: 0.25, spread: 0.1, algorithms: ['star'] });
    expect(other).toContain('gradients leave during the last 25 % of computing\n');
    expect(other).toMatch(/ compute +wait +communicate /);
    expect(text).toContain('marked >: the all-reduce that takes least\n');
    expect(other).not.toContain('>');
    expect(other).not.toContain('equally fast');
    expect(other).not.toContain('between hosts');
  });

  test('says whether compression wins', () => {
    const costs = { secondsPerEncodedFloat: 2e-9, secondsPerDecodedFloat: 1e-9 };
    const text = (bitsPerSecond: number) =>
      flowed({ algorithms: ['mesh'], bitsPerSecond, compression: { name: 'topk:10', costs } });
    expect(text(1e12)).toMatch(/\n > +4 +mesh +[\s\S]*\n +4 +mesh, topk:10 /);
    expect(text(1e12)).toMatch(
      /\n--compress topk:10 with 4 workers: 7\.\d+ ms, of which 6 encode and decode \(measured\), instead of 1\.\d+ ms of the mesh without: it loses\n/,
    );
    expect(text(1e8)).toMatch(/\n > +4 +mesh, topk:10 /);
    expect(text(1e8)).toMatch(
      /\n--compress topk:10 with 4 workers: .* instead of 1,02\d ms of the mesh without: it wins\n/,
    );
    expect(text(1e8)).not.toContain('with 1 workers');
  });

  test('without the time of one worker, says how long a step must compute, and how to have more', () => {
    const text = flowed({ aloneSeconds: undefined });
    expect(text).toContain('how long a worker computes is not known; each costs');
    expect(text).toMatch(/ workers +all-reduce +communicate ms +ms to compute for 90 % +limited by\n/);
    expect(text).toMatch(/\n +4 +star +21\.[23] +191 +coordinator’s link\n/);
    expect(text).toContain('name --step-seconds or --samples-per-second of one worker, or a run');
  });

  test('without a price there are no costs, and without a number of samples none of an epoch', () => {
    expect(flowed({ usdPerHour: undefined })).not.toContain('$');
    expect(flowed({ epochSamples: undefined })).toMatch(/\$\/million +limited by/);
  });

  test('keeps sentences and tables within the terminal', () => {
    const narrow = (columns: number) => renderModelledFleets(modelFleets(asked), { columns, colour: false });
    for (const columns of [80, 100]) {
      expect(
        Math.max(
          ...narrow(columns)
            .split('\n')
            .map((line) => line.length),
        ),
      ).toBeLessThanOrEqual(columns);
    }
    expect(narrow(100)).toContain('no room here for: compute, $/epoch, limited by');
    expect(narrow(80)).toContain('no room here for: compute, efficiency, $/epoch, limited by');
  });
});
