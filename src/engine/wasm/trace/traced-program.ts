/** A traced step in wasm memory, ready to run. */
import type { Kernels } from '../kernel-module.ts';
import { encodeProgram } from './encode-program.ts';
import type { FlatMemory } from './flat-memory.ts';
import type { Region } from './instructions.ts';
import { packingPass } from './opcodes.ts';
import { placeRegions } from './place-regions.ts';
import type { TracedStep } from './trace-step.ts';

/** Addresses of the flat vectors and of the batch, and what the traced steps of one engine share. */
export interface ProgramSurroundings {
  readonly kernels: Pick<Kernels, 'runProgram'>;
  readonly memory: FlatMemory;
  readonly parameters: number;
  readonly gradients: number;
  readonly batch: number;
  /** Addresses of kept regions by key. Programs add their own. */
  readonly kept: Map<string, number>;
  /** Whether the kept regions hold the present parameters as the forward and the backward pass pack them. */
  readonly packed: { forward: boolean; backward: boolean };
}

export interface TracedProgram {
  readonly batch: number;
  /** Addresses. */
  readonly logits: number;
  readonly logitGradients: number;
  /** Runs the instructions `[from, to)` that take part in `pass`. */
  run(from: number, to: number, pass: number): void;
  runForward(pass: number): void;
  /** @param onFinal for the last pass: called with the byte offset of each gradient as soon as it is final */
  runBackward(pass: number, onFinal?: (offset: number) => void): void;
}

export function loadProgram(step: TracedStep, surroundings: ProgramSurroundings): TracedProgram {
  const { kernels, memory, parameters, gradients, batch, kept, packed } = surroundings;
  const { offsets, bytes } = placeRegions(step.instructions);
  const transients = memory.allocate(bytes);
  const { words, starts } = encodeProgram(step.instructions, addressOf);
  const program = memory.allocate(words.byteLength);
  memory.words(program, words.length).set(words);

  function addressOf(region: Region): number {
    switch (region.kind) {
      case 'transient':
        return transients + (offsets.get(region) as number);
      case 'kept':
        return keep(region);
      case 'parameters':
        return parameters + region.offset;
      case 'gradients':
        return gradients + region.offset;
      case 'batch':
        return batch;
      default:
        return region satisfies never;
    }
  }

  function keep({ key, bytes: size, values }: Extract<Region, { kind: 'kept' }>): number {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const address = memory.allocate(size);
    if (values !== undefined) memory.floats(address, values.length).set(values);
    kept.set(key, address);
    return address;
  }

  function run(from: number, to: number, pass: number): void {
    kernels.runProgram(program + (starts[from] as number) * 4, program + (starts[to] as number) * 4, pass);
  }

  return {
    batch: step.batch,
    logits: addressOf(step.logits),
    logitGradients: addressOf(step.logitGradients),
    run,
    runForward(pass) {
      run(0, step.loss, packed.forward ? pass : pass | packingPass);
      packed.forward = true;
    },
    runBackward(pass, onFinal) {
      const passes = packed.backward ? pass : pass | packingPass;
      let next = step.loss;
      if (onFinal !== undefined) {
        for (const { instruction, offset } of step.finalGradients) {
          run(next, instruction + 1, passes);
          next = instruction + 1;
          onFinal(offset);
        }
      }
      run(next, step.instructions.length, passes);
      packed.backward = true;
    },
  };
}
