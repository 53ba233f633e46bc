/** The instructions of a traced step, before regions have addresses. */

/** A stretch of the engine's memory. */
export type Region =
  /**
   * Used from the first instruction that names it to the last. Its memory may be shared with others before and after.
   */
  | { readonly kind: 'transient'; readonly bytes: number }
  /** Persists between passes and steps. All traced steps share one region per key. */
  | { readonly kind: 'kept'; readonly key: string; readonly bytes: number; readonly values?: Float32Array }
  /** The flat vectors from a byte offset on. */
  | { readonly kind: 'parameters'; readonly offset: number }
  | { readonly kind: 'gradients'; readonly offset: number }
  /** The images of the current pass, which `opGatherImages` reads. */
  | { readonly kind: 'batch' };

export interface Instruction {
  readonly opcode: number;
  /** The passes in which it runs, as bits (opcodes.ts). */
  readonly passes: number;
  readonly args: readonly (number | Region)[];
}

/** The regions that an instruction reads and writes. */
export function regionsOf({ args }: Instruction): readonly Region[] {
  return args.filter((arg): arg is Region => typeof arg !== 'number');
}

/** The instruction of the last pass after which a parameter's gradient is final. */
export interface FinalGradient {
  readonly instruction: number;
  /** Byte offset in the flat vector. */
  readonly offset: number;
}
