/** Builds tfjs-node's native binding against the TensorFlow of a Python wheel. */
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { badInput } from '../shared/core/errors.ts';
import { makeFolder } from '../shared/files/make-folder.ts';
import { explainFailure } from './failures.ts';
import { type PythonTensorflow, tensorflowLibrary } from './python-environment.ts';
import type { SetupContext } from './setup.ts';

/** Also for GPUs: the `-gpu` package has the same sources, and only the linked TensorFlow differs. */
const bindingPackage = '@tensorflow/tfjs-node';
const bindingRelease = '4.22.0';

export interface NativeBinding {
  readonly packageFolder: string;
  readonly binding: string;
}

/** Checks for the build tools before anything is downloaded. @throws PennygradError that says what to install */
export async function requireBuildTools({ run }: SetupContext): Promise<void> {
  const install =
    'install a C++ compiler and make (Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc-c++ make)';
  for (const [tool, what] of [
    [process.env.CXX ?? 'g++', 'C++ compiler'],
    ['make', 'make'],
  ] as const) {
    if ((await run(tool, ['--version'])).code !== 0) throw badInput(`${what} not found (${tool}): ${install}`);
  }
  if ((await run('npm', ['--version'])).code !== 0)
    throw badInput('npm not found: install the one that comes with Node');
}

/** Installs the package, links the wheel's libraries and headers into it, and builds. Skips steps that are done. */
export async function prepareBinding(tensorflow: PythonTensorflow, context: SetupContext): Promise<NativeBinding> {
  const packageFolder = await installPackage(context);
  const binding = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  // Records the TensorFlow of a finished build, because another TensorFlow needs another build.
  const record = join(packageFolder, 'lib', 'built-for.txt');
  const builtFor = `${tensorflow.version} ${tensorflow.folder}`;
  if (existsSync(binding) && existsSync(record) && readFileSync(record, 'utf8') === builtFor) {
    return { packageFolder, binding };
  }
  link(tensorflow.folder, packageFolder);
  context.say('building the binding (10 seconds to a minute)');
  // npm tells node-pre-gyp where to find npm's own node-gyp. `--no` prevents downloads.
  const build = ['node-pre-gyp', 'install', '--build-from-source', '-C', packageFolder, ...nodeHeaders()];
  const result = await context.run('npm', ['exec', '--no', '--', ...build], {
    cwd: join(context.folder, 'npm'),
    environment: { ...context.environment, npm_config_python: tensorflow.python },
  });
  if (result.code !== 0) throw explainFailure('building the binding', 'node-pre-gyp', result);
  if (!existsSync(binding)) throw badInput(`building the binding seemed to succeed, but ${binding} is missing`);
  writeFileSync(record, builtFor);
  return { packageFolder, binding };
}

async function installPackage({ folder, run, say, environment }: SetupContext): Promise<string> {
  const root = join(folder, 'npm');
  const packageFolder = join(root, 'node_modules', bindingPackage);
  if (installedRelease(root, packageFolder) === bindingRelease) return packageFolder;
  const what = `installing ${bindingPackage} ${bindingRelease}`;
  say(`${what} (about 50 MB to download)`);
  makeFolder(root);
  // Without a package.json here, npm would install into a project in a parent folder.
  writeFileSync(join(root, 'package.json'), '{ "private": true }\n');
  const result = await run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${bindingPackage}@${bindingRelease}`],
    { cwd: root, environment },
  );
  if (result.code !== 0) throw explainFailure(what, 'npm', result);
  return packageFolder;
}

/** The installed version; undefined if the installation was not finished, which npm records in .package-lock.json. */
function installedRelease(root: string, packageFolder: string): string | undefined {
  const manifest = join(packageFolder, 'package.json');
  if (!existsSync(manifest) || !existsSync(join(root, 'node_modules', '.package-lock.json'))) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version;
}

/** Creates the files that the package links with and loads, as links into the wheel. */
function link(wheel: string, packageFolder: string): void {
  const libraries = join(packageFolder, 'deps', 'lib');
  makeFolder(libraries);
  const framework = join(wheel, 'libtensorflow_framework.so.2');
  const links = {
    [join(packageFolder, 'deps', 'include')]: join(wheel, 'include'),
    [join(libraries, 'libtensorflow.so')]: tensorflowLibrary(wheel),
    [join(libraries, 'libtensorflow_cc.so.2')]: tensorflowLibrary(wheel),
    [join(libraries, 'libtensorflow_framework.so')]: framework,
    [join(libraries, 'libtensorflow_framework.so.2')]: framework,
  };
  for (const [path, target] of Object.entries(links)) {
    rmSync(path, { recursive: true, force: true });
    symlinkSync(target, path);
  }
}

/** Uses the headers that came with Node, if they did. Otherwise node-gyp downloads them. */
function nodeHeaders(): readonly string[] {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}
