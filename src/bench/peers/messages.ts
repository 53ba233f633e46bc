/** What the benchmark and a candidate's process tell each other: one JSON object a line, a request and its answer at a time. */
import { z } from 'zod';

/** The first thing a candidate says: it has loaded its data and built its model. */
export const readySchema = z.object({
  /** What computes, with versions, in words. */
  device: z.string(),
  parameters: z.int(),
  /** See roofline.ts; only pennygrad's own engines measure it. */
  peakFlops: z.number().positive().optional(),
});
export type Ready = z.output<typeof readySchema>;

/** Train on batches of this size until the time is over, and one step at least. */
export const requestSchema = z.object({ batch_size: z.int().min(1), seconds: z.number().min(0) });
export type Request = z.output<typeof requestSchema>;

export const answerSchema = z.object({
  steps: z.int().min(1),
  seconds: z.number().positive(),
  /** Mean over the last batch. Must be finite: no candidate wins by computing nonsense. */
  loss: z.number(),
});
export type Answer = z.output<typeof answerSchema>;

/** @throws Error that quotes the line if it is not what the schema says */
export function parseMessage<Schema extends z.ZodType>(schema: Schema, line: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new Error(`it answered ${line.trim()}`, { cause: error });
  }
}
