/** What the result of a trial depends on: a trial is remembered for all runs that have this in common. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { modelNames, optimizerNames } from '../../shared/model/model-spec.ts';
import { engineNames } from '../engine.ts';

const size = z.int().positive();

/** The machine and the programs on it. Everything is compared, so a change of any field calls for another trial. */
const trialMachine = z.strictObject({
  pennygrad: z.string(),
  node: z.string(),
  platform: z.string(),
  cpu: z.string(),
  /** Cores that a process may use, for example 1.5. */
  cores: z.number().positive(),
});
export type TrialMachine = z.infer<typeof trialMachine>;

export const trialSubject = z.strictObject({
  machine: trialMachine,
  /** `--threads`; null lets each engine choose. */
  threads: size.nullable(),
  /** How many threads TensorFlow takes. Those of wasm are part of its device's name. */
  tensorflowThreads: size,
  model: z.strictObject({
    name: z.enum(modelNames),
    inputShape: z.tuple([size, size, size]).readonly(),
    classes: size,
  }),
  optimizer: z.enum(optimizerNames),
  contenders: z
    .array(
      z.strictObject({
        engine: z.enum(engineNames),
        device: z.string(),
        hardware: z.string().optional(),
        onlyIfFaster: z.literal(true).optional(),
      }),
    )
    .readonly(),
});
export type TrialSubject = z.infer<typeof trialSubject>;

/** Equal for equal subjects, whatever order their fields are in. */
export function subjectKey(subject: TrialSubject): string {
  return createHash('sha256')
    .update(JSON.stringify(trialSubject.parse(subject)))
    .digest('hex')
    .slice(0, 32);
}
