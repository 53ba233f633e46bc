/** Encodes instructions for the interpreter (kernels/program.ts). */
import type { Instruction, Region } from './instructions.ts';

export interface EncodedProgram {
  readonly words: Int32Array;
  /** The index of each instruction's first word, followed by the length of `words`. */
  readonly starts: readonly number[];
}

/** @param addressOf byte address of a region */
export function encodeProgram(
  instructions: readonly Instruction[],
  addressOf: (region: Region) => number,
): EncodedProgram {
  const words: number[] = [];
  const starts: number[] = [];
  for (const { opcode, passes, args } of instructions) {
    starts.push(words.length);
    words.push(opcode, passes, args.length);
    for (const arg of args) words.push(typeof arg === 'number' ? arg : addressOf(arg));
  }
  starts.push(words.length);
  return { words: Int32Array.from(words), starts };
}
