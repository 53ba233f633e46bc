/** Finds or creates a Python environment with TensorFlow. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunProgram } from '../engine/run-program.ts';
import { badInput } from '../shared/core/errors.ts';
import { explainFailure } from './failures.ts';
import type { SetupContext } from './setup.ts';

/** The release that is installed if none is found: the one that was tested. */
const tensorflowRelease = '2.21.0';

/** The Python versions that this release has wheels for. */
const oldestPython = [3, 10] as const;
const newestPython = [3, 13] as const;

export interface PythonChoice {
  /** Build for CUDA. */
  readonly gpu: boolean;
  /** The folder of a virtual environment to use or create. */
  readonly venv: string | undefined;
  /** An interpreter whose own environment is used. */
  readonly python: string | undefined;
}

/** TensorFlow in a Python environment. */
export interface PythonTensorflow {
  readonly python: string;
  readonly version: string;
  /** The folder of the installed wheel. */
  readonly folder: string;
  /** Folders with the CUDA libraries that came with it. */
  readonly libraryFolders: readonly string[];
}

/** One environment for CPUs and one for CUDA, because their wheels have the same files. */
export function defaultVenv(folder: string, gpu: boolean): string {
  return join(folder, gpu ? 'venv-cuda' : 'venv');
}

/** Finds or creates the environment, and installs TensorFlow in it if necessary. */
export async function preparePython(choice: PythonChoice, context: SetupContext): Promise<PythonTensorflow> {
  const python = choice.python ?? (await prepareVenv(choice.venv ?? defaultVenv(context.folder, choice.gpu), context));
  const before = await inspectPython(python, context.run);
  if (before === undefined) throw badInput(`${python} does not run: choose a Python 3 with --python`);
  const unfit = wrongVersion(before.version);
  if (unfit !== undefined) throw badInput(`${python} ${unfit}`);
  const found = suitable(before, choice.gpu);
  if (found !== undefined) return { python, ...found };

  const wheel = choice.gpu ? 'tensorflow[and-cuda]' : 'tensorflow-cpu';
  const what = `installing ${wheel} ${tensorflowRelease}`;
  context.say(`${what} (${choice.gpu ? 'about 3 GB to download' : 'about 300 MB to download'})`);
  const result = await context.run(
    python,
    [
      ...['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off'],
      `${wheel}==${tensorflowRelease}`,
    ],
    { environment: context.environment, onLine: (line) => sayDownload(line, context) },
  );
  if (result.code !== 0) throw explainFailure(what, python, result);
  const after = suitable(await inspectPython(python, context.run), choice.gpu);
  if (after === undefined) throw badInput(`${what} seemed to succeed, but ${python} does not find it`);
  return { python, ...after };
}

function sayDownload(line: string, { say }: SetupContext): void {
  const download = /^Downloading (\S+).*\(([\d.]+ [MG]B)\)/.exec(line);
  if (download !== null) say(`  downloading ${download[1]?.split('/').at(-1)} (${download[2]})`);
  else if (line.startsWith('Installing collected packages')) say('  unpacking');
}

async function prepareVenv(folder: string, { run, say, environment }: SetupContext): Promise<string> {
  const inside = join(folder, 'bin', 'python');
  if (existsSync(inside) && (await hasPip(inside, run))) return inside;
  const python = await findPython(run);
  say(`creating a virtual environment in ${folder}`);
  const result = await run(python, ['-m', 'venv', folder], { environment });
  if (result.code !== 0) throw explainFailure('creating a virtual environment', python, result);
  return inside;
}

/** False after an interrupted `venv`, which leaves a Python without pip. */
async function hasPip(python: string, run: RunProgram): Promise<boolean> {
  return (await run(python, ['-m', 'pip', '--version'])).code === 0;
}

/** The first Python on the path that TensorFlow has wheels for. */
async function findPython(run: RunProgram): Promise<string> {
  const unfit: string[] = [];
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const facts = await inspectPython(name, run);
    if (facts === undefined) continue;
    const reason = wrongVersion(facts.version);
    if (reason === undefined) return name;
    unfit.push(`${name} ${reason}`);
  }
  const why = unfit.length === 0 ? 'no python3 on the path' : unfit.join('; ');
  throw badInput(`${why}: install Python 3.10 to 3.13 with venv (Debian, Ubuntu: apt install python3-venv)`);
}

/** Why TensorFlow does not support this version of Python; undefined if it does. */
export function wrongVersion(version: readonly number[]): string | undefined {
  const [major = 0, minor = 0] = version;
  const at = (limit: readonly [number, number]) => (major - limit[0]) * 1000 + minor - limit[1];
  if (at(oldestPython) >= 0 && at(newestPython) <= 0) return undefined;
  const range = `TensorFlow ${tensorflowRelease} needs ${oldestPython.join('.')} to ${newestPython.join('.')}`;
  return `is version ${major}.${minor}, but ${range}`;
}

const facts = z.object({
  version: z.array(z.int()),
  /** Versions of the installed wheels. */
  releases: z.partialRecord(z.enum(['tensorflow', 'tensorflow-cpu']), z.string()),
  folder: z.string().nullable(),
  libraries: z.array(z.string()),
});
type PythonFacts = z.infer<typeof facts>;

/** Finds TensorFlow without importing it, which would take seconds. */
const inspection = `
import glob, importlib.metadata, importlib.util, json, os, sys
spec = importlib.util.find_spec('tensorflow')
folder = os.path.dirname(spec.origin) if spec and spec.origin else None
releases = {}
for name in ('tensorflow', 'tensorflow-cpu'):
    try:
        releases[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
libraries = sorted(glob.glob(os.path.join(os.path.dirname(folder), 'nvidia', '*', 'lib'))) if folder else []
print(json.dumps({'version': list(sys.version_info[:2]), 'releases': releases, 'folder': folder, 'libraries': libraries}))
`;

async function inspectPython(python: string, run: RunProgram): Promise<PythonFacts | undefined> {
  const { code, stdout } = await run(python, ['-c', inspection]);
  return code === 0 ? facts.parse(JSON.parse(stdout)) : undefined;
}

/** The installed TensorFlow, if it is complete and, for GPUs, has CUDA's libraries. */
function suitable(found: PythonFacts | undefined, gpu: boolean): Omit<PythonTensorflow, 'python'> | undefined {
  if (found === undefined || found.folder === null) return undefined;
  // The wheel without `-cpu` also computes on CPUs.
  const version = gpu ? found.releases.tensorflow : (found.releases.tensorflow ?? found.releases['tensorflow-cpu']);
  if (version === undefined) return undefined;
  if (!existsSync(tensorflowLibrary(found.folder))) return undefined;
  if (gpu && found.libraries.length === 0) return undefined;
  return { version, folder: found.folder, libraryFolders: gpu ? found.libraries : [] };
}

/** The shared library in the wheel's folder that contains all of TensorFlow. */
export function tensorflowLibrary(folder: string): string {
  return join(folder, 'libtensorflow_cc.so.2');
}
