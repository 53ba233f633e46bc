import { engineFolder } from '../../engine/engine-folder.ts';
import { runProgram } from '../../engine/run-program.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { flag, path } from '../../settings/schemas.ts';
import type { SetupContext, SetupReport } from '../../setup/setup.ts';
import { setupTensorflow } from '../../setup/setup-tensorflow.ts';
import { setupWebgpu } from '../../setup/setup-webgpu.ts';
import { badInput } from '../../shared/core/errors.ts';
import type { Command } from '../command.ts';

const setupSettings = {
  gpu: { type: 'boolean', describe: 'tensorflow: with CUDA, for NVIDIA cards', schema: flag.default(false) },
  venv: {
    type: 'string',
    describe: 'tensorflow: virtual environment to use, created if it does not exist',
    defaultText: "in pennygrad's data folder",
    schema: path.optional(),
  },
  python: {
    type: 'string',
    describe: 'tensorflow: Python whose environment to use as it is',
    schema: path.optional(),
  },
  json: { ...printSettings.json, describe: 'Print the result as one JSON object on stdout' },
} as const;

type SetupSettings = ReturnType<typeof resolveSettings<typeof setupSettings>>;

interface Setup {
  /** The settings that apply to it, besides `json`. */
  readonly settings: readonly (keyof SetupSettings)[];
  readonly run: (settings: SetupSettings, context: SetupContext) => Promise<SetupReport>;
}

/** Engines that need more than `npm install`. */
const setups: Readonly<Record<string, Setup>> = {
  tensorflow: {
    settings: ['gpu', 'venv', 'python'],
    run: ({ gpu, venv, python }, context) => {
      if (venv !== undefined && python !== undefined) throw badInput('--venv and --python exclude each other');
      return setupTensorflow({ gpu, venv, python }, context);
    },
  },
  webgpu: { settings: [], run: (_settings, context) => setupWebgpu(context) },
};

export const setupCommand: Command = {
  settings: setupSettings,
  examples: [
    ['$0 setup tensorflow', 'TensorFlow on the CPU; needs Python 3.10 to 3.13 and a C++ compiler'],
    ['$0 setup tensorflow --gpu', 'TensorFlow on NVIDIA cards, with the CUDA that it needs'],
    ['$0 setup tensorflow --venv ~/envs/tf', 'in a virtual environment of yours'],
    ['$0 setup webgpu', 'any GPU with Vulkan, Metal or Direct3D 12'],
  ],
  options: (command) =>
    command.positional('engine', { describe: 'Engine to set up', choices: Object.keys(setups), demandOption: true }),
  async run(argv) {
    const settings = resolveSettings(setupSettings, argv, process.env, undefined);
    const engine = String(argv.engine);
    const setup = setups[engine];
    if (setup === undefined) throw badInput(`engine ${engine} needs no setup`);
    const stray = Object.entries(settings).find(
      ([name, value]) => value && name !== 'json' && !setup.settings.some((own) => own === name),
    );
    if (stray !== undefined) throw badInput(`--${stray[0]} does not apply to setup ${engine}`);
    const report = await setup.run(settings, {
      folder: engineFolder(engine, process.env),
      environment: process.env,
      run: runProgram,
      // On stderr, so that a pipe gets the result alone.
      say: (line) => console.error(line),
    });
    if (settings.json) console.log(JSON.stringify(report));
    else console.log(describe(report));
  },
};

function describe({ engine, alreadyThere, device, folder }: SetupReport): string {
  return (
    `${alreadyThere ? 'already installed' : 'done'}: --backend ${engine} uses ${device}\n` +
    `it is in ${folder}; to uninstall it, remove that folder`
  );
}
