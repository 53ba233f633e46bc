/**
 * What pennygrad uses of tfjs-core. `import` would search the 30,000 lines of its CommonJS file for the names that it
 * exports, which takes longer than to run them: it costs 0.3 s of every worker's start. `require` does not search.
 */
import { createRequire } from 'node:module';
import type * as core from '@tensorflow/tfjs-core';

/** The whole module. */
export const tfjsCore: typeof core = createRequire(import.meta.url)('@tensorflow/tfjs-core');

export const {
  Add,
  AvgPool,
  AvgPoolGrad,
  Cast,
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  Elu,
  EluGrad,
  Identity,
  KernelBackend,
  MaxPool,
  MaxPoolGrad,
  Multiply,
  Relu,
  Reshape,
  Sigmoid,
  Square,
  Step,
  Sub,
  Tanh,
  Variable,
  backend,
  backend_util,
  broadcast_util,
  clone,
  concat,
  customGrad,
  dispose,
  div,
  enableProdMode,
  engine,
  getBackend,
  getKernel,
  keep,
  mul,
  oneHot,
  registerBackend,
  registerGradient,
  registerKernel,
  reshape,
  scalar,
  setBackend,
  slice,
  softmax,
  sub,
  tensor,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  train,
  unregisterKernel,
  util,
  variableGrads,
  zeros,
} = tfjsCore;

export type KernelBackend = core.KernelBackend;
export type Variable<Rank extends core.Rank = core.Rank> = core.Variable<Rank>;

export type {
  BackendValues,
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  DataType,
  MaxPoolAttrs,
  NamedAttrMap,
  Optimizer,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor4D,
  TensorInfo,
} from '@tensorflow/tfjs-core';
