/**
 * `node --import bit-flips.mjs dist/cli/main.js worker …`: a worker whose memory goes wrong when it is told to. At SIGUSR2 it
 * reads an order from the file TEST_BIT_FLIP and, after an update, flips that bit of that parameter. It also waits
 * TEST_STEP_MS after each update, so that a small model's run lasts. The program itself is as it is built: only the engine
 * that it loads is wrapped.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

// Node loads this file a second time, on the thread that runs `load`.
if (isMainThread) register(import.meta.url);

const engine = '/dist/engine/wasm/wasm-engine.js';

/** Node's hook: what is loaded in place of the engine's file. */
export async function load(url, context, next) {
  if (!url.endsWith(engine)) return next(url, context);
  const original = JSON.stringify(`${url}?as-built`);
  const source = `
    import { createWasmEngine as create } from ${original};
    import { withBitFlips } from ${JSON.stringify(import.meta.url)};
    export { createOpByOpEngine } from ${original};
    export const createWasmEngine = async (...given) => withBitFlips(await create(...given));`;
  return { format: 'module', shortCircuit: true, source };
}

/** `every`: the flip waits for an update after which the steps are divisible by it. */
export function withBitFlips(engine) {
  let order;
  process.on('SIGUSR2', () => {
    order = JSON.parse(readFileSync(process.env.TEST_BIT_FLIP, 'utf8'));
  });

  async function flip() {
    const { iterations } = await engine.getOptimizerState();
    if (order === undefined || iterations % order.every !== 0) return;
    const { parameter, bit } = order;
    order = undefined;
    const parameters = await engine.getParameters();
    new Uint32Array(parameters.buffer, parameters.byteOffset)[parameter] ^= 2 ** bit;
    await engine.setParameters(parameters);
    console.log(`flipped bit ${bit} of parameter ${parameter} after step ${iterations}`);
  }

  return {
    ...engine,
    async applyGradients(sum, samples) {
      await engine.applyGradients(sum, samples);
      await sleep(Number(process.env.TEST_STEP_MS ?? 0));
      if (order !== undefined) await flip();
    },
  };
}
