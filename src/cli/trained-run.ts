/** Opens a trained run: loads its newest checkpoint into an engine of this process. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { selectEngine } from '../engine/engines.ts';
import { listCheckpoints } from '../run-folder/checkpoints.ts';
import { type DataConfig, dataSettings } from '../settings/data-settings.ts';
import { type EngineConfig, engineSettings } from '../settings/engine-settings.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { readBoundedFile, readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { decodeCheckpoint, type SavedCheckpoint } from '../shared/model/checkpoint-files.ts';
import { printWarning } from './print-warning.ts';
import { recordedDataset } from './recorded-paths.ts';

/** Settings of the commands that open a run. */
export const trainedRunSettings = {
  backend: engineSettings.backend,
  ...dataSettings,
  dataset: { ...dataSettings.dataset, defaultText: "the run's" },
} as const;

/** The positional argument that names the run. */
export const runPositional = {
  type: 'string',
  describe: "A run's folder, or one of its checkpoints",
  demandOption: true,
} as const;

export interface TrainedRun {
  /** The checkpoint's folder. */
  readonly path: string;
  readonly saved: SavedCheckpoint;
  readonly dataset: Dataset;
  readonly engine: Engine;
}

type OpenSettings = DataConfig & Pick<EngineConfig, 'backend'>;

/**
 * @param path a run's folder, or the folder of one of its checkpoints
 * @throws bad-input naming what is missing or does not match
 */
export async function openTrainedRun(path: string, settings: OpenSettings): Promise<TrainedRun> {
  const folder = findCheckpoint(path);
  const saved = decodeCheckpoint(folder, (file, maxBytes) => readBoundedFile(join(folder, file), maxBytes));
  const trainedOn = settings.dataset === undefined ? readDataset(path) : undefined;
  const dataset = await loadDataset(settings.dataset ?? trainedOn?.name, {
    ...settings,
    onWarning: printWarning,
  });
  const { model, optimizer, seed } = saved.trained;
  if (dataset.imageShape.join() !== model.inputShape.join() || dataset.classes !== model.classes) {
    throw badInput(
      `${path}: the model takes ${model.inputShape.join('×')} images of ${model.classes} classes, ` +
        `dataset ${dataset.name} has ${dataset.imageShape.join('×')} of ${dataset.classes}`,
    );
  }
  if (trainedOn?.digest !== undefined && trainedOn.digest !== dataset.digest) {
    throw badInput(
      `${path}: was trained on other data than ${dataset.name} is now; pass --dataset to evaluate on it anyway`,
    );
  }
  const { provider } = await selectEngine(settings.backend);
  const engine = await provider.create({ model, optimizer, seed, dataset });
  await engine.setParameters(saved.checkpoint.state.parameters);
  return { path: folder, saved, dataset, engine };
}

function findCheckpoint(path: string): string {
  if (!existsSync(path)) throw badInput(`${path}: no such folder; name a run's folder, for example runs/RUN-ID`);
  if (existsSync(join(path, 'model.json'))) return path;
  const checkpoints = existsSync(join(path, 'checkpoints')) ? join(path, 'checkpoints') : path;
  const newest = namesIn(checkpoints).at(-1);
  if (newest === undefined) throw badInput(`${path}: there is no checkpoint (no checkpoints/step-N)`);
  return join(checkpoints, newest);
}

function namesIn(folder: string): readonly string[] {
  try {
    return listCheckpoints(folder);
  } catch (error) {
    throw badInput(`${folder}: is not a folder of checkpoints (${messageOf(error)}); name a run's folder`, error);
  }
}

/** Reads `config.json` of the run, which is two folders up when a checkpoint was named. */
function readDataset(path: string): { readonly name: string | undefined; readonly digest: string | undefined } {
  for (const file of [join(path, 'config.json'), join(path, '..', '..', 'config.json')]) {
    if (!existsSync(file)) continue;
    const text = readBoundedText(file, fileLimits.settings);
    try {
      const { dataset = {}, directory } = JSON.parse(text) as {
        dataset?: { name?: string; digest?: string };
        directory?: string;
      };
      const { name, digest } = dataset;
      return { name: name === undefined ? undefined : recordedDataset(name, directory), digest };
    } catch (error) {
      throw badInput(`${file}: ${messageOf(error)}`, error);
    }
  }
  throw badInput(`${basename(path)}: no config.json says which dataset it was trained on; pass --dataset`);
}
