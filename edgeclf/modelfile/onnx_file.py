"""Reading an ``.onnx`` file without the onnx package."""

import ast
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from edgeclf.modelfile.costs import Node, peak_activation_bytes, summarize
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.description import FileMetadata, ModelFile, TensorInfo
from edgeclf.modelfile.onnx_embed import (
    LABELS_KEY,
    NAME_KEY,
    PREPROCESS_KEY,
    TASK_KEY,
)
from edgeclf.modelfile.onnx_graph import Graph, OnnxNode, Shape, ValueInfo, read_graph
from edgeclf.modelfile.onnx_macs import node_macs
from edgeclf.modelfile.onnx_shapes import infer_shapes
from edgeclf.modelfile.own_metadata import (
    decode_labels,
    decode_preprocess,
    decode_task,
)
from edgeclf.modelfile.protobuf import Message
from edgeclf.types import QuantParams

__all__ = ["read_onnx"]

_LOOKED_THROUGH = frozenset(
    {"Cast", "DequantizeLinear", "Flatten", "Identity", "QuantizeLinear", "Reshape"}
)
_FLOAT_BYTES = 4


def read_onnx(data: bytes, *, name: str) -> ModelFile:
    """Return what the file is.

    Raises:
        DamagedError: It is no ONNX model, or keeps its weights in another file.
    """
    model = Message(memoryview(data))
    graph_message = model.message(7)
    if graph_message is None:
        raise DamagedError("it holds no graph")
    graph = read_graph(graph_message)
    shapes = infer_shapes(graph)
    nodes = _nodes(graph, shapes)
    return ModelFile(
        format="onnx",
        name=name,
        size_bytes=len(data),
        inputs=tuple(_input(graph, info) for info in graph.inputs),
        outputs=tuple(_output(graph, info, shapes) for info in graph.outputs),
        operators=summarize(nodes),
        parameters=sum(item.count for item in graph.constants.values()),
        weights_bytes=sum(item.size_bytes for item in graph.constants.values()),
        activations_bytes=_activations(graph, nodes, shapes),
        final_operator=_final_operator(graph),
        producer=_producer(model),
        load_metadata=partial(_metadata, model),
    )


def _nodes(graph: Graph, shapes: Mapping[str, Shape]) -> list[Node]:
    return [
        Node(
            kind=node.kind,
            inputs=node.inputs,
            outputs=node.outputs,
            macs=node_macs(node, shapes),
        )
        for node in graph.nodes
        if node.kind != "Constant"
    ]


def _activations(
    graph: Graph, nodes: list[Node], shapes: Mapping[str, Shape]
) -> int | None:
    """Return the peak for a float graph; engines fuse quantized ones beyond telling."""
    if any("Quantize" in node.kind or "QLinear" in node.kind for node in nodes):
        return None
    sizes: dict[Hashable, int | None] = {
        key: _floats_bytes(shapes.get(str(key)))
        for node in nodes
        for key in node.outputs
    }
    for info in graph.inputs:
        sizes[info.name] = _floats_bytes(shapes.get(info.name))
    return peak_activation_bytes(
        nodes,
        {**sizes, "": 0},
        inputs=[info.name for info in graph.inputs],
        outputs=[info.name for info in graph.outputs],
    )


def _floats_bytes(shape: Shape | None) -> int | None:
    return None if shape is None else prod(shape) * _FLOAT_BYTES


def _input(graph: Graph, info: ValueInfo) -> TensorInfo:
    readers = [node for node in graph.nodes if info.name in node.inputs]
    quantization = None
    if readers and all(node.kind == "DequantizeLinear" for node in readers):
        quantization = _quantization(graph, readers[0])
    return _info(info, quantization)


def _output(graph: Graph, info: ValueInfo, shapes: Mapping[str, Shape]) -> TensorInfo:
    makers = [node for node in graph.nodes if info.name in node.outputs]
    quantization = None
    if makers and makers[0].kind == "QuantizeLinear":
        quantization = _quantization(graph, makers[0])
    if not info.shape or None in info.shape[1:]:
        # Exporters often leave the output's sides open; the graph tells them.
        info = replace(info, shape=shapes.get(info.name, info.shape))
    return _info(info, quantization)


def _info(info: ValueInfo, quantization: QuantParams | None) -> TensorInfo:
    return TensorInfo(
        name=info.name,
        shape=info.shape,
        dtype=info.dtype,
        quantization=None if "float" in info.dtype else quantization,
    )


def _quantization(graph: Graph, node: OnnxNode) -> QuantParams | None:
    """Return the scale and zero point that a node applies to a whole tensor."""
    constants = [graph.constants.get(name) for name in node.inputs[1:3] if name]
    values = [item.values() for item in constants if item is not None]
    if not values or len(values) != len(constants):
        return None
    if any(np.size(each) != 1 for each in values):
        return None
    zero_point = int(values[1][0]) if len(values) > 1 else 0
    try:
        return QuantParams(scale=float(values[0][0]), zero_point=zero_point)
    except ValueError as error:
        raise DamagedError(f"{node.kind}: {error}") from error


def _final_operator(graph: Graph) -> str:
    makers = {name: node for node in graph.nodes for name in node.outputs}
    node = makers.get(graph.outputs[0].name) if graph.outputs else None
    for _ in graph.nodes:
        if node is None or node.kind not in _LOOKED_THROUGH:
            break
        node = makers.get(node.inputs[0]) if node.inputs else None
    return "none" if node is None else node.kind


def _producer(model: Message) -> str:
    opsets = [
        f"{opset.text(1) or 'ai.onnx'} {opset.integer(2)}"
        for opset in model.messages(8)
    ]
    producer = " ".join(filter(None, (model.text(2), model.text(3)))) or "not named"
    return f"{producer} (opset {', '.join(opsets) or 'not named'})"


def _metadata(model: Message) -> FileMetadata:
    properties = {entry.text(1): entry.text(2) for entry in model.messages(14)}
    labels = properties.get(LABELS_KEY)
    preprocess = properties.get(PREPROCESS_KEY)
    task = properties.get(TASK_KEY)
    return FileMetadata(
        name=properties.get(NAME_KEY),
        description=model.text(6) or None,
        labels=_names(properties) if labels is None else decode_labels(labels),
        preprocess=None if preprocess is None else decode_preprocess(preprocess),
        scores=None if task is None else decode_task(task),
        properties=properties,
    )


def _names(properties: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the labels that Ultralytics writes: ``names = "{0: 'cat', 1: 'dog'}"``."""
    try:
        names = ast.literal_eval(properties.get("names", ""))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if not isinstance(names, dict) or sorted(names) != list(range(len(names))):
        return None
    return tuple(str(names[index]) for index in range(len(names)))
