import type { Argv } from 'yargs';
import { setupWebgpu } from '../setup/setup-webgpu.ts';
import { engineFolder } from '../shared/engine/engine-folder.ts';
import { runProgram } from '../shared/engine/run-program.ts';
import { adapterOf } from '../shared/engine/webgpu-adapters.ts';
import { resolveSettings, trainSettings, yargsOptions } from './settings.ts';

const setupSettings = { json: trainSettings.json } as const;

interface SetupResult {
  /** For `--json`. */
  readonly figures: object;
  readonly lines: readonly string[];
}

/** What can be set up. Each installs outside of the user's project, and does again only what is not done. */
const setups: Readonly<Record<string, (onStep: (line: string) => void) => Promise<SetupResult>>> = {
  async webgpu(onStep) {
    const result = await setupWebgpu({
      folder: engineFolder('webgpu', process.env),
      adapterIndex: adapterOf(process.env, 0),
      run: runProgram,
      onStep,
    });
    const { device, software, adapters, alreadyThere, folder } = result;
    const lines = [
      ...adapters.map((adapter, i) => `adapter ${i}: ${adapter}`),
      `${alreadyThere ? 'already set up' : 'set up'} in ${folder}: --backend webgpu uses ${device}`,
      ...(software ? ['this adapter emulates a GPU on the CPU: --backend auto passes it over'] : []),
    ];
    return { figures: result, lines };
  },
};

export function addSetupCommand(cli: Argv): Argv {
  return cli.command(
    'setup <engine>',
    'Install what an engine needs that does not come with pennygrad',
    (command) =>
      command
        .positional('engine', { describe: 'Which one', choices: Object.keys(setups), demandOption: true })
        .options(yargsOptions(setupSettings))
        .example('$0 setup webgpu', 'any GPU with Vulkan, Metal or Direct3D 12'),
    async (argv) => {
      const { json } = resolveSettings(setupSettings, argv, process.env, undefined);
      const setup = setups[String(argv.engine)];
      if (setup === undefined) throw new Error(`nothing is known of ${argv.engine}`);
      const { figures, lines } = await setup((line: string) => console.error(line));
      for (const line of json ? [JSON.stringify(figures)] : lines) console.log(line);
    },
  );
}
