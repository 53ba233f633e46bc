/**
 * The opcodes of a traced step's instructions. The interpreter (kernels/program.ts, in AssemblyScript) imports this
 * file too, so it only has plain constants that mean the same in both languages.
 */

/** Does nothing: marks where the loss is computed, outside of the program. */
export const opLoss = 0;
export const opGatherImages = 1;
export const opZero = 2;
export const opPackFilter = 3;
export const opConvolution = 4;
export const opPackTransposedFilter = 5;
export const opConvolutionBackpropInput = 6;
export const opAddFilterGradient = 7;
export const opUnpackFilterGradient = 8;
export const opPadImages = 9;
export const opCropImages = 10;
export const opMaxPool = 11;
export const opMaxPoolBackprop = 12;
export const opAveragePool = 13;
export const opAveragePoolBackprop = 14;
export const opWinogradPackFilter = 15;
export const opWinogradTransposeFilter = 16;
export const opWinogradTransformImages = 17;
export const opWinogradForward = 18;
export const opWinogradTransformGradient = 19;
export const opWinogradAddFilterGradient = 20;
export const opWinogradUnpackFilterGradient = 21;
export const opWinogradBackpropInput = 22;
export const opUnary = 23;
export const opBinary = 24;

/** Passes over micro-batches, as bits. An instruction names the passes in which it runs. */
export const firstPass = 1;
export const innerPass = 2;
export const lastPass = 4;
export const everyPass = 7;
/** Beside one of these: the parameters have changed, and what is packed of them is packed again. */
export const packingPass = 8;

/** Functions of `opUnary`. */
export const unaryRelu = 0;
export const unaryStep = 1;
export const unarySigmoid = 2;
export const unaryTanh = 3;
export const unaryElu = 4;
export const unarySquare = 5;

/** Functions of `opBinary`. */
export const binaryAdd = 0;
export const binarySubtract = 1;
export const binaryMultiply = 2;
/** The gradient of Elu's input, from the gradient `a` of its output `b`. */
export const binaryEluGradient = 3;
