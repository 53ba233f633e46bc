import type { EngineAvailability, EngineProvider } from '../../engine/engine.ts';
import { selectEngine } from '../../engine/engines.ts';
import { type Contender, decideEngine } from '../../engine/trials/decide-engine.ts';
import type { RememberedTrial } from '../../engine/trials/remembered-trials.ts';
import { messageOf } from '../../shared/core/errors.ts';
import { describeModel } from '../../shared/model/model-spec.ts';
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
 * @param trials those that this machine remembers; where `auto` decides by one, every model may have another result
 */
export async function checkEngines(
  engines: readonly EngineFacts[],
  trials: readonly RememberedTrial[] = [],
): Promise<readonly Check[]> {
  const name = 'engine';
  const working = engines.filter((facts) => engineState(facts) === 'usable' || engineState(facts) === 'by name only');
  const instead = working.map(({ engine }) => `--backend ${engine}`).join(' or ');
  const remedy = instead === '' ? 'reinstall pennygrad' : `train with ${instead}`;
  // A run probes the engines in turn. If one crashes the process, the run never reaches the next engine.
  const fatal = engines.find(({ availability }) => availability === undefined);
  const providers = (fatal === undefined ? engines : engines.slice(0, engines.indexOf(fatal))).map(asProvider);
  const untried = { untried: 'no trial of them is remembered here, and the first run makes one' };
  let contenders: readonly Contender[] = [];
  try {
    const { provider, reason } = await selectEngine('auto', providers, async (found) => {
      contenders = found;
      return untried;
    });
    const decided = trials
      .filter(({ subject }) => sameEngines(subject.contenders, contenders))
      .map((trial) => ({ trial, ...decideEngine(contenders, trial) }));
    const taken = decided.length === 0 ? [provider.name] : decided.map(({ engine }) => engine);
    const broken = engines.find(({ engine, problem }) => problem !== undefined && taken.includes(engine));
    if (broken !== undefined) {
      return [{ name, status: 'fail', line: `auto takes ${broken.engine}, which ${broken.problem}`, remedy }];
    }
    if (decided.length === 0) return [{ name, status: 'ok', line: `auto takes ${reason}` }];
    const either = contenders.map(({ engine }) => engine).join(' or ');
    return [
      { name, status: 'ok', line: `auto takes ${either}, by a trial of the model` },
      ...decided.map((decision) => ({ name: 'trial', status: 'ok', line: describeTrial(decision) }) as const),
    ];
  } catch (error) {
    const line = fatal === undefined ? messageOf(error) : `auto tries ${fatal.engine}, which ${fatal.problem}`;
    return [{ name, status: 'fail', line, remedy }];
  }
}

/** Engines that were installed or removed since would be tried anew. */
function sameEngines(tried: readonly Contender[], here: readonly Contender[]): boolean {
  return tried.map(({ engine }) => engine).join() === here.map(({ engine }) => engine).join();
}

function describeTrial({ trial, reason }: { readonly trial: RememberedTrial; readonly reason: string }): string {
  const { model, optimizer, threads, tensorflowThreads } = trial.subject;
  const count = threads ?? tensorflowThreads;
  const cores = `${threads === null ? 'tensorflow' : 'each'} on ${count} ${count === 1 ? 'thread' : 'threads'}`;
  return `${trial.measuredAt.slice(0, 10)}, ${describeModel(model)}, ${optimizer}, ${cores}: ${reason}`;
}

function asProvider({ engine, availability }: EngineFacts): EngineProvider {
  const found: EngineAvailability = availability ?? { usable: false, reason: 'it crashed', remedy: 'see above' };
  return {
    name: engine,
    probe: async () => found,
    create: () => Promise.reject(new Error('a diagnosis creates no engine')),
  };
}
