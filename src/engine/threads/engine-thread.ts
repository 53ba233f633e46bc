/** The program of a thread of the wasm engine: carries out requests on its own replica. */
import { parentPort } from 'node:worker_threads';
import { messageOf, PennygradError } from '../../shared/core/errors.ts';
import type { BatchResult, Engine } from '../engine.ts';
import { createWasmEngine } from '../wasm/wasm-engine.ts';
import { emptyResult, type ThreadAnswer, type ThreadRequest } from './engine-thread-messages.ts';

let created: Engine | undefined;

async function carryOut(request: ThreadRequest): Promise<BatchResult> {
  if (request.type === 'create') {
    created = await createWasmEngine(request.options, request.flavour);
    return emptyResult;
  }
  if (created === undefined) throw new Error(`asked to ${request.type} before there is an engine`);
  const engine = created;
  switch (request.type) {
    case 'compute-gradients':
      return engine.computeGradients(request.indices, request.gradients);
    case 'evaluate':
      return engine.evaluate(request.split, request.from, request.to);
    case 'apply-gradients':
      await engine.applyGradients(request.gradientSum, request.samples);
      return emptyResult;
    case 'set-parameters':
      await engine.setParameters(request.parameters);
      return emptyResult;
    case 'set-optimizer-state':
      await engine.setOptimizerState(request.state);
      return emptyResult;
    default:
      return request satisfies never;
  }
}

async function answer(request: ThreadRequest): Promise<ThreadAnswer> {
  try {
    return { type: 'done', result: await carryOut(request) };
  } catch (error) {
    const code = error instanceof PennygradError ? error.code : 'run-failed';
    return { type: 'failed', code, message: messageOf(error) };
  }
}

// Requests run one at a time and in order, although each of them may wait for something.
let last: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (request: ThreadRequest) => {
  last = last.then(async () => parentPort?.postMessage(await answer(request)));
});
