/**
 * `npm run bench:scale`: what members cost their coordinator. The coordinator is a real one, and so are its sockets. The members
 * compute nothing (`member.ts`), so that a machine with two cores can have a thousand of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPaint } from '../../report/terminal/colour.ts';
import { renderTable } from '../../report/terminal/table.ts';
import { badInput, exitCodeOf, messageOf } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { positiveFlag } from '../failures/killed-run.ts';
import { measureScale, type ScaleFigures, type ScaleRunOptions } from './scale-run.ts';

const help = `npm run bench:scale -- [--members 64,256,1024] [--all-reduce star] [--rate 200] [--seconds 20]

  --members 64,256,1024   members of a run; a run for each
  --all-reduce star       star: members send gradients of softmax, 31 kB, and the coordinator adds them up.
                          mesh: they only vote, as where workers read each other's gradients
  --rate 200              steps a second at most; none: as many as they can
  --processes N           that the members are in; one for every 256 of them unless given: a ZeroMQ context has
                          1,023 sockets at most, and a member takes three
  --warm-up 1000          steps before the measurement begins
  --seconds 20            how long each run is measured
  --profile FOLDER        writes CPU profiles of the coordinators there`;

const membersPerProcess = 256;

interface Measured extends ScaleFigures {
  readonly members: number;
}

function print(runs: readonly Measured[]): void {
  const perStep = ({ cpuSeconds, steps }: Measured) => (1000 * cpuSeconds) / steps;
  console.log(
    renderTable<Measured>(
      [
        { head: 'members', cell: ({ members }) => String(members), align: 'right' },
        { head: 'rendezvous', cell: ({ rendezvousSeconds }) => `${rendezvousSeconds.toFixed(2)} s`, align: 'right' },
        { head: 'steps/s', cell: ({ steps, seconds }) => (steps / seconds).toFixed(1), align: 'right' },
        { head: 'of a core', cell: (run) => `${((100 * run.cpuSeconds) / run.seconds).toFixed(1)} %`, align: 'right' },
        { head: 'CPU per step', cell: (run) => `${perStep(run).toFixed(3)} ms`, align: 'right' },
        {
          head: 'per step and member',
          cell: (run) => `${((1000 * perStep(run)) / run.members).toFixed(1)} µs`,
          align: 'right',
        },
        { head: 'memory', cell: ({ fullBytes }) => `${(fullBytes / 1e6).toFixed(0)} MB`, align: 'right' },
        {
          head: 'per member',
          cell: ({ fullBytes, emptyBytes, members }) => `${((fullBytes - emptyBytes) / members / 1000).toFixed(0)} kB`,
          align: 'right',
        },
      ],
      runs,
      { columns: Number.POSITIVE_INFINITY, paint: createPaint(false) },
    ),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      members: { type: 'string', default: '64,256,1024' },
      'all-reduce': { type: 'string', default: 'star' },
      rate: { type: 'string', default: '200' },
      processes: { type: 'string' },
      'warm-up': { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const options: Omit<ScaleRunOptions, 'members' | 'out' | 'processes'> = {
    allReduce: allReduceFlag(values['all-reduce']),
    stepsPerSecond: values.rate === 'none' ? 0 : positiveFlag('rate', values.rate),
    warmUpSteps: Math.round(positiveFlag('warm-up', values['warm-up'])),
    seconds: positiveFlag('seconds', values.seconds),
    nodeOptions: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
  };
  const processesFor = (members: number) =>
    values.processes === undefined
      ? Math.ceil(members / membersPerProcess)
      : Math.min(members, Math.round(positiveFlag('processes', values.processes)));
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-scale-'));
  try {
    const runs: Measured[] = [];
    for (const members of values.members.split(',').map((text) => Math.round(positiveFlag('members', text)))) {
      console.error(`a run of ${members} members`);
      const out = join(folder, String(members));
      const figures = await measureScale({ ...options, members, processes: processesFor(members), out });
      runs.push({ ...figures, members });
    }
    print(runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function allReduceFlag(text: string): 'star' | 'mesh' {
  if (text === 'star' || text === 'mesh') return text;
  throw badInput(`--all-reduce must be star or mesh, got ${describeGiven(text)}`);
}

main().catch((error: unknown) => {
  console.error(`bench:scale: ${messageOf(error)}`);
  process.exitCode = exitCodeOf(error);
});
