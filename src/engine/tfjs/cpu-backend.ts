/** Registers tfjs's plain JavaScript kernels, loaded as `shared/model/tfjs-core.ts` says. */
import { createRequire } from 'node:module';

createRequire(import.meta.url)('@tensorflow/tfjs-backend-cpu');
