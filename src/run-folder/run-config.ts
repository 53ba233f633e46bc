/** What `config.json` says of a run to those who only count it. */
import { join } from 'node:path';
import { z } from 'zod';
import { printable } from '../shared/core/printable.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';

const text = z.string().overwrite(printable).optional();
const configSchema = z.looseObject({
  run_id: z.string().min(1).overwrite(printable).optional().catch(undefined),
  workers: z.array(z.looseObject({ worker_id: z.string(), gpu: text, device: text })).catch([]),
});

export interface ConfiguredRun {
  readonly runId: string | undefined;
  /** Labels and devices of the workers of the last sitting, by worker. */
  readonly workers: ReadonlyMap<string, { readonly gpu: string | undefined; readonly device: string | undefined }>;
}

/** What can be read of it: a run whose config is lost or damaged is counted all the same. */
export function readConfigured(folder: string): ConfiguredRun {
  try {
    const config = JSON.parse(readBoundedText(join(folder, 'config.json'), fileLimits.settings));
    const { run_id: runId, workers } = configSchema.parse(config);
    return { runId, workers: new Map(workers.map(({ worker_id, gpu, device }) => [worker_id, { gpu, device }])) };
  } catch {
    return { runId: undefined, workers: new Map() };
  }
}
