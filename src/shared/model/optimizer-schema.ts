import { z } from 'zod';
import { parseCompression } from '../core/compression-name.ts';
import { type OptimizerSpec, optimizerNames } from './model-spec.ts';

/** An optimizer, as messages and checkpoints describe it. */
export const optimizerSchema = z.object({
  name: z.enum(optimizerNames),
  learningRate: z.number().positive(),
  local: z
    .object({
      batchSize: z.int().min(1),
      learningRate: z.number().positive(),
      momentum: z.number().min(0).lt(1),
    })
    .optional(),
  compression: z
    .string()
    .max(20)
    .refine((name) => parseCompression(name) !== undefined, 'a compression that is known here')
    .optional(),
}) satisfies z.ZodType<OptimizerSpec>;
