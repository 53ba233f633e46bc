/** What a captured step consists of, before it has addresses. */

/** A stretch of the engine's memory. */
export type Region =
  /** Needed from the first instruction that names it to the last: others may have the place before and after. */
  | { readonly kind: 'transient'; readonly bytes: number }
  /** Stays from pass to pass and from step to step, and is the same one for every captured step with this key. */
  | { readonly kind: 'kept'; readonly key: string; readonly bytes: number; readonly values?: Float32Array }
  /** The flat vectors, from a byte on. */
  | { readonly kind: 'parameters'; readonly offset: number }
  | { readonly kind: 'gradients'; readonly offset: number }
  /** Which images a pass is about: what `opGatherImages` takes. */
  | { readonly kind: 'batch' };

export interface Instruction {
  readonly opcode: number;
  /** The passes that it takes part in, as bits (opcodes.ts). */
  readonly passes: number;
  readonly args: readonly (number | Region)[];
}

/** The regions that an instruction reads and writes. */
export function regionsOf({ args }: Instruction): readonly Region[] {
  return args.filter((arg): arg is Region => typeof arg !== 'number');
}

/** A parameter's gradient is final after an instruction of the last pass. */
export interface FinalGradient {
  readonly instruction: number;
  /** Byte offset in the flat vector. */
  readonly offset: number;
}
