/** The candidates of the comparison: pennygrad's engines, and other ways to train the same CNN on a CPU. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineName, EngineProvider } from '../../engine/engine.ts';
import { engineFolder } from '../../engine/engine-folder.ts';
import { engineProviders } from '../../engine/engines.ts';
import { simdFlavours } from '../../engine/wasm/kernel-module.ts';
import { wasmProvider } from '../../engine/wasm/wasm-provider.ts';
import { messageOf } from '../../shared/core/errors.ts';
import { environmentOf, oneThread, peersFolder } from './peer-programs.ts';
import type { Command, Processes } from './processes.ts';
import { pythonEnvironment } from './python-environment.ts';

export const peerNames = ['torch', 'keras', 'tfjs-node'] as const;
export type PeerName = (typeof peerNames)[number];

/** The peers' names in the tables. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  torch: 'PyTorch',
  keras: 'Keras',
  'tfjs-node': 'tfjs-node',
};

export interface Candidate {
  readonly title: string;
  readonly command: Command;
  /** So slow that one step per batch size must be enough. */
  readonly slow: boolean;
  /** A note on the figures; may be empty. */
  readonly remark: string;
}

/** A candidate that cannot be measured. */
export interface Absent {
  readonly title: string;
  readonly reason: string;
}

const engineProgram = fileURLToPath(new URL('./engine-candidate.js', import.meta.url));

/** The engines with these names; wasm once for each SIMD flavour. */
export async function engineCandidates(names: readonly EngineName[]): Promise<readonly (Candidate | Absent)[]> {
  const others = engineProviders
    .filter(({ name }) => name !== 'wasm')
    .map((provider) => ({ provider, simd: undefined }));
  const wasm = simdFlavours.map((simd) => ({ provider: wasmProvider(simd), simd }));
  const wanted = [...wasm, ...others].filter(({ provider }) => names.includes(provider.name));
  return Promise.all(wanted.map(({ provider, simd }) => engineCandidate(provider, simd)));
}

async function engineCandidate(provider: EngineProvider, simd?: string): Promise<Candidate | Absent> {
  const { name } = provider;
  const title = simd === undefined ? name : `${name} ${simd}`;
  const availability = await provider.probe();
  if (!availability.usable) return { title, reason: `${availability.reason}; ${availability.remedy}` };
  const slow = name === 'cpu';
  return {
    title,
    command: engineCommand(name, simd),
    slow,
    remark: slow ? 'one step' : (availability.notAutomatic ?? ''),
  };
}

/** @param simd of the wasm engine; what this processor has unless given */
export function engineCommand(name: EngineName, simd?: string): Command {
  return {
    program: process.execPath,
    args: [engineProgram, name],
    environment: simd === undefined ? oneThread : { ...oneThread, PENNYGRAD_WASM_SIMD: simd },
  };
}

export interface PeerOptions {
  /** The folder with the dataset for the peers: `images.bin` and `labels.bin`. */
  readonly dataFolder: string;
  readonly onProgress: (line: string) => void;
}

export async function peerCandidate(
  processes: Processes,
  name: PeerName,
  { dataFolder, onProgress }: PeerOptions,
): Promise<Candidate | Absent> {
  const title = peerTitles[name];
  try {
    const command =
      name === 'tfjs-node'
        ? { program: process.execPath, args: [join(peersFolder, 'tfjs-node-cnn.mjs'), dataFolder, findTfjsNode()] }
        : {
            program: await peerPython(processes, name, onProgress),
            args: [join(peersFolder, `${name}_cnn.py`), dataFolder],
          };
    return { title, command: { ...command, environment: oneThread }, slow: false, remark: '' };
  } catch (error) {
    return { title, reason: messageOf(error) };
  }
}

/** PyTorch's data-parallel training with two processes of one thread. @throws Error if PyTorch cannot be installed */
export async function ddpCommand(
  processes: Processes,
  { dataFolder, onProgress }: PeerOptions,
): Promise<(batchSize: number, steps: number) => Command> {
  const program = await peerPython(processes, 'torch', onProgress);
  const script = join(peersFolder, 'torch_ddp.py');
  return (batchSize, steps) => ({
    program,
    args: [script, dataFolder, String(batchSize), String(steps)],
    environment: oneThread,
  });
}

function peerPython(processes: Processes, name: 'torch' | 'keras', onProgress: PeerOptions['onProgress']) {
  return pythonEnvironment(processes, { ...environmentOf(name), onProgress });
}

/** The folder of the installed tfjs-node: pennygrad's own copy, or the project's. @throws Error if there is none */
function findTfjsNode(): string {
  const own = join(engineFolder('tensorflow', process.env), 'npm', 'package.json');
  for (const from of [own, import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve('@tensorflow/tfjs-node/package.json'));
    } catch {
      // Not here: try the next place.
    }
  }
  throw new Error('@tensorflow/tfjs-node is not installed; install it with: pennygrad setup tensorflow');
}
