import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineAvailability, EngineName } from '../engine/engine.ts';
import type { EngineSpeed, EngineTrialMessage, EngineTrialTask } from './engine-trial-messages.ts';

export interface EngineFacts {
  readonly engine: EngineName;
  /** Undefined when the trial ended before the engine could say. */
  readonly availability?: EngineAvailability | undefined;
  readonly speed?: EngineSpeed | undefined;
  /** Set when the trial did not end well: `crashed: killed by SIGSEGV`. */
  readonly problem?: string | undefined;
}

const engineTrialProgram = fileURLToPath(new URL('./engine-trial.js', import.meta.url));

/** Starting a native library may take long; one that hangs must not hang this process. */
const overheadMs = 60_000;

/**
 * Tries an engine in a process of its own. Never throws: a crash is a fact.
 * @param program the compiled `engine-trial`, or another that speaks its messages
 */
export function tryEngine(task: EngineTrialTask, program = engineTrialProgram): Promise<EngineFacts> {
  return new Promise((resolve) => {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'json' });
    const found: { availability?: EngineAvailability; speed?: EngineSpeed; problem?: string } = {};
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = text.trim().split('\n').at(-1) || lastWords;
    });
    child.on('message', (message: EngineTrialMessage) => {
      if (message.type === 'probed') found.availability = message.availability;
      else if (message.type === 'measured') found.speed = message.speed;
      else found.problem = `failed: ${message.message}`;
    });
    const limitMs = overheadMs + 2 * task.seconds * 1000;
    const timer = setTimeout(() => {
      found.problem = `hangs: no result in ${limitMs / 1000} s`;
      child.kill('SIGKILL');
    }, limitMs);
    const end = (crash: string | undefined) => {
      clearTimeout(timer);
      const problem = found.problem ?? (crash === undefined || lastWords === '' ? crash : `${crash}; ${lastWords}`);
      resolve({ engine: task.engine, availability: found.availability, speed: found.speed, problem });
    };
    child.on('error', (error) => end(`could not be tried: ${error.message}`));
    child.on('close', (code, signal) => {
      end(signal !== null ? `crashed: killed by ${signal}` : code !== 0 ? `crashed: exit code ${code}` : undefined);
    });
    // A process that dies at once may not take the task; its end says so.
    child.send(task, () => {});
  });
}
