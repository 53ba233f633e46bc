/** A stack of layers in wasm memory: its flat vectors, and its traced steps for any batch size. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Layer, Model } from '../../../shared/model/zoo.ts';
import { totalSize } from '../../flat-vector.ts';
import { layerFunction, trainableVariables } from '../../model-network.ts';
import { instantiateKernels, type Kernels, type UsableFlavour } from '../kernel-module.ts';
import { fuseWasmLayer } from '../op-by-op/wasm-layers.ts';
import { createFlatMemory, type FlatMemory } from './flat-memory.ts';
import { startTracing } from './trace.ts';
import { type TracedStep, traceStep } from './trace-step.ts';
import { loadProgram, type TracedProgram } from './traced-program.ts';

export interface TracedModel {
  readonly memory: FlatMemory;
  readonly kernels: Kernels;
  readonly network: Model['network'];
  /** On the tracing backend: they have shapes and names, but no values. */
  readonly variables: readonly tf.Variable[];
  readonly parameterCount: number;
  /** Addresses of the flat vectors. Whoever changes the parameters says so by `parametersChanged`. */
  readonly parameters: number;
  readonly gradients: number;
  trace(batch: number): Promise<TracedStep>;
  /** Traced at the first call. @throws UntraceableError that names an operation that cannot be traced */
  programFor(batch: number): Promise<TracedProgram>;
  /** Selects the images of the next pass, by their indices in the images at an address. */
  selectBatch(images: number, indices: Uint32Array): void;
  /** What programs have packed of the parameters is out of date. */
  parametersChanged(): void;
}

/**
 * @param build creates the network on the tracing backend; only the layers of `forward` are run
 * @param largestBatch the largest number of images for `selectBatch`
 */
export async function openTracedModel(
  build: () => { readonly network: Model['network']; readonly forward: readonly Layer[] },
  imageShape: readonly number[],
  largestBatch: number,
  { flavour }: UsableFlavour,
): Promise<TracedModel> {
  await startTracing();
  const { network, forward } = build();
  const variables = trainableVariables(network);
  const layers = forward.map((layer) => fuseWasmLayer(layer) ?? layerFunction(layer));
  const parameterCount = totalSize(variables);
  const memory = createFlatMemory();
  const kernels = await instantiateKernels(flavour, memory.memory);
  const parameters = memory.allocate(parameterCount * 4);
  const gradients = memory.allocate(parameterCount * 4);
  const batchAddress = memory.allocate((1 + largestBatch) * 4);
  const surroundings = {
    kernels,
    memory,
    parameters,
    gradients,
    batch: batchAddress,
    kept: new Map<string, number>(),
    packed: { forward: false, backward: false },
  };
  const programs = new Map<number, TracedProgram>();

  const trace = (batch: number) =>
    traceStep({
      forward: (images) => layers.reduce((x, layer) => layer(x), images),
      variables,
      imageShape,
      batch,
      sizes: kernels,
    });

  return {
    memory,
    kernels,
    network,
    variables,
    parameterCount,
    parameters,
    gradients,
    trace,
    async programFor(batch) {
      const known = programs.get(batch);
      if (known !== undefined) return known;
      const program = loadProgram(await trace(batch), surroundings);
      programs.set(batch, program);
      return program;
    },
    selectBatch(images, indices) {
      memory.words(batchAddress, 1)[0] = images;
      memory.words(batchAddress + 4, indices.length).set(indices);
    },
    parametersChanged() {
      surroundings.packed.forward = false;
      surroundings.packed.backward = false;
    },
  };
}
