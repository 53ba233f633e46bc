/** docs/performance.md says of each measured point what is foretold of it: every figure there is computed here. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { measuredProcessor } from '../../../src/economics/simulation/measured-costs.ts';
import { meanOf } from '../../../src/shared/core/sums.ts';
import {
  fittedCosts,
  foretellReduction,
  foretellStep,
  type MeasuredReduction,
  type MeasuredStep,
  measured,
  reductionError,
  reductionsOf,
  stepError,
  steps,
} from '../../support/measured-exchanges.ts';

const page = readFileSync(fileURLToPath(new URL('../../../docs/performance.md', import.meta.url)), 'utf8');

const figure = (ms: number) => (ms >= 99.95 ? ms.toFixed(0) : String(Number(ms.toPrecision(3))));
const count = (floats: number) => floats.toLocaleString('en-US');
const percent = (error: number) => `${(100 * Math.abs(error)).toFixed(1)} %`;
const signed = (error: number) => `${error < 0 ? '−' : '+'}${percent(error)}`;

function reductionRow(point: MeasuredReduction): string {
  const figures = [figure(point.ms), figure(foretellReduction(point)), signed(reductionError(point))];
  return `| ${point.algorithm} | ${count(point.floats)} | ${figures.join(' | ')} |`;
}

function stepRow(point: MeasuredStep): string {
  const { set, what, algorithm, workers, bitsPerSecond, computeMs, waitMs, stepMs } = point;
  const where = bitsPerSecond === undefined ? 'one host' : `${bitsPerSecond / 1e6} Mbit/s`;
  const figures = [computeMs + waitMs, stepMs, foretellStep(point)].map(figure);
  return `| ${[set, algorithm, workers, where, what, ...figures, signed(stepError(point))].join(' | ')} |`;
}

/** A row for each number of workers and floats: what was measured, and the error, by algorithm. */
function prototypeRows(): readonly string[] {
  const points = reductionsOf('prototype');
  const sizes = [...new Set(points.map(({ workers, floats }) => `${workers} | ${count(floats)}`))];
  return sizes.map((size) => {
    const own = points.filter(({ workers, floats }) => `${workers} | ${count(floats)}` === size);
    const cells = ['star', 'ring', 'mesh-two-shot'].flatMap((name) =>
      own.filter(({ algorithm }) => algorithm === name),
    );
    return `| ${size} | ${cells.map((point) => `${figure(point.ms)}, ${signed(reductionError(point))}`).join(' | ')} |`;
  });
}

test('each point has its row', () => {
  const rows = [
    ...measured.reductions.filter(({ set }) => set !== 'prototype').map(reductionRow),
    ...measured.steps.map(stepRow),
    ...prototypeRows(),
  ];
  expect(rows).toHaveLength(6 + measured.steps.length + 8);
  expect(rows.filter((row) => !page.includes(`\n${row}\n`))).toEqual([]);
});

test('the text has the fitted costs, and how far off all are', () => {
  const { others, uneven } = steps;
  const fitted = fittedCosts();
  const costs = [measuredProcessor, fitted.sharedMemory, fitted.prototype].map(
    ({ secondsPerMessage, secondsPerByte }) =>
      `${(1e6 * secondsPerMessage).toPrecision(2)} µs a message and ${(1e9 * secondsPerByte).toFixed(2)} ns a byte`,
  );
  const errors = [
    [...others, ...uneven].map(stepError),
    others.map(stepError),
    reductionsOf('prototype').map(reductionError),
  ].map((all) => all.map(Math.abs));
  const sums = errors.map((all) => `by ${percent(meanOf(all))} on average and by ${percent(Math.max(...all))} at most`);
  const flowed = page.replaceAll(/\s+/g, ' ');
  expect([...costs, ...sums].filter((statement) => !flowed.includes(statement))).toEqual([]);
});
