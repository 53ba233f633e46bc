/** Trials as a worker makes them, each in a process of its own. The processes here pretend to be engines. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cpuProvider } from '../../../../src/engine/cpu/cpu-provider.ts';
import { runProgram } from '../../../../src/engine/run-program.ts';
import { measureEngine } from '../../../../src/engine/trials/measure-engine.ts';
import { recallTrial } from '../../../../src/engine/trials/remembered-trials.ts';
import { type EngineTrials, tryEngines } from '../../../../src/engine/trials/try-engines.ts';
import { systemClock } from '../../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../../src/shared/core/timers.ts';
import { trialSubject as subject } from '../../../support/engine-trials.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const wasmSpeed = '{"samplesPerSecond":6000,"bestSamplesPerSecond":6298}';

/** @param tensorflow what its process does instead of measuring; wasm's prints a speed. Both note that they have run */
function pretend(tensorflow: string, limitMs = 20_000): EngineTrials & { readonly runs: () => string } {
  const folder = temporaryFolder();
  const program = join(folder, 'program.mjs');
  const notes = join(folder, 'notes');
  writeFileSync(notes, '');
  writeFileSync(
    program,
    `import { appendFileSync } from 'node:fs';
     const { engine } = JSON.parse(process.argv[2]);
     appendFileSync(${JSON.stringify(notes)}, engine + ' ');
     if (engine === 'wasm') console.log('some library says hello\\n${wasmSpeed}');
     else { ${tensorflow} }`,
  );
  return {
    folder: join(folder, 'trials'),
    limitMs,
    // Only what hangs meets the limit: wasm's process may start slowly.
    run: (node, args, options) => runProgram(node, args, args[1]?.includes('wasm') ? {} : options),
    clock: systemClock,
    timers: systemTimers,
    onTrial: () => {},
    program,
    runs: () => readFileSync(notes, 'utf8'),
  };
}

it.each([
  [
    'that is measured',
    `console.log('{"samplesPerSecond":7500,"bestSamplesPerSecond":7859}')`,
    undefined,
    {
      samplesPerSecond: 7500,
      bestSamplesPerSecond: 7859,
    },
  ],
  ['that says what is wrong', `console.error('no CUDA\\nreally'); process.exit(1)`, undefined, { problem: 'really' }],
  [
    'that prints what is no speed',
    `console.log('{"samplesPerSecond":0}')`,
    undefined,
    {
      problem: 'it ended with code 0 and without a result',
    },
  ],
  [
    'that crashes',
    `process.kill(process.pid, 'SIGSEGV')`,
    undefined,
    {
      problem: 'its process was killed, or took longer than 20 s',
    },
  ],
  ['that hangs', 'setInterval(() => {}, 1000)', 700, { problem: 'its process was killed, or took longer than 0.7 s' }],
] as const)('an engine %s', async (_, tensorflow, limitMs, result) => {
  const trials = pretend(tensorflow, limitMs);
  const wasm = { engine: 'wasm', samplesPerSecond: 6000, bestSamplesPerSecond: 6298 };
  const expected = { subject, results: [{ engine: 'tensorflow', ...result }, wasm] };
  expect(await tryEngines(subject, trials)).toMatchObject(expected);
  expect(recallTrial(trials.folder, subject, Date.now())).toMatchObject(expected);
});

it('engines are tried once for all workers of a host, and for all that come later', async () => {
  const trials = pretend(`console.log('${wasmSpeed}')`);
  const tried: (readonly string[])[] = [];
  const worker = () => tryEngines(subject, { ...trials, onTrial: (engines) => tried.push(engines) });
  const [first, ...others] = await Promise.all([worker(), worker(), worker()]);
  for (const other of [...others, await worker()]) expect(other).toEqual(first);
  expect(trials.runs()).toBe('tensorflow wasm ');
  expect(tried).toEqual([['tensorflow', 'wasm']]);
});

it('an engine is measured on images of any shape', async () => {
  const speed = await measureEngine(cpuProvider, { name: 'softmax', inputShape: [5, 4, 3], classes: 7 }, 'sgd');
  expect(speed.samplesPerSecond).toBeGreaterThan(0);
  expect(speed.bestSamplesPerSecond).toBeGreaterThanOrEqual(speed.samplesPerSecond);
  expect(speed.coresUsed).toBeGreaterThan(0);
});
