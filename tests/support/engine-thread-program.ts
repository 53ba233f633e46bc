import { existsSync } from 'node:fs';

/** A thread runs compiled code, also where the tests run the source. */
export const engineThreadProgram = new URL('../../dist/engine/threads/engine-thread.js', import.meta.url);

if (!existsSync(engineThreadProgram)) throw new Error(`${engineThreadProgram.pathname} is missing: run npm run build`);
