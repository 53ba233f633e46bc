/** The element-wise operations that a traced step can contain, by tfjs's names, with their functions in opcodes.ts. */
import * as tf from '../../../shared/model/tfjs-core.ts';
import * as op from './opcodes.ts';

/** Functions of one input, `x`. */
export const unaryFunctions: ReadonlyMap<string, number> = new Map([
  [tf.Relu, op.unaryRelu],
  [tf.Step, op.unaryStep],
  [tf.Sigmoid, op.unarySigmoid],
  [tf.Tanh, op.unaryTanh],
  [tf.Elu, op.unaryElu],
  [tf.Square, op.unarySquare],
]);

export interface BinaryFunction {
  readonly code: number;
  /** tfjs's names for the two inputs. */
  readonly operands: readonly [first: string, second: string];
}

export const binaryFunctions: ReadonlyMap<string, BinaryFunction> = new Map([
  [tf.Add, { code: op.binaryAdd, operands: ['a', 'b'] }],
  [tf.Sub, { code: op.binarySubtract, operands: ['a', 'b'] }],
  [tf.Multiply, { code: op.binaryMultiply, operands: ['a', 'b'] }],
  [tf.EluGrad, { code: op.binaryEluGradient, operands: ['dy', 'y'] }],
]);
