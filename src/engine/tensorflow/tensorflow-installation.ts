/** Finds what `pennygrad setup tensorflow` has installed, and loads its native binding. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { engineFolder } from '../engine-folder.ts';
import type { ProtobufMessages } from './tensorflow-saved-model.ts';

/** Setup writes the manifest last, so it proves a complete installation. Raise the version if its contents change. */
const manifest = z.object({
  version: z.literal(1),
  /** TensorFlow's version. */
  tensorflow: z.string(),
  /** Built for CUDA. */
  gpu: z.boolean(),
  /** The Python environment that holds TensorFlow. */
  python: z.string(),
  /** The folder of the npm package whose binding was built. */
  packageFolder: z.string(),
  /** The native binding. */
  binding: z.string(),
  /** TensorFlow's own library. */
  library: z.string(),
  /** Folders with the CUDA libraries that the loader must find. */
  libraryFolders: z.array(z.string()),
});
export type TensorflowManifest = z.infer<typeof manifest>;

export const manifestVersion = manifest.shape.version.value;
const manifestName = 'manifest.json';

export function tensorflowFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return engineFolder('tensorflow', environment);
}

export function manifestPath(folder: string): string {
  return join(folder, manifestName);
}

/** The command to suggest in messages. */
export function setupCommand(gpu: boolean): string {
  return `pennygrad setup tensorflow${gpu ? ' --gpu' : ''}`;
}

export type Installation =
  | ({ readonly complete: true } & TensorflowManifest)
  | {
      readonly complete: false;
      readonly reason: string;
      readonly remedy: string;
      /** It was never set up. */
      readonly notInstalled?: true;
    };

/** Reads the manifest and checks that its files exist. Does not load TensorFlow. */
export function findInstallation(folder: string): Installation {
  const path = manifestPath(folder);
  const incomplete = (reason: string) => ({ complete: false, reason, remedy: `run ${setupCommand(false)}` }) as const;
  if (!existsSync(path)) return { ...incomplete('TensorFlow is not set up'), notInstalled: true };
  let found: TensorflowManifest;
  try {
    found = manifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return incomplete(`${path} is broken or was written by another version of pennygrad`);
  }
  const gone = [found.binding, found.library].find((file) => !existsSync(file));
  if (gone === undefined) return { complete: true, ...found };
  return { ...incomplete(`${gone} is missing`), remedy: `run ${setupCommand(found.gpu)} again` };
}

/** The part that pennygrad uses of `@tensorflow/tfjs-node`'s binding. Tensors are handles that must be deleted. */
export interface TensorflowBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_UINT8: number;
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], type: number, values: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(tensor: number): void;
  tensorDataSync(tensor: number): Float32Array | Int32Array | Uint8Array;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): readonly { readonly id: number }[];
  getNumOfTensors(): number;
  getNumOfSavedModels(): number;
}

/**
 * Loads TensorFlow into this process, which takes about a second the first time.
 * @throws PennygradError with the loader's message if it cannot be loaded
 */
export function loadBinding({ binding, gpu, libraryFolders }: TensorflowManifest): TensorflowBinding {
  // By default TensorFlow logs its start-up to stderr.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const require = createRequire(import.meta.url);
  try {
    const loaded = require(binding) as TensorflowBinding;
    if (gpu && !loaded.isUsingGpuDevice() && process.env.CUDA_VISIBLE_DEVICES !== '-1') {
      throw badInput(
        'TensorFlow sees no CUDA device: check that nvidia-smi lists one and that LD_LIBRARY_PATH contains ' +
          `${libraryFolders.join(':')}; or set CUDA_VISIBLE_DEVICES=-1 to compute on the CPU`,
      );
    }
    return loaded;
  } catch (error) {
    if (error instanceof PennygradError) throw error;
    throw badInput(`TensorFlow cannot be loaded: ${messageOf(error)}; run ${setupCommand(gpu)} again`, error);
  }
}

/** Loads the protobuf classes of the npm package. */
export function loadMessages({ packageFolder }: TensorflowManifest): ProtobufMessages {
  const require = createRequire(join(packageFolder, 'package.json'));
  return require('./dist/proto/api_pb.js') as ProtobufMessages;
}
