/** The arguments of `npm run bench:engines`. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { engineNames } from '../../engine/engine.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { type PeerName, peerNames } from './candidates.ts';
import { parseCores } from './cores.ts';

export const help = `Compares pennygrad's engines with PyTorch, Keras and tfjs-node: the same CNN, side by side, one core each.

npm run bench:engines -- [options]

  --batch-sizes 32,64    batch sizes to measure
  --seconds 3            length of each measurement
  --rounds 3             rounds; each measures every candidate once per batch size, and the medians are reported
  --steps 938            steps of each run of two processes; 0 skips these runs
  --engines LIST         some of ${engineNames.join(', ')}; default: all that work here
  --peers LIST           some of ${peerNames.join(', ')}, or none; default: all
  --cores 0,1            cores to use: the first for one-core measurements, the first two for runs; default: the last two
  --json FILE            also write all figures to this file

The first run installs the Python peers in the user's cache folder, with pip's own configuration. PyTorch comes with
gigabytes of CUDA unless pip uses an index of CPU builds.`;

const number = z.string().transform(Number);
const atLeast = (min: number) => number.pipe(z.int('a whole number').min(min, `at least ${min}`));
const listOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(names, `some of ${names.join(', ')}`)));

const schema = z.object({
  'batch-sizes': z
    .string()
    .default('32,64')
    .transform((list) => list.split(',').map(Number))
    .pipe(
      z.array(
        z
          .int('whole numbers, for example 32,64')
          .min(2, 'at least 2')
          .max(60_000, 'at most 60000')
          .multipleOf(2, 'even, since two processes share a batch'),
      ),
    ),
  seconds: z.string().default('3').transform(Number).pipe(z.number('a number').positive('greater than 0')),
  rounds: z.string().default('3').pipe(atLeast(1)),
  steps: z.string().default('938').pipe(atLeast(0)),
  engines: listOf(engineNames).default([...engineNames]),
  peers: z
    .union(
      [z.literal('none').transform((): PeerName[] => []), listOf(peerNames)],
      `none, or some of ${peerNames.join(', ')}`,
    )
    .default([...peerNames]),
  cores: z.string().transform(parseCores).optional(),
  json: z.string().min(1, 'a path').optional(),
});

export type BenchArguments = z.output<typeof schema>;

/**
 * @returns `help` if the arguments ask for it
 * @throws PennygradError `bad-input` that says what an argument must be
 */
export function parseArguments(args: readonly string[]): BenchArguments | 'help' {
  const { help, ...values } = readArguments(args);
  if (help === true) return 'help';
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  throw badInput(`--${name} must be ${issue?.message}, got ${describeGiven(values[name as keyof typeof values])}`);
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    help: { type: 'boolean' },
    'batch-sizes': text,
    seconds: text,
    rounds: text,
    steps: text,
    engines: text,
    peers: text,
    cores: text,
    json: text,
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw badInput(`${messageOf(error).split('. ')[0]} (see npm run bench:engines -- --help)`, error);
  }
}
