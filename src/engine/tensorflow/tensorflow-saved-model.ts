/** Encodes a graph as a `saved_model.pb`, the only format in which TensorFlow's binding accepts graphs. */
import { type Attribute, dataTypes, type GraphNode } from './tensorflow-graph.ts';

/** The tag under which the graph is saved and loaded. */
export const savedModelTag = 'train';

/** The `GraphDef` version that the operations are written for. TensorFlow 2 reads it. */
const producerVersion = 1395;

/**
 * Encodes `tensorflow.SavedModel` with one graph.
 * @param messages the protobuf classes that come with `@tensorflow/tfjs-node` (its `dist/proto/api_pb.js`)
 */
export function encodeSavedModel(nodes: readonly GraphNode[], messages: ProtobufMessages): Uint8Array {
  const graph = new messages.GraphDef();
  for (const { name, operation, inputs, attributes } of nodes) {
    const node = new messages.NodeDef();
    node.setName(name);
    node.setOp(operation);
    node.setInputList([...inputs]);
    for (const [key, value] of Object.entries(attributes)) node.getAttrMap().set(key, encode(value, messages));
    graph.addNode(node);
  }
  const version = new messages.VersionDef();
  version.setProducer(producerVersion);
  graph.setVersions(version);
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.addTags(savedModelTag);
  const meta = new messages.MetaGraphDef();
  meta.setMetaInfoDef(info);
  meta.setGraphDef(graph);
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(meta);
  return model.serializeBinary();
}

function encode(attribute: Attribute, messages: ProtobufMessages): Message {
  const value = new messages.AttrValue();
  if ('type' in attribute) value.setType(dataTypes[attribute.type]);
  else if ('int' in attribute) value.setI(attribute.int);
  else if ('float' in attribute) value.setF(attribute.float);
  else if ('bool' in attribute) value.setB(attribute.bool);
  else if ('text' in attribute) value.setS(Buffer.from(attribute.text));
  else if ('shape' in attribute) value.setShape(encodeShape(attribute.shape, messages));
  else if ('ints' in attribute) {
    const list = new messages.AttrValue.ListValue();
    list.setIList([...attribute.ints]);
    value.setList(list);
  } else {
    const { type, shape, values } = attribute.tensor;
    const tensor = new messages.Tensor();
    tensor.setDtype(dataTypes[type]);
    tensor.setTensorShape(encodeShape(shape, messages));
    if (type === 'int32') tensor.setIntValList(values);
    else tensor.setFloatValList(values);
    value.setTensor(tensor);
  }
  return value;
}

function encodeShape(dimensions: readonly number[], messages: ProtobufMessages): Message {
  const shape = new messages.TensorShape();
  for (const size of dimensions) {
    const dimension = new messages.TensorShape.Dim();
    dimension.setSize(size);
    shape.addDim(dimension);
  }
  return shape;
}

/** A google-protobuf message. */
// biome-ignore lint/suspicious/noExplicitAny: generated JavaScript without declarations
type Message = any;
export type ProtobufMessages = Readonly<
  Record<
    'AttrValue' | 'GraphDef' | 'MetaGraphDef' | 'NodeDef' | 'SavedModel' | 'Tensor' | 'TensorShape' | 'VersionDef',
    Message
  >
>;
