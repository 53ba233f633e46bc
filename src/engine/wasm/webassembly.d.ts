/** The part of the WebAssembly JavaScript interface used here: Node has it, its types do not. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number });
    readonly buffer: ArrayBuffer;
    /** Throws a RangeError when there is no room. */
    grow(pages: number): number;
  }
  function validate(module: Uint8Array): boolean;
  function instantiate(
    module: Uint8Array,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): Promise<{ readonly instance: { readonly exports: object } }>;
}
