"""What a graph costs, whichever format it came from: work and memory."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from edgeclf.modelfile.description import OperatorSummary

__all__ = ["Node", "peak_activation_bytes", "summarize"]


@dataclass(frozen=True, slots=True)
class Node:
    """One operator.

    Attributes:
        kind: ``CONV_2D`` or ``Conv``.
        inputs: Keys of what it reads.
        outputs: Keys of what it makes.
        macs: Multiply-accumulates; ``None`` where a shape is not known.
    """

    kind: str
    inputs: tuple[Hashable, ...]
    outputs: tuple[Hashable, ...]
    macs: int | None


def summarize(nodes: Iterable[Node]) -> tuple[OperatorSummary, ...]:
    """Return one summary a kind: most work first, then most operators."""
    macs: dict[str, list[int | None]] = {}
    for node in nodes:
        macs.setdefault(node.kind, []).append(node.macs)
    summaries = [
        OperatorSummary(name=kind, count=len(each), macs=_total(each))
        for kind, each in macs.items()
    ]
    return tuple(
        sorted(summaries, key=lambda item: (-(item.macs or 0), -item.count, item.name))
    )


def peak_activation_bytes(
    nodes: Sequence[Node],
    sizes: Mapping[Hashable, int | None],
    *,
    inputs: Iterable[Hashable],
    outputs: Iterable[Hashable],
) -> int | None:
    """Return the most bytes alive at one time, nodes run in the order given.

    Args:
        nodes: In running order.
        sizes: Bytes of every result; constants are left out.
        inputs: Keys that live from the beginning.
        outputs: Keys that live to the end.

    Returns:
        Bytes; ``None`` when the size of one is not known.
    """
    last_use = {
        key: step for step, node in enumerate(nodes) for key in chain(node.inputs)
    }
    last_use.update(dict.fromkeys(outputs, len(nodes)))
    alive: dict[Hashable, int] = {}
    peak = 0
    for step, made in enumerate([tuple(inputs), *(node.outputs for node in nodes)]):
        for key in made:
            size = sizes.get(key)
            if size is None:
                return None
            alive[key] = size
        peak = max(peak, sum(alive.values()))
        for key in [key for key in alive if last_use.get(key, -1) < step]:
            del alive[key]
    return peak


def _total(each: Sequence[int | None]) -> int | None:
    known = [macs for macs in each if macs is not None]
    return sum(known) if len(known) == len(each) else None
