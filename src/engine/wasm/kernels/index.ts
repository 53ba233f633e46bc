/**
 * The training kernels, in AssemblyScript. build.mjs compiles them; TypeScript's compiler does not see this folder.
 *
 * Conventions, for every file here:
 * - A `usize` is a byte address in the imported memory. Kernels allocate nothing and keep no state between calls.
 *   Callers pass scratch memory of the size that the matching `…ScratchBytes` returns.
 * - Tensors are float32 and row-major. Images are NHWC, filters are [height, width, in, out].
 * - Convolutions do not pad. Callers pad the images first (pad-images.ts), so `height` and `width` are padded sizes. A
 *   shape is always the same thirteen numbers in the same order.
 * - A fully connected layer is a 1×1 convolution over one image of height 1 whose width is the batch.
 */
export { adamUpdate } from './adam';
export {
  conv2dAddFilterGradientScratchBytes,
  conv2dBackpropFilter,
  conv2dBackpropFilterScratchBytes,
  conv2dFilterGradientBytes,
} from './convolution/conv2d-backprop-filter';
export {
  conv2dBackpropInput,
  conv2dBackpropInputPackedScratchBytes,
  conv2dBackpropInputScratchBytes,
  conv2dTransposedFilterBytes,
} from './convolution/conv2d-backprop-input';
export {
  conv2dForward,
  conv2dForwardPackedScratchBytes,
  conv2dForwardScratchBytes,
  conv2dPackedFilterBytes,
} from './convolution/conv2d-forward';
export { cropImages, padImages } from './convolution/pad-images';
export { winogradFilterBytes, winogradForwardScratchBytes, winogradImageBytes } from './convolution/winograd';
export { maxPoolBackprop, maxPoolForward } from './max-pool';
export { multiplyAddChains } from './peak';
export { scalePixels } from './pixels';
export { runProgram } from './program';
export { sgdUpdate } from './sgd';
