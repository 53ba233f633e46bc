/** The shapes of max and average pooling. */
import * as tf from '../../../shared/model/tfjs-core.ts';

/** The shape of a pooling operation in the kernels' order. @throws Error if the images are not float32 */
export function poolShape(
  x: { readonly shape: readonly number[]; readonly dtype: tf.DataType },
  attributes: tf.NamedAttrMap,
) {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as unknown as tf.MaxPoolAttrs;
  if (x.dtype !== 'float32') throw new Error(`the wasm backend pools float32 images only, not ${x.dtype}`);
  const images = [...x.shape] as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(images, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, inChannels, filterHeight, filterWidth, outHeight, outWidth } = info;
  const shape = [
    ...([batchSize, inHeight, inWidth, inChannels, filterHeight, filterWidth, outHeight, outWidth] as const),
    ...([info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left] as const),
  ] as const;
  return { shape, outShape: info.outShape };
}
