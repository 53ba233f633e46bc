import type { EngineAvailability, EngineProvider } from '../../engine/engine.ts';
import { selectEngine } from '../../engine/engines.ts';
import { messageOf } from '../../shared/core/errors.ts';
import type { EngineFacts } from '../facts/try-engine.ts';
import type { Check } from './check.ts';

/** `broken`: it crashed, failed or hung in its trial. */
export type EngineState = 'usable' | 'by name only' | 'not usable' | 'broken';

export function engineState({ availability, problem }: EngineFacts): EngineState {
  if (problem !== undefined || availability === undefined) return 'broken';
  if (!availability.usable) return 'not usable';
  return availability.notAutomatic === undefined ? 'usable' : 'by name only';
}

/** Explains an engine's state: why it is not usable or not automatic and what to run, or what went wrong. */
export function explainEngine(facts: EngineFacts): { readonly why?: string; readonly remedy?: string } {
  const { availability, problem } = facts;
  if (problem !== undefined) return { why: problem };
  if (availability === undefined) return { why: 'it ended without an error message' };
  if (!availability.usable) return { why: availability.reason, remedy: availability.remedy };
  return availability.notAutomatic === undefined ? {} : { why: availability.notAutomatic };
}

/**
 * Checks which engine `auto` takes, by the rule that a run uses, and whether that engine works.
 * @param engines in the order of preference
 */
export async function checkEngines(engines: readonly EngineFacts[]): Promise<Check> {
  const name = 'engine';
  const working = engines.filter((facts) => engineState(facts) === 'usable' || engineState(facts) === 'by name only');
  const instead = working.map(({ engine }) => `--backend ${engine}`).join(' or ');
  const otherwise = instead === '' ? 'reinstall pennygrad' : `train with ${instead}`;
  // A run probes the engines in turn. If one crashes the process, the run never reaches the next engine.
  const fatal = engines.find(({ availability }) => availability === undefined);
  const before = fatal === undefined ? engines : engines.slice(0, engines.indexOf(fatal));
  try {
    const { provider, reason } = await selectEngine('auto', before.map(asProvider));
    const chosen = engines.find(({ engine }) => engine === provider.name);
    if (chosen?.problem === undefined) return { name, status: 'ok', line: `auto takes ${reason}` };
    const line = `auto takes ${provider.name}, which ${chosen.problem}`;
    return { name, status: 'fail', line, remedy: otherwise };
  } catch (error) {
    const line = fatal === undefined ? messageOf(error) : `auto tries ${fatal.engine}, which ${fatal.problem}`;
    return { name, status: 'fail', line, remedy: otherwise };
  }
}

function asProvider({ engine, availability }: EngineFacts): EngineProvider {
  const found: EngineAvailability = availability ?? { usable: false, reason: 'it crashed', remedy: 'see above' };
  return {
    name: engine,
    probe: async () => found,
    create: () => Promise.reject(new Error('a diagnosis creates no engine')),
  };
}
