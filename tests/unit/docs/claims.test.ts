/** Figures in the README and docs: each names its batch, and agrees with the table that it was measured in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Prose on one line, so that a sentence is found wherever it wraps. */
function flowed(page: string): string {
  return read(page).replaceAll(/\s+/g, ' ');
}

/** Paragraphs and list items, without what commands printed. */
function paragraphs(page: string): readonly string[] {
  return read(page)
    .replaceAll(/^```.*?^```/gms, '')
    .split(/\n\s*\n|\n(?=- )/)
    .map((text) => text.replaceAll(/\s+/g, ' ').trim());
}

/** Samples per second in the first table of docs/study.md, by fleet and batch: `2 × wasm 64`. */
const studied = new Map(
  [...read('docs/study.md').matchAll(/^ (\d × [\w ()]+?) +(\d+) +([\d,]+) \(/gm)]
    .toReversed()
    .map(([, fleet, batch, rate = '']) => [`${fleet} ${batch}`, Number(rate.replaceAll(',', ''))] as const),
);

function ratio(fleet: string, than: string, batch: number): string {
  return ((studied.get(`${fleet} ${batch}`) ?? Number.NaN) / (studied.get(`${than} ${batch}`) ?? Number.NaN)).toFixed(
    2,
  );
}

const threads = (batch: number) => ratio('1 × wasm (2 threads)', '1 × wasm', batch);
const workers = (batch: number) => ratio('2 × wasm', '1 × wasm', batch);

/** A row of the first table of docs/performance.md: samples/s, ÷ PyTorch, ÷ Keras, ÷ tfjs-node. */
function benchedRow(engine: string, batch: number): readonly string[] {
  const [, , , rate = '', , , ...ratios] =
    new RegExp(
      `^ (${engine}) +(${batch}) +([\\d,]+) +([\\d,]+) +([\\d.]+ %) +([\\d.–]+) +([\\d.–]+) +([\\d.–]+)`,
      'm',
    ).exec(read('docs/performance.md')) ?? [];
  return [rate, ...ratios];
}

describe('figures', () => {
  test('of speed name their batch beside them, on every page', () => {
    const unnamed = pages.flatMap((page) =>
      paragraphs(page)
        .filter((text) => /\d (samples\/s\b|of speed)|\d times as fast/.test(text) && !/batch/i.test(text))
        .map((text) => `${page}: ${text.slice(0, 120)}`),
    );
    expect(unnamed).toEqual([]);
  });

  test('of threads and workers are those of the study, wherever they are', () => {
    expect([threads(64), threads(128), threads(256), workers(64), workers(256)]).toEqual([
      ...['1.48', '1.58', '1.77', '1.18', '1.63'],
    ]);
    expect(flowed('README.md')).toContain(
      `they train ${workers(64)} (batch 64) and ${workers(256)} (batch 256) times as fast as one worker, and one worker ` +
        `with two threads ${threads(64)} (batch 64) and ${threads(256)} (batch 256) times as fast as with one thread`,
    );
    expect(flowed('docs/workers.md')).toContain(
      `the ratio is ${threads(64)} at batch 64 (the default), ${threads(128)} at batch 128 and ${threads(256)} at batch 256`,
    );
    expect(flowed('docs/performance.md')).toContain(
      `it trains ${threads(64)} times as fast as one thread at batch 64 and ${threads(256)} times at batch 256`,
    );
    expect(flowed('docs/performance.md')).toContain(
      `At batch 64, two workers train ${workers(64)} times as fast as one, with 19 % of a step communicating and 10 % waiting; ` +
        `at batch 256, ${workers(256)} times`,
    );
    expect(flowed('docs/study.md')).toContain(`**Two threads train ${threads(64)} times as fast as one** at batch 64`);
  });

  test('of engines are those of the benchmark', () => {
    const pair = (engine: string, column: number) =>
      [32, 64].map((batch) => benchedRow(engine, batch)[column]).join(' / ');
    for (const [name, engine] of [
      ['wasm (the default)', 'wasm relaxed-simd'],
      ['tensorflow', 'tensorflow'],
    ] as const) {
      const cells = [0, 1, 2, 3].map((column) => pair(engine, column));
      expect(read('README.md')).toContain(`| ${name} | ${cells.join(' | ')} |`);
    }
    const [, small = ''] = benchedRow('wasm relaxed-simd', 32);
    const [, large = ''] = benchedRow('wasm relaxed-simd', 64);
    expect(flowed('README.md')).toContain(
      `trains ${Number(small).toFixed(1)} times as fast as PyTorch at batch 32 and ${Number(large).toFixed(1)} times as fast at batch 64`,
    );
    const [rate] = benchedRow('wasm relaxed-simd', 64);
    expect(flowed('docs/performance.md')).toContain(`one core at batch 64 to the ${rate} of the first table`);
  });
});
