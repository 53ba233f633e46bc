/** The part of the WebAssembly JavaScript API that is used here. Node's types lack it. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number });
    readonly buffer: ArrayBuffer;
    /** @throws RangeError if there is not enough memory */
    grow(pages: number): number;
  }
  class Module {
    /** Compiles at once: for modules of a few bytes. */
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  function validate(module: Uint8Array): boolean;
  function instantiate(
    module: Uint8Array,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): Promise<{ readonly instance: { readonly exports: object } }>;
}
