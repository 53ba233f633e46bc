import { afterEach, expect, test, vi } from 'vitest';
import { printResult } from '../../../src/cli/print-result.ts';
import { summarize } from '../../../src/economics/record/summarize.ts';
import { type ErrorCode, PennygradError } from '../../../src/shared/core/errors.ts';
import { runRecord } from '../../support/run-records.ts';
import { budgetConfig } from '../../support/settings.ts';

afterEach(() => vi.restoreAllMocks());

/** What a run that ends with this error prints on stderr. */
function stderrOf(code: ErrorCode, { json }: { readonly json: boolean }): string {
  const lines: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line) => lines.push(String(line)));
  vi.spyOn(console, 'log').mockImplementation(() => {});
  printResult(
    { summary: summarize(runRecord()), predictions: undefined, error: new PennygradError(code, 'it ended') },
    {
      print: { json, quiet: true },
      verbose: false,
      folder: 'runs/a',
      command: 'train',
      budget: budgetConfig(),
      spent: { usd: 1, billedUsd: 1, seconds: 60 },
      restart: { usd: 0.6, rentals: 1, hasMinimum: true },
      rejected: new Map(),
      cautions: [],
    },
  );
  return lines.join('\n');
}

test.each([{ json: false }, { json: true }])(
  'a run that was interrupted says how to resume it, and what that is billed at least: %o',
  (print) => {
    for (const code of ['interrupted', 'quorum-lost', 'budget-reached'] as const) {
      expect(stderrOf(code, print)).toBe(
        'pennygrad: it ended\nresuming rents its worker anew, which is billed $0.60 at least\n' +
          'to resume: pennygrad train --resume runs/a',
      );
    }
  },
);

test('a run that diverged is not to be resumed', () => {
  expect(stderrOf('diverged', { json: false })).toBe('pennygrad: it ended');
});
