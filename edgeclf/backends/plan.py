"""Which operators of a ``.tflite`` plan a delegate has taken over.

The interpreter lists all operators, those that a delegate replaced included, and the
delegate's own node with what it reads and makes. What lies between the two is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["undelegated"]

_DELEGATE = "DELEGATE"


def undelegated(nodes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the kinds of the operators that no delegate took, in running order.

    Args:
        nodes: From the interpreter: ``op_name``, ``inputs`` and ``outputs`` of each.
    """
    own = [node for node in nodes if node["op_name"] != _DELEGATE]
    makers = {
        int(tensor): index
        for index, node in enumerate(own)
        for tensor in node["outputs"]
    }
    taken: set[int] = set()
    for node in nodes:
        if node["op_name"] == _DELEGATE:
            taken |= _between(node["inputs"], node["outputs"], own, makers)
    return tuple(
        str(node["op_name"]) for index, node in enumerate(own) if index not in taken
    )


def _between(
    inputs: Iterable[int],
    outputs: Iterable[int],
    own: Sequence[Mapping[str, Any]],
    makers: Mapping[int, int],
) -> set[int]:
    """Return the operators from which the outputs are made, back to the inputs."""
    stop = {int(tensor) for tensor in inputs}
    open_tensors = [int(tensor) for tensor in outputs]
    found: set[int] = set()
    while open_tensors:
        index = makers.get(open_tensors.pop())
        if index is not None and index not in found:
            found.add(index)
            reads = (int(tensor) for tensor in own[index]["inputs"])
            open_tensors += [tensor for tensor in reads if tensor not in stop]
    return found
