/** Finds, chooses and instantiates the compiled kernels. kernels/index.ts describes what they compute. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

/** The SIMD instructions that a build of the kernels uses, faster first. */
export const simdFlavours = ['relaxed-simd', 'simd'] as const;
export type SimdFlavour = (typeof simdFlavours)[number];

export type FlavourChoice =
  | { readonly usable: true; readonly flavour: SimdFlavour; readonly device: string }
  | { readonly usable: false; readonly reason: string; readonly remedy: string };

export type UsableFlavour = Extract<FlavourChoice, { usable: true }>;

/** The thirteen numbers that describe a convolution without padding, in the kernels' order. */
export type ConvolutionShape = readonly [
  batch: number,
  height: number,
  width: number,
  inChannels: number,
  filterHeight: number,
  filterWidth: number,
  outChannels: number,
  outHeight: number,
  outWidth: number,
  strideHeight: number,
  strideWidth: number,
  dilationHeight: number,
  dilationWidth: number,
];

type PoolShape = readonly [
  batch: number,
  height: number,
  width: number,
  channels: number,
  windowHeight: number,
  windowWidth: number,
  outHeight: number,
  outWidth: number,
  strideHeight: number,
  strideWidth: number,
  paddingTop: number,
  paddingLeft: number,
];

type PaddingShape = readonly [
  batch: number,
  height: number,
  width: number,
  channels: number,
  paddedHeight: number,
  paddedWidth: number,
  top: number,
  left: number,
];

/** Sizes of kept and scratch memory, in bytes. */
export interface KernelSizes {
  conv2dPackedFilterBytes(depth: number, outChannels: number): number;
  conv2dTransposedFilterBytes(taps: number, inChannels: number, outChannels: number): number;
  conv2dFilterGradientBytes(depth: number, outChannels: number): number;
  conv2dForwardPackedScratchBytes(depth: number): number;
  conv2dBackpropInputPackedScratchBytes(outChannels: number): number;
  conv2dAddFilterGradientScratchBytes(...shape: ConvolutionShape): number;
  winogradImageBytes(batch: number, outHeight: number, outWidth: number, channels: number): number;
  winogradForwardScratchBytes(batch: number, outHeight: number, outWidth: number, outChannels: number): number;
  winogradFilterBytes(inChannels: number, outChannels: number): number;
}

/** The module's exports. Parameters named after a tensor are its address. */
export interface Kernels extends KernelSizes {
  /** Does `80 · iterations` floating-point operations as fast as one core can. See kernels/peak.ts. */
  multiplyAddChains(iterations: number): number;
  /** Runs those instructions of a traced program in `[program, end)` that take part in `pass`. */
  runProgram(program: number, end: number, pass: number): void;
  conv2dForwardScratchBytes(...shape: ConvolutionShape): number;
  conv2dForward(
    ...args: [x: number, filter: number, bias: number, out: number, scratch: number, ...ConvolutionShape, relu: number]
  ): void;
  conv2dBackpropInputScratchBytes(...shape: ConvolutionShape): number;
  conv2dBackpropInput(
    ...args: [dy: number, activation: number, filter: number, dx: number, scratch: number, ...ConvolutionShape]
  ): void;
  conv2dBackpropFilterScratchBytes(...shape: ConvolutionShape): number;
  conv2dBackpropFilter(
    ...args: [
      ...[x: number, dy: number, activation: number, dFilter: number, dBias: number, scratch: number],
      ...ConvolutionShape,
    ]
  ): void;
  maxPoolForward(...args: [x: number, out: number, ...PoolShape]): void;
  maxPoolBackprop(...args: [x: number, dy: number, dx: number, ...PoolShape]): void;
  padImages(...args: [x: number, out: number, ...PaddingShape]): void;
  cropImages(...args: [padded: number, out: number, ...PaddingShape]): void;
  scalePixels(bytes: number, out: number, count: number): void;
  adamUpdate(
    parameters: number,
    gradientSum: number,
    firstMoment: number,
    secondMoment: number,
    out: number,
    count: number,
    samples: number,
    beta1: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    correction1: number,
    correction2: number,
    learningRate: number,
    epsilon: number,
  ): void;
  sgdUpdate(
    parameters: number,
    gradientSum: number,
    out: number,
    count: number,
    samples: number,
    learningRate: number,
  ): void;
}

/** The file of a flavour's compiled module. Works from `src` as well as from the compiled copy of this file. */
function kernelFile(flavour: SimdFlavour): string {
  return join(packageRoot(dirname(fileURLToPath(import.meta.url))), 'dist', 'kernels', `kernels-${flavour}.wasm`);
}

/**
 * Chooses a build of the kernels.
 * @param requested one of `simdFlavours`; if missing or empty, the fastest that this runtime can compile
 */
export function chooseFlavour(requested?: string): FlavourChoice {
  const candidates = requested ? simdFlavours.filter((flavour) => flavour === requested) : simdFlavours;
  if (candidates.length === 0) {
    const remedy = `set PENNYGRAD_WASM_SIMD to ${simdFlavours.join(' or ')}, or leave it unset`;
    return { usable: false, reason: `there is no SIMD flavour ${requested}`, remedy };
  }
  const missing = candidates.map(kernelFile).find((file) => !existsSync(file));
  if (missing !== undefined) {
    return { usable: false, reason: `${missing} is missing`, remedy: 'build it with: npm run build:kernels' };
  }
  const flavour = candidates.find(isSupported);
  if (flavour === undefined) {
    const reason = `this runtime (Node ${process.version}) cannot compile ${candidates.join(' or ')} WebAssembly`;
    return { usable: false, reason, remedy: 'use Node 20.19 or newer on a CPU with SIMD' };
  }
  return { usable: true, flavour, device: flavour === 'simd' ? 'wasm, SIMD' : 'wasm, relaxed SIMD' };
}

/** Compiles and instantiates a flavour that `chooseFlavour` has found usable. `memory` may be shared with others. */
export async function instantiateKernels(flavour: SimdFlavour, memory: WebAssembly.Memory): Promise<Kernels> {
  const { instance } = await WebAssembly.instantiate(readFileSync(kernelFile(flavour)), { env: { memory } });
  return instance.exports as Kernels;
}

function isSupported(flavour: SimdFlavour): boolean {
  const module = readFileSync(kernelFile(flavour));
  if (WebAssembly.validate(module)) return true;
  if (flavour !== 'relaxed-simd') return false;
  // Node 20 has relaxed SIMD only behind a flag.
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(module);
}

function packageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`no package.json above ${import.meta.url}`);
  return packageRoot(parent);
}
