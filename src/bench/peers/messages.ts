/** The messages between the benchmark and a candidate: one JSON object per line, and one request at a time. */
import { z } from 'zod';

/** A candidate's first message, when it has loaded its data and built its model. */
export const readySchema = z.object({
  /** What it computes on, with versions, for display. */
  device: z.string(),
  parameters: z.int(),
  /** See roofline.ts. Only pennygrad's own engines measure it. */
  peakFlops: z.number().positive().optional(),
});
export type Ready = z.output<typeof readySchema>;

/** Asks to train on batches of this size until the time is over, and for at least one step. */
export const requestSchema = z.object({ batch_size: z.int().min(1), seconds: z.number().min(0) });
export type Request = z.output<typeof requestSchema>;

export const answerSchema = z.object({
  steps: z.int().min(1),
  seconds: z.number().positive(),
  /** The mean loss of the last batch. Must be finite, so that no candidate wins by computing nonsense. */
  loss: z.number(),
});
export type Answer = z.output<typeof answerSchema>;

/** @throws Error that quotes the line if it does not match the schema */
export function parseMessage<Schema extends z.ZodType>(schema: Schema, line: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new Error(`it answered ${line.trim()}`, { cause: error });
  }
}
