/** Tries an engine in a process of its own, in which a native library may crash. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineAvailability, EngineName } from '../../engine/engine.ts';
import type { EngineSpeed, EngineTrialMessage, EngineTrialTask } from './engine-trial-messages.ts';

export interface EngineFacts {
  readonly engine: EngineName;
  /** Undefined if the trial ended before it was known. */
  readonly availability?: EngineAvailability | undefined;
  readonly speed?: EngineSpeed | undefined;
  /** Set if the trial failed: `crashed: killed by SIGSEGV`. */
  readonly problem?: string | undefined;
}

const engineTrialProgram = fileURLToPath(new URL('./engine-trial.js', import.meta.url));

/** Enough for a native library to start. One that hangs must not hang this process. */
const overheadMs = 60_000;

/**
 * Never rejects: a crash is a result.
 * @param program the compiled `engine-trial`, or another program with the same messages
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
    child.on('error', (error) => end(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      end(signal !== null ? `crashed: killed by ${signal}` : code !== 0 ? `crashed: exit code ${code}` : undefined);
    });
    // Errors are ignored: if the process dies at once, `close` reports it.
    child.send(task, () => {});
  });
}
