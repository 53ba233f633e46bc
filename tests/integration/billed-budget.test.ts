/** Budgets of what providers bill, with real processes: the bill stops short of them, and no start is begun in vain. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { readLedgerRows } from '../support/ledger-lines.ts';
import { killAll, run } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

/** A cent a second: by the second at RunPod, sixty of them at least at GCP. */
const table = join(temporaryFolder(), 'mine.yaml');
writeFileSync(
  table,
  ['RunPod', 'GCP']
    .map((provider) => `- {gpu: T4, provider: ${provider}, usd_per_hour: 36, date: 2020-01, pricing: spot}\n`)
    .join(''),
);
const endless = ['train', '--dataset', writeIdxFolder(6400, 16), '--model', 'softmax', '--epochs', '100000'];

it('a run ends before its bill passes the budget, and says what resuming it takes', async () => {
  const out = join(temporaryFolder(), 'run');
  const budgets = ['--budget-usd', '0.16', '--budget-basis', 'billed'];
  const { code, stderr } = await run([
    ...[
      ...endless,
      '--prices',
      table,
      '--worker',
      'gpu=runpod/t4/spot',
      '--out',
      out,
      '--metrics-port',
      '0',
      ...budgets,
    ],
  ]);
  expect(code).toBe(5);
  expect(stderr).toMatch(
    /--budget-usd 0\.16 leaves no room for the next unit of the bill after step \d+; the checkpoint has it/,
  );
  // By the second: a restart takes nothing but its time.
  expect(stderr).not.toContain('anew');
  const { billed_usd_total: billed, steps, budget } = readSummary(out);
  expect(steps).toBeGreaterThan(0);
  expect(billed).toBeLessThanOrEqual(0.16 + 1e-9);
  // It is not given up long before.
  expect(billed).toBeGreaterThan(0.04);
  expect(budget).toEqual({ usd: 0.16, basis: 'billed' });
  expect(readLedgerRows(out).at(-1)).toMatchObject({ cause: 'end', billed_usd: expect.closeTo(billed, 9) });
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).settings).toMatchObject({
    budgetUsd: 0.16,
    budgetBasis: 'billed',
  });
  const [, more] = stderr.match(/to resume: pennygrad train --resume \S+ --budget-usd (\S+)\n/) ?? [];
  expect(Number(more)).toBeGreaterThanOrEqual(2 * billed + 0.01 - 1e-9);
  expect(Number(more)).toBeLessThan(1.1 * (2 * billed + 0.01));
});

it('a minimum is paid by whoever starts: refused below it, said at the end, asked for again by a restart', async () => {
  const out = join(temporaryFolder(), 'run');
  const gcp = [...endless, '--prices', table, '--worker', 'gpu=gcp/t4/spot', '--out', out, '--metrics-port', '0'];
  const refused = await run([...gcp, '--budget-usd', '0.59', '--budget-basis', 'billed']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/--budget-usd 0\.59: the rental of a worker will be billed \$0\.60 at least/);
  expect(existsSync(join(out, 'config.json'))).toBe(false);

  // Two seconds and a minute are billed the same.
  const ended = await run([...gcp, '--budget-usd', '0.02']);
  expect(ended.code).toBe(5);
  expect(readSummary(out)).toMatchObject({ billed_usd_total: 0.6, budget: { usd: 0.02, basis: 'accrued' } });
  expect(ended.stderr).toContain('resuming rents its worker anew, which is billed $0.60 at least\n');

  const again = await run(['train', '--resume', out, '--budget-usd', '1.19', '--budget-basis', 'billed']);
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/billed \$0\.60 at least, .*, and \$0\.60 is billed already; give it more/);
  const { steps } = readSummary(out);
  const freed = await run([
    'train',
    '--resume',
    out,
    '--budget-usd',
    'none',
    '--budget-hours',
    'none',
    '--steps',
    String(steps + 5),
  ]);
  expect(freed.code).toBe(0);
  expect(readSummary(out)).not.toHaveProperty('budget');
});
