/** The codecs that there are. */
import { type CompressionSpec, parseCompression } from '../../core/compression-name.ts';
import { bf16 } from './bf16.ts';
import type { Codec } from './codec.ts';
import { int8 } from './int8.ts';
import { topk } from './topk.ts';

/** @param name of a compression that there is; undefined for none */
export function codecNamed(name: string | undefined): Codec | undefined {
  const spec = name === undefined ? undefined : parseCompression(name);
  return spec && codecOf(spec);
}

export function codecOf(spec: CompressionSpec): Codec {
  switch (spec.codec) {
    case 'bf16':
      return bf16;
    case 'int8':
      return int8;
    case 'topk':
      return topk(spec.percent);
    default:
      return spec satisfies never;
  }
}
