/** Measures each instruction of a traced step by itself, against the core's peak: `npm run bench:kernels`. */
import { chooseFlavour } from '../engine/wasm/kernel-module.ts';
import type { Instruction } from '../engine/wasm/trace/instructions.ts';
import * as op from '../engine/wasm/trace/opcodes.ts';
import { openTracedModel } from '../engine/wasm/trace/traced-model.ts';
import { type Column, renderTable } from '../report/terminal/table.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { initialParameters } from '../shared/model/initialize.ts';
import { buildModel } from '../shared/model/zoo.ts';
import { peakFlops } from './roofline.ts';

const batch = 8;
const rounds = 300;

interface Row {
  readonly name: string;
  readonly passes: number;
  readonly microseconds: number;
  /** Floating-point operations of the matrix products only. */
  readonly operations: number | undefined;
}

const flavour = chooseFlavour(process.env.PENNYGRAD_WASM_SIMD);
if (!flavour.usable) throw new Error(flavour.reason);
const dataset = await loadDataset('mnist');
const spec = { name: 'cnn', inputShape: dataset.imageShape, classes: dataset.classes } as const;
const model = await openTracedModel(
  () => {
    const { network, logitLayers } = buildModel(spec);
    return { network, forward: logitLayers };
  },
  spec.inputShape,
  batch,
  flavour,
);
const { memory, parameters, parameterCount } = model;
const shapes = model.variables.map(({ shape }) => shape);
memory.floats(parameters, parameterCount).set(initialParameters(shapes, 1));
const images = memory.allocate(batch * 784);
memory.bytes(images, batch * 784).set(dataset.train.images.subarray(0, batch * 784));
model.selectBatch(
  images,
  Uint32Array.from({ length: batch }, (_, i) => i),
);
const step = await model.trace(batch);
const program = await model.programFor(batch);
const peak = await peakFlops(flavour);

const shortest = step.instructions.map(() => Number.POSITIVE_INFINITY);
for (let round = 0; round < rounds; round++) {
  for (const i of step.instructions.keys()) {
    if (i === step.loss) {
      memory.floats(program.logitGradients, batch * spec.classes).fill(0.01);
      continue;
    }
    const started = performance.now();
    program.run(i, i + 1, op.everyPass | op.packingPass);
    shortest[i] = Math.min(shortest[i] as number, performance.now() - started);
  }
}
const names = new Map(
  Object.entries(op).flatMap(([name, code]) => (name.startsWith('op') ? [[code, name.slice(2)]] : [])),
);
const rows = step.instructions
  .map((instruction, i) => ({
    name: names.get(instruction.opcode) ?? '',
    passes: instruction.passes,
    microseconds: (shortest[i] as number) * 1000,
    operations: operationsOf(instruction),
  }))
  .filter(({ name }) => name !== 'Loss');
const columns: readonly Column<Row>[] = [
  { head: 'instruction', cell: ({ name }) => name },
  {
    head: 'µs per image',
    align: 'right',
    cell: ({ passes, microseconds }) => (passes === op.everyPass ? (microseconds / batch).toFixed(2) : ''),
  },
  {
    head: 'µs per step',
    align: 'right',
    cell: ({ passes, microseconds }) => (passes === op.everyPass ? '' : microseconds.toFixed(1)),
  },
  {
    head: 'GFLOP/s',
    align: 'right',
    cell: ({ operations, microseconds }) =>
      operations === undefined ? '' : (operations / microseconds / 1000).toFixed(1),
  },
  {
    head: 'of the roofline',
    align: 'right',
    cell: ({ operations, microseconds }) =>
      operations === undefined ? '' : `${((operations / (microseconds / 1e6) / peak) * 100).toFixed(0)} %`,
  },
];
console.log(
  `${flavour.device}: ${(peak / 1e9).toFixed(1)} GFLOP/s at most; micro-batch of ${batch}, the shortest of ${rounds} times each`,
);
console.log(renderTable(columns, rows, { columns: 120, paint: (_, text) => text }));
const perImage = rows
  .filter(({ passes }) => passes === op.everyPass)
  .reduce((sum, row) => sum + row.microseconds / batch, 0);
const perStep = rows.filter(({ passes }) => passes !== op.everyPass).reduce((sum, row) => sum + row.microseconds, 0);
console.log(`${perImage.toFixed(0)} µs an image and ${perStep.toFixed(0)} µs a step`);

/** How many multiplications and additions an instruction's matrix products take. */
function operationsOf({ opcode, args }: Instruction): number | undefined {
  const numbers = args.filter((arg) => typeof arg === 'number');
  switch (opcode) {
    case op.opConvolution:
    case op.opAddFilterGradient:
    case op.opConvolutionBackpropInput: {
      const shape = numbers.slice(opcode === op.opConvolution ? 0 : numbers.length - 13);
      const [images, , , inChannels, filterHeight, filterWidth, outChannels, outHeight, outWidth] = shape as number[];
      return 2 * product(images, inChannels, filterHeight, filterWidth, outChannels, outHeight, outWidth);
    }
    case op.opWinogradForward:
    case op.opWinogradAddFilterGradient: {
      const [images, inChannels, outHeight, outWidth, outChannels] = numbers;
      return 72 * product(images, inChannels, tiles(outHeight), tiles(outWidth), outChannels);
    }
    case op.opWinogradBackpropInput: {
      const [images, , , inChannels, outHeight, outWidth, outChannels] = numbers;
      return 72 * product(images, inChannels, tiles(outHeight), tiles(outWidth), outChannels);
    }
    default:
      return undefined;
  }
}

function tiles(size = 0): number {
  return Math.ceil(size / 4);
}

function product(...factors: readonly (number | undefined)[]): number {
  return factors.reduce<number>((result, factor) => result * (factor ?? 1), 1);
}
