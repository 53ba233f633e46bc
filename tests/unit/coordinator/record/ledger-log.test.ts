import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLedgerLog, keptEvery } from '../../../../src/coordinator/record/ledger-log.ts';
import type { LedgerEvent } from '../../../../src/coordinator/run-events.ts';
import { newAccount } from '../../../../src/economics/ledger/ledger.ts';
import { createLineFile } from '../../../../src/shared/files/line-file.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** Draws up the accounts once a second. @returns the ages that are in the file after each of these seconds */
function logFor(seconds: number, workers: number, from = 0, cause: LedgerEvent['cause'] = 'interim') {
  const path = join(temporaryFolder(), 'ledger.jsonl');
  const log = createLedgerLog(createLineFile(path));
  const entries = Array.from({ length: workers }, (_, index) => ({
    workerId: `w${index}`,
    rank: index,
    samples: 0,
    account: newAccount,
    priceSinceUnixMs: 0,
  }));
  const ages = () => [...new Set(linesOf(path).map(({ run_seconds }) => run_seconds))];
  for (let age = from; age < from + seconds; age++) {
    log({ type: 'ledger', at: age, cause, step: 0, runSeconds: age, costUsd: 0, entries }, age * 1000);
    // Whatever is kept, the newest accounts are there, of all workers.
    expect(ages().at(-1)).toBe(age);
    expect(linesOf(path).filter(({ run_seconds }) => run_seconds === age)).toHaveLength(workers);
  }
  return ages();
}

function linesOf(path: string): { run_seconds: number }[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('the accounts of every second', () => {
  it('are all kept where a run is short and has few workers', () => {
    expect(logFor(5, 2)).toEqual([0, 1, 2, 3, 4]);
  });

  it('are thinned out where it has many workers, and end with the newest', () => {
    expect(logFor(10, 32)).toEqual([0, 4, 8, 9]);
  });

  it('are thinned out where it has lasted long', () => {
    expect(logFor(8, 1, 3000)).toEqual([3000, 3003, 3006, 3007]);
  });

  it('of another cause are always kept', () => {
    expect(logFor(4, 32, 0, 'checkpoint')).toEqual([0, 1, 2, 3]);
  });

  it('are half a million lines in a day of 256 workers', () => {
    let [lines, next] = [0, 0];
    for (let age = 0; age < 86_400; age++) {
      if (age < next) continue;
      lines += 256;
      next = age + keptEvery(256, age);
    }
    expect(lines).toBeGreaterThan(400_000);
    expect(lines).toBeLessThan(600_000);
  });
});
