/**
 * The interpreter of traced steps: one call from JavaScript runs any number of kernels.
 *
 * A program is a sequence of 32-bit numbers. Each instruction has its opcode, the passes in which it runs (as bits),
 * the number of its arguments, and the kernel's arguments.
 */
import * as op from '../trace/opcodes';
import { averagePoolBackprop, averagePoolForward } from './average-pool';
import { conv2dAddFilterGradient, conv2dUnpackFilterGradient } from './convolution/conv2d-backprop-filter';
import { conv2dBackpropInputPacked } from './convolution/conv2d-backprop-input';
import { conv2dForwardPacked, conv2dPackFilter } from './convolution/conv2d-forward';
import { packTransposedTaps } from './convolution/pack';
import { cropImages, padImages } from './convolution/pad-images';
import {
  winogradAddFilterGradient,
  winogradBackpropInput,
  winogradPackFilter,
  winogradTransformGradient,
  winogradTransformImages,
  winogradTransposeFilter,
  winogradUnpackFilterGradient,
} from './convolution/winograd';
import { winogradForward } from './convolution/winograd-forward';
import { mapBinary, mapUnary } from './elementwise';
import { maxPoolBackprop, maxPoolForward } from './max-pool';
import { gatherImages } from './pixels';

/** Runs the instructions of `[program, end)` that take part in `pass`. */
export function runProgram(program: usize, end: usize, pass: i32): void {
  while (program < end) {
    const opcode = load<i32>(program);
    const passes = load<i32>(program, 4);
    const count = load<i32>(program, 8);
    program += 12;
    if (passes & pass) runInstruction(opcode, program);
    program += (<usize>count) << 2;
  }
}

// biome-ignore format: one instruction a line or two reads best
function runInstruction(opcode: i32, a: usize): void {
  if (opcode === op.opZero) memory.fill(arg(a, 0), 0, arg(a, 1));
  else if (opcode === op.opGatherImages) {
    gatherImages(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3));
  } else if (opcode === op.opPackFilter) {
    conv2dPackFilter(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4));
  } else if (opcode === op.opConvolution) {
    conv2dForwardPacked(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13), arg(a, 14), arg(a, 15), arg(a, 16),
      arg(a, 17) !== 0);
  } else if (opcode === op.opPackTransposedFilter) {
    packTransposedTaps(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4));
  } else if (opcode === op.opConvolutionBackpropInput) {
    conv2dBackpropInputPacked(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13), arg(a, 14), arg(a, 15), arg(a, 16),
      arg(a, 17));
  } else if (opcode === op.opAddFilterGradient) {
    conv2dAddFilterGradient(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13), arg(a, 14), arg(a, 15), arg(a, 16),
      arg(a, 17));
  } else if (opcode === op.opUnpackFilterGradient) {
    conv2dUnpackFilterGradient(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4));
  } else if (opcode === op.opPadImages) {
    padImages(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7), arg(a, 8),
      arg(a, 9));
  } else if (opcode === op.opCropImages) {
    cropImages(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7), arg(a, 8),
      arg(a, 9));
  } else if (opcode === op.opMaxPool) {
    maxPoolForward(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7), arg(a, 8),
      arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13));
  } else if (opcode === op.opMaxPoolBackprop) {
    maxPoolBackprop(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13), arg(a, 14));
  } else if (opcode === op.opAveragePool) {
    averagePoolForward(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13));
  } else if (opcode === op.opAveragePoolBackprop) {
    averagePoolBackprop(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12), arg(a, 13));
  } else if (opcode === op.opWinogradPackFilter) {
    winogradPackFilter(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3));
  } else if (opcode === op.opWinogradTransposeFilter) {
    winogradTransposeFilter(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3));
  } else if (opcode === op.opWinogradTransformImages) {
    winogradTransformImages(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7));
  } else if (opcode === op.opWinogradForward) {
    winogradForward(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10), arg(a, 11), arg(a, 12) !== 0);
  } else if (opcode === op.opWinogradTransformGradient) {
    winogradTransformGradient(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7));
  } else if (opcode === op.opWinogradAddFilterGradient) {
    winogradAddFilterGradient(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7));
  } else if (opcode === op.opWinogradUnpackFilterGradient) {
    winogradUnpackFilterGradient(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3));
  } else if (opcode === op.opWinogradBackpropInput) {
    winogradBackpropInput(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), arg(a, 7),
      arg(a, 8), arg(a, 9), arg(a, 10));
  } else if (opcode === op.opUnary) {
    mapUnary(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3));
  } else if (opcode === op.opBinary) {
    mapBinary(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6));
  }
}

function arg(args: usize, index: usize): i32 {
  return load<i32>(args + (index << 2));
}
