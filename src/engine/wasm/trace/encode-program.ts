import type { Instruction, Region } from './instructions.ts';

export interface EncodedProgram {
  readonly words: Int32Array;
  /** Where each instruction begins, in words, and after them where the last one ends. */
  readonly starts: readonly number[];
}

/** The numbers that the interpreter (kernels/program.ts) runs. `addressOf` says where a region is, in bytes. */
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
