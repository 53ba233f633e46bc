import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { EpochRecord } from '../../../src/economics/record/run-record.ts';
import { summarize } from '../../../src/economics/record/summarize.ts';
import { summarySchema } from '../../../src/economics/record/summary.ts';
import { renderSummaryTable } from '../../../src/report/terminal/summary-table.ts';
import { noPhaseSeconds } from '../../../src/shared/core/phases.ts';
import { fleetMember, runRecord, workerRecord } from '../../support/run-records.ts';

const plain = { columns: 100, colour: false };

function widest(text: string): number {
  return Math.max(
    ...stripVTControlCharacters(text)
      .split('\n')
      .map((line) => line.length),
  );
}

/** The cells of the line that begins with `name`. */
function cells(text: string, name: string): readonly string[] {
  const line = text.split('\n').find((candidate) => candidate.trim().startsWith(`${name} `));
  return line?.trim().split(/\s{2,}/) ?? [];
}

describe('renderSummaryTable', () => {
  test('has a row an epoch, one for the run, and one a worker', () => {
    const text = renderSummaryTable(summarize(runRecord()), plain);
    expect(cells(text, '1')).toEqual(['1', '12.0', '5,000', '0.2123', '93.5 %', '0.0612', '98.02 %', '$0.00067']);
    expect(cells(text, '2')).toEqual(['2', '8.0', '7,500', '0.0571', '98.2 %', '0.0411', '98.81 %', '$0.00044']);
    expect(cells(text, 'run')).toEqual(['run', '20.0', '6,000', '98.81 %', '$0.0020']);
    expect(cells(text, 'w1')).toEqual(['w1', '60,000', '80.0 %', '10.0 %', '5.0 %', '5.0 %', '$0.0010', '$0.0010']);
    expect(text).toContain('All replicas ended with the same parameters');
    expect(text).not.toMatch(/incomplete/i);
  });

  test('calls an epoch extrapolated that was trained in part', () => {
    const [epoch] = runRecord().epochs;
    if (epoch === undefined) throw new Error('the record has epochs');
    const cut = { ...epoch, samples: 6000, seconds: 2, cutShort: true as const };
    const text = renderSummaryTable(summarize(runRecord({ epochs: [cut], samples: 6000, trainSeconds: 2 })), plain);
    expect(text).toContain('A whole epoch would take 20 s and $0.0011 (extrapolated from 6,000 of 60,000 samples)\n');
    expect(renderSummaryTable(summarize(runRecord()), plain)).not.toContain('extrapolated');
  });

  test('says what is missing of the record', () => {
    const gaps = ['metrics.jsonl lacks steps: 3 to 5', 'metrics.jsonl lacks the results of epochs: 1'];
    const summary = summarySchema.parse(summarize(runRecord({ gaps })));
    const text = renderSummaryTable(summary, plain);
    for (const gap of gaps) expect(text).toContain(`\nIncomplete: ${gap}\n`);
  });

  test('marks an epoch that was cut short, and says what it took to be so accurate', () => {
    const openEpoch = { epoch: 2, samples: 640, lossSum: 64, correct: 600, seconds: 4 };
    const text = renderSummaryTable(summarize(runRecord({ openEpoch })), plain);
    expect(cells(text, '3*')).toEqual(['3*', '4.0', '160', '0.1000', '93.8 %', '$0.00022']);
    expect(text).toContain('* ended before its test pass');
    expect(text).toContain('Reached test accuracy 97 % after 15 s and $0.00080, 98 % after 15 s and $0.00080\n');
  });

  test('marks an epoch that --steps cut short, with what its test pass found', () => {
    const [first, second] = runRecord().epochs;
    if (first === undefined || second === undefined) throw new Error('the record has two epochs');
    const text = (...epochs: readonly EpochRecord[]) => renderSummaryTable(summarize(runRecord({ epochs })), plain);
    const cut = text(first, { ...second, cutShort: true });
    expect(cells(cut, '1')).toHaveLength(8);
    expect(cells(cut, '2*')).toEqual(['2*', '8.0', '7,500', '0.0571', '98.2 %', '0.0411', '98.81 %', '$0.00044']);
    expect(cut).toContain('\n* cut short by --steps\nTest accuracy 98.81 % after 1 epoch and part of one, 20 s');
    expect(text({ ...first, cutShort: true })).toContain('Test accuracy 98.02 % after part of an epoch, 20 s');
    expect(text(first, second)).not.toMatch(/\*|part/);
  });

  test('colours only when asked, and says the same', () => {
    const summary = summarize(runRecord());
    const coloured = renderSummaryTable(summary, { columns: 100, colour: true });
    expect(coloured).not.toBe(stripVTControlCharacters(coloured));
    expect(stripVTControlCharacters(coloured)).toBe(renderSummaryTable(summary, plain));
  });

  test('fits the terminal, dropping the least needed columns first', () => {
    const workers = ['alpha.example.org', 'a-machine-with-a-rather-long-name.example.org'].map((host, rank) =>
      workerRecord({ rank, host, backend: rank === 0 ? 'wasm' : 'cpu', workerId: `worker-with-a-long-name-${rank}` }),
    );
    const summary = summarize(runRecord({ workers }));
    const tables = (columns: number) =>
      renderSummaryTable(summary, { columns, colour: false })
        .split('\n')
        .filter((line) => line.startsWith(' '))
        .join('\n');
    for (const columns of [200, 100, 80, 60]) expect(widest(tables(columns))).toBeLessThanOrEqual(columns);
    const [heading = ''] = tables(60).split('\n');
    expect(heading).toContain('test accuracy');
    expect(heading).toContain('cost');
    expect(heading).not.toContain('test loss');
    expect(tables(60)).toMatch(/no room here for:[^(]*test loss/);
    expect(tables(Number.POSITIVE_INFINITY)).not.toContain('no room');
    for (const head of ['test loss', 'communicate', 'load', 'host', 'billed'])
      expect(tables(Number.POSITIVE_INFINITY)).toContain(head);
  });

  test('says that no price was given, and leaves costs out', () => {
    const workers = [workerRecord({ priceUsdPerHour: undefined })];
    const text = renderSummaryTable(summarize(runRecord({ workers })), plain);
    expect(text).toContain('no worker has a price; --price');
    expect(text).not.toContain('$');
  });

  test('names the workers that a price is missing for', () => {
    const workers = [workerRecord(), workerRecord({ workerId: 'w1', rank: 1, priceUsdPerHour: undefined })];
    const text = renderSummaryTable(summarize(runRecord({ workers })), plain);
    expect(cells(text, 'w1').at(-1)).toBe('no price');
    expect(text).toContain('no price given for w1');
  });

  test('shows what former workers cost, so that the rows sum to the run', () => {
    const record = runRecord({ formerWorkers: { costUsd: 0.5, billedUsd: 0.75, rentals: 3 } });
    const text = renderSummaryTable(summarize(record), plain);
    expect(cells(text, 'former workers')).toEqual(['former workers', '$0.50', '$0.75']);
    expect(cells(text, 'run').at(-1)).toBe('$0.50');
    expect(text).toContain('Billed $0.75 for 5 separate rentals: by the second');
    expect(renderSummaryTable(summarize(runRecord()), plain)).not.toMatch(/former|rentals/);
    // Money that was spent shows though nobody has a price any more.
    const workers = [workerRecord({ priceUsdPerHour: undefined })];
    const unpriced = renderSummaryTable(summarize({ ...record, workers }), plain);
    expect(cells(unpriced, 'former workers').slice(-2)).toEqual(['$0.50', '$0.75']);
    expect(unpriced).toContain('Cost $0.50; the workers no longer have a price\nBilled $0.75 for 4 separate rentals\n');
  });

  test('has a row of every worker that ever was a member, and says which are gone', () => {
    const { booked } = workerRecord({ aliveSeconds: 3600 });
    const departed = { ...fleetMember({ workerId: 'w9' }), samples: 640, left: 'killed' as const };
    const twice = { ...workerRecord().booked, rentals: 2 };
    const record = runRecord({
      workers: [workerRecord({ booked: twice }), workerRecord({ workerId: 'w1', rank: 1, left: 'drained' })],
      departedWorkers: [{ ...departed, booked }],
      formerWorkers: { costUsd: 0.35, billedUsd: 0.35, rentals: 2 },
    });
    const text = renderSummaryTable(summarize(record), { ...plain, columns: 120 });
    expect(cells(text, 'worker').slice(1, 4)).toEqual(['gone', 'lives', 'samples']);
    expect(cells(text, 'w0').slice(0, 3)).toEqual(['w0', '2', '60,000']);
    expect(cells(text, 'w1').slice(0, 4)).toEqual(['w1', 'drained', '1', '60,000']);
    // 16 of 20 s in steps computing.
    expect(cells(text, 'w9')).toEqual([
      'w9',
      'killed',
      '1',
      '640',
      '80.0 %',
      '10.0 %',
      '5.0 %',
      '5.0 %',
      '$0.10',
      '$0.10',
    ]);
    // What is left went to workers that never trained.
    expect(cells(text, 'former workers')).toEqual(['former workers', '$0.25', '$0.25']);
    expect(renderSummaryTable(summarize(runRecord()), plain)).not.toMatch(/gone|lives|nterruption|useful work/);
  });

  test('says what interruptions cost, and the latest changes of very many', () => {
    const interruption = {
      workerId: 'w1',
      reason: 'killed',
      step: 3,
      recoverySeconds: 0.2504,
      wastedSeconds: 1.5,
      wastedUsd: 0.000_15,
      lostSteps: 0,
    } as const;
    const fleets = Array.from({ length: 8 }, (_, step) => ({
      step,
      members: [fleetMember({ workerId: `w${step % 2}` })],
    }));
    const interruptions = [
      interruption,
      { ...interruption, reason: 'drained' as const, recoverySeconds: 2, lostSteps: 4 },
    ];
    const text = renderSummaryTable(summarize(runRecord({ interruptions, fleets })), plain);
    expect(text).toContain(
      "2 interruptions (1 killed, 1 drained) cost 3.0 s of workers' time ($0.00030), 4 steps were trained again; " +
        'training went on after 250 ms, and after 2.0 s in 95 % of them\n' +
        "An hour of a worker's useful work cost $0.23, at $0.10 an hour\n",
    );
    expect(text).toContain(
      'Changed 2 times before these; metrics.jsonl has all changes\nChanged after step 3: w0 left',
    );
    expect(text).not.toContain('after step 2:');
    expect(renderSummaryTable(summarize(runRecord({ fleets: fleets.slice(1) })), plain)).toContain(
      'Changed 1 time before these; ',
    );
    const one = renderSummaryTable(summarize(runRecord({ interruptions: [interruption] })), plain);
    expect(one).toContain(
      "1 interruption (1 killed) cost 1.5 s of workers' time ($0.00015); training went on after 250 ms\n",
    );
  });

  test('says where a run went on otherwise', () => {
    const fleet = (step: number, priceUsdPerHour: number) => ({
      step,
      members: [fleetMember({ priceUsdPerHour })],
    });
    const text = renderSummaryTable(summarize(runRecord({ fleets: [fleet(0, 0.1), fleet(5, 0.2)] })), plain);
    expect(text).toContain('Changed after step 5: w0 is $0.20 an hour instead of $0.10 an hour\n');
    expect(text).toMatch(/Cost \$0.0020, now at \$0.20 an hour/);
    expect(text).toContain('Billed $0.0020; the latest ones by the second where the provider has no known rule');
  });

  test('says what was billed by which rule, and where a price is from', () => {
    const labelled = workerRecord({
      gpu: 'aws/t4/on-demand',
      priceUsdPerHour: 36,
      priceOrigin: { source: 'a list', date: '2026-09' },
      aliveSeconds: 7,
      phases: noPhaseSeconds,
    });
    const workers = [labelled, { ...labelled, workerId: 'w1', rank: 1 }, workerRecord({ workerId: 'w2', rank: 2 })];
    const text = renderSummaryTable(summarize(runRecord({ workers })), plain);
    expect(cells(text, 'w1').slice(0, 2)).toEqual(['w1', 'aws/t4/on-demand']);
    // $0.01 a second: 7 of them were used, 60 are billed.
    expect(cells(text, 'w1').slice(-2)).toEqual(['$0.070', '$0.60']);
    expect(cells(text, 'w2').slice(-2)).toEqual(['$0.0010', '$0.0010']);
    expect(text).toContain(
      'Billed $1.20: AWS by the second, at least 60 s; by the second where the provider has no known rule',
    );
    expect(text.match(/Price of .*/g)).toEqual(['Price of aws/t4/on-demand: $36.00 an hour, 2026-09, a list']);
  });

  test('is loud about why a run ended early, and about generated data', () => {
    const { dataset } = runRecord();
    const record = runRecord({
      status: 'failed',
      reason: 'worker w1 was lost',
      replicas: undefined,
      dataset: { ...dataset, name: 'digits', fallbackReason: 'no mirror could be reached' },
    });
    const text = renderSummaryTable(summarize(record), plain);
    expect(text).toContain('failed: worker w1 was lost');
    expect(text).toContain("Not real data: generated 'digits', because no mirror could be reached");
    expect(text).not.toContain('eplicas');
  });

  test('says how far apart replicas of different engines ended', () => {
    const text = renderSummaryTable(summarize(runRecord({ replicas: { identical: false, difference: 3e-7 } })), plain);
    expect(text).toContain('Replicas with different engines or CPUs ended 3e-7 apart');
    expect(text).not.toContain('bit for bit');
  });

  test('has something to say of a run in which nothing happened', () => {
    const record = runRecord({ status: 'failed', epochs: [], workers: [], steps: 0, samples: 0, trainSeconds: 0 });
    const text = renderSummaryTable(summarize(record), plain);
    expect(cells(text, 'run')).toEqual(['run', '0.0', '0']);
    expect(text).not.toContain('worker  ');
  });
});

describe('a cost at an assumed price', () => {
  const assumed = {
    priceAssumed: '1 vCPU at aws/c7a/on-demand',
    priceOrigin: { source: 'example.org/prices', date: '2026-02' },
  };
  const given = workerRecord({ workerId: 'w1', rank: 1 });

  test('is called so over every column of costs, and beside their sum', () => {
    const workers = [workerRecord(assumed), workerRecord({ ...assumed, workerId: 'w1', rank: 1 })];
    const summary = summarize(runRecord({ workers }));
    expect(summary.workers[0]).toMatchObject({ price_assumed: '1 vCPU at aws/c7a/on-demand', price_date: '2026-02' });
    const text = renderSummaryTable(summary, plain);
    expect(text.match(/assumed cost/g)).toHaveLength(2);
    expect(text).not.toMatch(/ {2}cost/);
    expect(text).toContain(
      'The price is assumed, not given: 1 vCPU at aws/c7a/on-demand (2026-02) for every worker; ' +
        '--price USD_PER_HOUR sets it, --price none leaves it out\n',
    );
    expect(text).toContain('Price of 1 vCPU at aws/c7a/on-demand: $0.10 an hour, 2026-02, example.org/prices');
  });

  test('is told from one at a given price, worker by worker', () => {
    const text = renderSummaryTable(summarize(runRecord({ workers: [workerRecord(assumed), given] })), plain);
    expect(text.match(/partly assumed cost/g)).toHaveLength(2);
    expect(cells(text, 'w0').at(-2)).toBe('assumed $0.0010');
    expect(cells(text, 'w1').at(-2)).toBe('$0.0010');
    expect(text).toContain('(2026-02) for w0;');
  });

  test('is a change of price when a resumed run is given one', () => {
    const fleets = [
      { step: 0, members: [fleetMember({ priceAssumed: '1 vCPU at a/b/c' })] },
      { step: 9, members: [fleetMember()] },
    ];
    expect(summarize(runRecord({ fleets })).fleet_changes).toEqual([
      { step: 9, change: 'w0 is $0.10 an hour instead of assumed at $0.10 an hour' },
    ]);
  });
});
