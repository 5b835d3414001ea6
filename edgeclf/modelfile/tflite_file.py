"""Reading a ``.tflite`` file without TensorFlow, every index and size checked."""

from functools import partial
from math import prod

from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.costs import Node, peak_activation_bytes, summarize
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.description import FileMetadata, ModelFile, TensorInfo
from edgeclf.modelfile.flatbuffer import Table
from edgeclf.modelfile.tflite_macs import operator_macs
from edgeclf.modelfile.tflite_root import TfliteRoot, open_tflite
from edgeclf.modelfile.tflite_tensors import TensorRecord, read_tensors

__all__ = ["read_tflite"]

_LOOKED_THROUGH = frozenset({"DEQUANTIZE", "QUANTIZE", "RESHAPE", "CAST", "SQUEEZE"})


def read_tflite(data: bytes, *, name: str) -> ModelFile:
    """Return what the file is.

    Raises:
        DamagedError: An offset, index or size contradicts the rest.
    """
    root = open_tflite(data)
    model = root.model
    subgraphs = model.tables(schema.MODEL_SUBGRAPHS)
    if len(subgraphs) != 1:
        raise DamagedError(f"{len(subgraphs)} subgraphs where a classifier has 1")
    graph = subgraphs[0]
    tensors = read_tensors(graph, [len(content) for content in root.buffers])
    inputs = _indices(graph, schema.SUBGRAPH_INPUTS, len(tensors))
    outputs = _indices(graph, schema.SUBGRAPH_OUTPUTS, len(tensors))
    nodes = _nodes(model, graph, tensors)
    _check_signatures(model)
    constants = [tensor for tensor in tensors if tensor.is_constant]
    return ModelFile(
        format="tflite",
        name=name,
        size_bytes=len(data),
        inputs=tuple(_info(tensors[index]) for index in inputs),
        outputs=tuple(_info(tensors[index]) for index in outputs),
        operators=summarize(nodes),
        parameters=sum(prod(tensor.shape) for tensor in constants),
        weights_bytes=sum(tensor.stored_bytes for tensor in constants),
        activations_bytes=peak_activation_bytes(
            nodes,
            {index: tensor.size_bytes for index, tensor in enumerate(tensors)},
            inputs=inputs,
            outputs=outputs,
        ),
        final_operator=_final_operator(nodes, outputs),
        producer=model.string(schema.MODEL_DESCRIPTION) or "not named",
        load_metadata=partial(_metadata, data, root),
    )


def _metadata(data: bytes, root: TfliteRoot) -> FileMetadata:
    from edgeclf.modelfile.tflite_metadata import read_metadata  # noqa: PLC0415 - zipfile: 8 ms

    return read_metadata(data, root)


def _info(tensor: TensorRecord) -> TensorInfo:
    shape = tuple(
        None if side < 0 else side for side in (tensor.signature or tensor.shape)
    )
    return TensorInfo(
        name=tensor.name,
        shape=shape,
        dtype=tensor.dtype,
        quantization=tensor.quantization,
    )


def _nodes(model: Table, graph: Table, tensors: list[TensorRecord]) -> list[Node]:
    kinds = [_kind(code) for code in model.tables(schema.MODEL_OPERATOR_CODES)]
    return [
        _node(operator, kinds, tensors)
        for operator in graph.tables(schema.SUBGRAPH_OPERATORS)
    ]


def _kind(code: Table) -> str:
    # Numbers above 127 did not fit the old field; the greater of the two counts.
    number = max(
        code.scalar(schema.CODE_DEPRECATED_BUILTIN, "b"),
        code.scalar(schema.CODE_BUILTIN, "i"),
    )
    if not 0 <= number < len(schema.BUILTIN_OPERATORS):
        return f"operator {number}"
    kind = schema.BUILTIN_OPERATORS[number]
    custom = code.string(schema.CODE_CUSTOM)
    return f"CUSTOM {custom}" if kind == "CUSTOM" else kind


def _node(operator: Table, kinds: list[str], tensors: list[TensorRecord]) -> Node:
    code = operator.scalar(schema.OPERATOR_CODE, "I")
    if code >= len(kinds):
        raise DamagedError(f"an operator of kind {code} where {len(kinds)} are listed")
    inputs = _indices(operator, schema.OPERATOR_INPUTS, len(tensors), optional=True)
    outputs = _indices(operator, schema.OPERATOR_OUTPUTS, len(tensors))
    _indices(operator, schema.OPERATOR_INTERMEDIATES, len(tensors), optional=True)
    _check_options(operator)
    return Node(
        kind=kinds[code],
        inputs=inputs,
        outputs=outputs,
        macs=operator_macs(kinds[code], inputs, outputs, tensors),
    )


def _check_options(operator: Table) -> None:
    options = operator.table(schema.OPERATOR_OPTIONS)
    kind = operator.scalar(schema.OPERATOR_OPTIONS_TYPE, "B")
    if options is not None and kind in schema.OPTIONS_WITH_INT_LIST:
        options.array(0, "<i4")
    operator.table(schema.OPERATOR_OPTIONS_2)
    operator.array(schema.OPERATOR_CUSTOM_OPTIONS, "u1")
    if operator.scalar(schema.OPERATOR_OUTSIDE_OPTIONS, "Q") > 1:
        raise DamagedError(
            "options of a custom operator behind the flatbuffer, where edgeclf does "
            "not read them"
        )


def _check_signatures(model: Table) -> None:
    for signature in model.tables(schema.MODEL_SIGNATURES):
        signature.string(schema.SIGNATURE_KEY)
        for side in (schema.SIGNATURE_INPUTS, schema.SIGNATURE_OUTPUTS):
            for entry in signature.tables(side):
                entry.string(0)


def _indices(
    table: Table, field: int, count: int, *, optional: bool = False
) -> tuple[int, ...]:
    """Return a list of tensor numbers; -1 stands for an input left out."""
    indices = tuple(table.array(field, "<i4").tolist())
    lowest = -1 if optional else 0
    if any(not lowest <= index < count for index in indices):
        raise DamagedError(f"tensor numbers {indices} where there are {count} tensors")
    return indices


def _final_operator(nodes: list[Node], outputs: tuple[int, ...]) -> str:
    makers = {key: node for node in nodes for key in node.outputs}
    node = makers.get(outputs[0]) if outputs else None
    for _ in nodes:
        if node is None or node.kind not in _LOOKED_THROUGH:
            break
        node = makers.get(node.inputs[0]) if node.inputs else None
    return "none" if node is None else node.kind
