/** Loads a graph into TensorFlow and runs it with typed arrays. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, PennygradError } from '../../shared/core/errors.ts';
import type { GraphNode } from './tensorflow-graph.ts';
import type { TensorflowBinding } from './tensorflow-installation.ts';
import { encodeSavedModel, type ProtobufMessages, savedModelTag } from './tensorflow-saved-model.ts';

export interface Feed {
  readonly name: string;
  readonly shape: readonly number[];
  /** Must not change after the run if the graph assigns it to a variable. */
  readonly values: Float32Array | Int32Array | Uint8Array;
}

export interface TensorflowSession {
  /**
   * Runs the part of the graph that the fetches need.
   * @returns copies of the fetched tensors, in the order of `fetches`
   * @throws PennygradError if the run fails; it says what to do if memory ran out
   */
  run(feeds: readonly Feed[], fetches: readonly string[]): readonly Float32Array[];
  /** Frees the graph and its variables. A second call does nothing. */
  close(): void;
}

export function openSession(
  binding: TensorflowBinding,
  messages: ProtobufMessages,
  nodes: readonly GraphNode[],
): TensorflowSession {
  const model = load(binding, encodeSavedModel(nodes, messages));
  let closed = false;

  function typeOf({ values }: Feed): number {
    if (values instanceof Float32Array) return binding.TF_FLOAT;
    return values instanceof Int32Array ? binding.TF_INT32 : binding.TF_UINT8;
  }

  return {
    run(feeds, fetches) {
      const tensors: number[] = [];
      try {
        for (const feed of feeds) tensors.push(binding.createTensor(feed.shape, typeOf(feed), feed.values));
        const inputNames = feeds.map(({ name }) => `${name}:0`).join();
        const outputNames = fetches.map((name) => `${name}:0`).join();
        const inputCount = tensors.length;
        for (const { id } of binding.runSavedModel(model, tensors.slice(), inputNames, outputNames)) tensors.push(id);
        return tensors.slice(inputCount).map((id) => binding.tensorDataSync(id) as Float32Array);
      } catch (error) {
        throw describeFailure(error);
      } finally {
        for (const id of tensors) binding.deleteTensor(id);
      }
    },
    close() {
      if (closed) return;
      closed = true;
      binding.deleteSavedModel(model);
    },
  };
}

/** Goes through a temporary folder, because the binding reads saved models only from folders. */
function load(binding: TensorflowBinding, bytes: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), bytes);
    return binding.loadSavedModel(folder, savedModelTag);
  } catch (error) {
    throw describeFailure(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Messages of TensorFlow's allocator, of CUDA's libraries and of the driver. */
const outOfMemory = /\bOOM when allocating\b|RESOURCE_EXHAUSTED|Resource exhausted|ran out of memory|out of memory/i;

/** Turns an error of TensorFlow into one line, with what to do if that is known. */
export function describeFailure(error: unknown): PennygradError {
  if (error instanceof PennygradError) return error;
  const words = messageOf(error).split('\n')[0];
  if (!outOfMemory.test(messageOf(error))) {
    return new PennygradError('run-failed', `TensorFlow failed: ${words}`, { cause: error });
  }
  const where = /device:GPU|CUDA|cuda/.test(messageOf(error)) ? 'the GPU ran' : 'TensorFlow ran';
  return new PennygradError(
    'run-failed',
    `${where} out of memory: lower --batch-size, use a smaller model, or end other programs on it (${words})`,
    { cause: error },
  );
}
