"""One way to write an ONNX model: names, order and shapes that no tool makes up."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx

from edgeclf.errors import ConversionError

__all__ = ["canonical_bytes"]

_IR_VERSION = 8
"""What opset 17 came with; ONNX Runtime 1.12 and later read it."""


def canonical_bytes(model: Any, *, name: str) -> bytes:
    """Return the model's bytes with every name given by its place in the graph.

    The one input is called ``image`` and the one output ``scores``; nodes are counted
    by kind in their order; constants are called after the first node that reads them
    and stand in that order. Unused constants, texts and notes of the tools that made
    the model go; the shape of every tensor is written in.

    Args:
        model: ``onnx.ModelProto``; changed.
        name: Of the graph.

    Raises:
        ConversionError: More than one input or output, or a graph inside a node.
    """
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ConversionError(
            f"the ONNX graph has {len(graph.input)} inputs and {len(graph.output)} "
            "outputs; a classifier has one of each"
        )
    _keep_used_constants(graph)
    _rename(graph)
    del graph.value_info[:]
    graph.name = name
    clean = onnx.helper.make_model(
        graph,
        producer_name="edgeclf",
        ir_version=_IR_VERSION,
        opset_imports=_used_opsets(model),
    )
    clean = onnx.shape_inference.infer_shapes(clean, strict_mode=True)
    data: bytes = clean.SerializeToString(deterministic=True)
    return data


def _keep_used_constants(graph: Any) -> None:
    constants = {constant.name: constant for constant in graph.initializer}
    order = dict.fromkeys(
        name for node in graph.node for name in node.input if name in constants
    )
    kept = [constants[name] for name in order]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _rename(graph: Any) -> None:
    names = dict(_new_names(graph))
    for node in graph.node:
        node.name = names[node.output[0]] if node.output[0] else node.name
        node.doc_string = ""
        for field in (node.input, node.output):
            field[:] = [names.get(name, name) for name in field]
    for holder in (graph.initializer, graph.input, graph.output):
        for value in holder:
            value.name = names[value.name]
            value.doc_string = ""
    graph.doc_string = ""


def _new_names(graph: Any) -> Iterator[tuple[str, str]]:
    constants = {constant.name for constant in graph.initializer}
    counts: Counter[str] = Counter()
    for node in graph.node:
        if any(attribute.type in _GRAPHS for attribute in node.attribute):
            raise ConversionError(
                f"the ONNX graph branches at a {node.op_type} node; only plain "
                "feed-forward models can be converted"
            )
        kind = node.op_type.lower()
        name = f"{kind}_{counts[kind]}"
        counts[kind] += 1
        for place, value in enumerate(node.input):
            if value in constants:
                constants.remove(value)
                yield value, f"{name}_in{place}"
        for place, value in enumerate(node.output):
            yield value, name if place == 0 else f"{name}_out{place}"
    yield graph.input[0].name, "image"
    yield graph.output[0].name, "scores"


_GRAPHS = {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}


def _used_opsets(model: Any) -> list[Any]:
    used = {node.domain for node in model.graph.node}
    return [opset for opset in model.opset_import if opset.domain in used]
