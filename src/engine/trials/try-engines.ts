/** Tries engines against each other, once for each machine and model. */
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../shared/core/clock.ts';
import type { Timers } from '../../shared/core/timers.ts';
import type { EngineName } from '../engine.ts';
import type { RunProgram } from '../run-program.ts';
import type { Trial, TrialResult } from './decide-engine.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { recallTrial, rememberTrial, trialFile, trialSpeed } from './remembered-trials.ts';
import type { TrialTask } from './trial-program.ts';
import type { TrialSubject } from './trial-subject.ts';

export interface EngineTrials {
  /** Where trials are remembered. */
  readonly folder: string;
  /** How long the trial of one engine may take, in milliseconds. */
  readonly limitMs: number;
  readonly run: RunProgram;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Called before engines are tried, which takes a moment. */
  readonly onTrial: (engines: readonly EngineName[]) => void;
  /** The compiled `trial-program`, unless given. */
  readonly program?: string;
}

const trialProgram = fileURLToPath(new URL('./trial-program.js', import.meta.url));

/** What a trial of the subject has found: now, or whenever it was made. Never rejects. */
export async function tryEngines(subject: TrialSubject, trials: EngineTrials): Promise<Trial> {
  const { folder, limitMs, clock, timers, onTrial } = trials;
  const engines = subject.contenders.map(({ engine }) => engine);
  const patienceMs = engines.length * limitMs;
  const trial = await oneAtATime({
    claim: `${trialFile(folder, subject)}.claim`,
    find: () => recallTrial(folder, subject, clock.unixMs()),
    async work() {
      onTrial(engines);
      const results: TrialResult[] = [];
      // One after the other, so that they do not disturb each other.
      for (const engine of engines) results.push(await tryEngine(engine, subject, trials));
      const measuredAt = new Date(clock.unixMs()).toISOString();
      return rememberTrial(folder, { version: 1, subject, measuredAt, results }, clock.unixMs());
    },
    patienceMs,
    clock,
    timers,
  });
  return trial ?? { untried: `another process has been trying them for ${Math.round(patienceMs / 1000)} s` };
}

async function tryEngine(
  engine: EngineName,
  { threads, model, optimizer }: TrialSubject,
  { run, limitMs, program = trialProgram }: EngineTrials,
): Promise<TrialResult> {
  const task: TrialTask = { engine, threads, model, optimizer };
  const { code, stdout, stderr } = await run(process.execPath, [program, JSON.stringify(task)], { timeoutMs: limitMs });
  const lastWords = stderr.trim().split('\n').at(-1) ?? '';
  if (code === undefined) {
    const ended = `its process was killed, or took longer than ${limitMs / 1000} s`;
    return { engine, problem: lastWords === '' ? ended : `${ended}: ${lastWords}` };
  }
  const output = trialSpeed.safeParse(parseLine(stdout.trim().split('\n').at(-1) ?? ''));
  if (code !== 0 || !output.success)
    return { engine, problem: lastWords || `it ended with code ${code} and without a result` };
  return { engine, ...output.data };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
