/**
 * Builds a TensorFlow graph of named operations, whose inputs are outputs of other operations.
 *
 * Outputs have TensorFlow's names: `name` is an operation's first output and `name:1` its second. The input `^name` is
 * a control dependency: it only waits for that operation.
 */

export const dataTypes = { float32: 1, int32: 3, uint8: 4, string: 7, int64: 9, resource: 20 } as const;
export type DataType = keyof typeof dataTypes;

export type Attribute =
  | { readonly type: DataType }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  /** −1 is an unknown dimension. */
  | { readonly shape: readonly number[] }
  | { readonly tensor: { readonly type: 'int32' | 'float32'; readonly shape: readonly number[]; values: number[] } };

export interface GraphNode {
  readonly name: string;
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Adds an operation and returns its first output. Without a name, one is generated. */
  add(
    operation: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    name?: string,
  ): string;
  /** A constant vector of integers, for example a shape. */
  integers(values: readonly number[]): string;
  integer(value: number): string;
  float(value: number): string;
  /** An input that is fed from outside. */
  placeholder(name: string, type: DataType, shape: readonly number[]): string;
}

/** The attributes of most operations on floats. */
export const onFloats = { T: { type: 'float32' } } as const;

export function createGraph(): Graph {
  const nodes: GraphNode[] = [];

  function add(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${operation}_${nodes.length}`,
  ): string {
    nodes.push({ name, operation, inputs, attributes });
    return name;
  }

  const constant = (type: 'int32' | 'float32', shape: readonly number[], values: readonly number[]) =>
    add('Const', [], { dtype: { type }, value: { tensor: { type, shape, values: [...values] } } });

  return {
    nodes,
    add,
    integers: (values) => constant('int32', [values.length], values),
    integer: (value) => constant('int32', [], [value]),
    float: (value) => constant('float32', [], [value]),
    placeholder: (name, type, shape) => add('Placeholder', [], { dtype: { type }, shape: { shape } }, name),
  };
}
