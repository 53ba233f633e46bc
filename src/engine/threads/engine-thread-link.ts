/** A further thread of an engine, as the engine's main thread sees it. */
import { Worker } from 'node:worker_threads';
import { PennygradError } from '../../shared/core/errors.ts';
import type { BatchResult } from '../engine.ts';
import type { ThreadAnswer, ThreadRequest } from './engine-thread-messages.ts';

export interface EngineThread {
  /** Resolves when the thread has done it. @throws what the thread threw, or that the thread has ended, naming it */
  request(request: ThreadRequest): Promise<BatchResult>;
  /** Ends the thread at once, whatever it does. May be called twice. */
  end(): void;
}

interface Waiting {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @param name in words, for errors: `thread 2 of engine wasm`
 * @param program the compiled `engine-thread`, or another that speaks its messages
 */
export function startEngineThread(name: string, program: string | URL): EngineThread {
  const worker = new Worker(program);
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  // Only what is waited for keeps the process alive.
  worker.unref();

  function endWith(error: Error): void {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  }

  worker.on('message', (answer: ThreadAnswer) => {
    const asked = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (answer.type === 'done') asked?.resolve(answer.result);
    else asked?.reject(new PennygradError(answer.code, `${name}: ${answer.message}`));
  });
  worker.on('error', (error) => endWith(died(name, error.message, error)));
  worker.on('exit', (code) => endWith(died(name, `it ended with code ${code}`)));

  return {
    request(request) {
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(request);
      });
    },
    end() {
      void worker.terminate();
    },
  };
}

function died(name: string, reason: string, cause?: Error): PennygradError {
  return new PennygradError('run-failed', `${name} died: ${reason}`, { cause });
}
