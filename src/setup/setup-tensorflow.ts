/**
 * `pennygrad setup tensorflow`: installs TensorFlow from a Python wheel and builds tfjs-node's binding against it, in
 * pennygrad's own folder. Every step first checks whether it is done, so an interrupted setup can be continued. The
 * manifest is written last, and only if three steps of training have worked.
 */
import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listGpus } from '../engine/tensorflow/nvidia-smi.ts';
import { cudaEnvironment } from '../engine/tensorflow/tensorflow-environment.ts';
import {
  findInstallation,
  manifestPath,
  manifestVersion,
  type TensorflowManifest,
} from '../engine/tensorflow/tensorflow-installation.ts';
import { describeAvailability } from '../engine/tensorflow/tensorflow-probe.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { renameSynced, syncFile } from '../shared/files/atomic-files.ts';
import { makeFolder } from '../shared/files/make-folder.ts';
import { explainFailure } from './failures.ts';
import { prepareBinding, requireBuildTools } from './native-binding.ts';
import { defaultVenv, type PythonChoice, preparePython, tensorflowLibrary } from './python-environment.ts';
import type { SetupContext, SetupReport } from './setup.ts';

/** The disk space that a complete setup needs, in bytes. */
const neededBytes = { cpu: 3e9, gpu: 10e9 };

const verification = fileURLToPath(new URL('./train-three-steps.js', import.meta.url));

export async function setupTensorflow(choice: PythonChoice, context: SetupContext): Promise<SetupReport> {
  const { folder, environment, say, run } = context;
  const report = async (found: TensorflowManifest, alreadyThere: boolean) => {
    const cards = found.gpu ? await listGpus(run) : [];
    const availability = describeAvailability({ complete: true, ...found }, cards, environment);
    const device = availability.usable ? availability.device : `nothing yet (${availability.reason})`;
    return { engine: 'tensorflow', alreadyThere, device, folder };
  };
  const existing = findInstallation(folder);
  if (existing.complete && isWhatIsAskedFor(existing, choice)) return report(existing, true);

  if (process.platform !== 'linux') {
    throw badInput(`setup tensorflow works on Linux, not on ${process.platform}: use --backend wasm here`);
  }
  await requireBuildTools(context);
  if (choice.gpu) await requireCard(context);
  makeEngineFolder(folder);
  if (choice.python === undefined && !existsSync(choice.venv ?? defaultVenv(folder, choice.gpu))) {
    requireSpace(folder, choice.gpu);
  }

  const tensorflow = await preparePython(absolute(choice), context);
  const native = await prepareBinding(tensorflow, context);
  const manifest: TensorflowManifest = {
    version: manifestVersion,
    tensorflow: tensorflow.version,
    gpu: choice.gpu,
    python: tensorflow.python,
    ...native,
    library: tensorflowLibrary(tensorflow.folder),
    libraryFolders: [...tensorflow.libraryFolders],
  };
  const candidate = join(folder, 'manifest.candidate.json');
  writeFileSync(candidate, `${JSON.stringify(manifest, null, 2)}\n`);
  say('training three steps as a test');
  const result = await run(process.execPath, [verification, candidate], {
    environment: { ...environment, ...cudaEnvironment(manifest.libraryFolders, environment) },
  });
  if (result.code !== 0) throw explainFailure('training three steps', 'node', result);
  syncFile(candidate);
  renameSynced(candidate, manifestPath(folder));
  return report(manifest, false);
}

function isWhatIsAskedFor(found: TensorflowManifest, { gpu, venv, python }: PythonChoice): boolean {
  if (found.gpu !== gpu) return false;
  if (python !== undefined) return found.python === python;
  return venv === undefined || found.python === join(resolve(venv), 'bin', 'python');
}

/** Resolves paths, because the manifest is used from other working directories. */
function absolute({ gpu, venv, python }: PythonChoice): PythonChoice {
  return { gpu, python, venv: venv === undefined ? undefined : resolve(venv) };
}

/** CUDA_VISIBLE_DEVICES=-1 skips the check and verifies the CUDA build on the CPU, for example in a container image. */
async function requireCard({ run, environment }: SetupContext): Promise<void> {
  if (environment.CUDA_VISIBLE_DEVICES === '-1' || (await listGpus(run)).length > 0) return;
  throw badInput(
    "nvidia-smi lists no GPU: install NVIDIA's driver, leave out --gpu, or set CUDA_VISIBLE_DEVICES=-1 to set up for a " +
      'card that will be added later',
  );
}

function makeEngineFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw badInput(`${folder} cannot be created: ${messageOf(error)}; set PENNYGRAD_HOME to another folder`, error);
  }
}

function requireSpace(folder: string, gpu: boolean): void {
  const { bavail, bsize } = statfsSync(dirname(folder));
  const needed = gpu ? neededBytes.gpu : neededBytes.cpu;
  if (bavail * bsize >= needed) return;
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw badInput(
    `${folder} has ${gigabytes(bavail * bsize)} GB free, and TensorFlow needs ${gigabytes(needed)} GB; free some ` +
      'space, or set PENNYGRAD_HOME to a folder on another disk',
  );
}
