/** The main thread's link to one of an engine's other threads. */
import { Worker } from 'node:worker_threads';
import { PennygradError } from '../../shared/core/errors.ts';
import type { BatchResult } from '../engine.ts';
import type { ThreadAnswer, ThreadRequest } from './engine-thread-messages.ts';

export interface EngineThread {
  /** Resolves when the thread is done. @throws PennygradError if the thread threw or has ended; it names the thread */
  request(request: ThreadRequest): Promise<BatchResult>;
  /** Ends the thread at once, even while it computes. A second call does nothing. */
  end(): void;
}

interface Waiting {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @param name for errors: `thread 2 of the wasm engine`
 * @param program the compiled `engine-thread`, or another program with the same messages
 */
export function startEngineThread(name: string, program: string | URL): EngineThread {
  const worker = new Worker(program);
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  // An idle thread must not keep the process alive.
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
