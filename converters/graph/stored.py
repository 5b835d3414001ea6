"""Which tensors of a model an int8 engine stores, and which only flow inside a kernel."""

from collections import defaultdict

from converters.graph.flat_model import FlatModel, Step, Tensor

__all__ = ["stored_tensors"]

_FUSED = frozenset({"relu", "relu6"})
_OPERATIONS = frozenset({"Relu", "Relu6"})
_FUSING = frozenset(
    {"Add", "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "SeparableConv2D"}
)


def stored_tensors(flat: FlatModel) -> frozenset[Tensor]:
    """Return the tensors that get a range of their own when a model becomes int8.

    These are all but those that go into an activation only, which engines clamp to
    inside the kernel before it: the range behind it is what counts.

    Args:
        flat: A model whose batch norms are folded.

    Source:
        https://ai.google.dev/edge/litert/models/operation_fusion (fused activations);
        ONNX Runtime's quantizer leaves out Relu and Clip behind a Conv likewise.
    """
    takers: dict[Tensor, list[Step]] = defaultdict(list)
    makers: dict[Tensor, Step] = {}
    for step in flat.steps:
        for tensor in step.inputs:
            takers[tensor].append(step)
        for tensor in step.outputs:
            makers[tensor] = step
    found = {tensor for _, tensor in flat.inputs} | set(makers)
    return frozenset(
        tensor
        for tensor in found
        if tensor in flat.outputs or not _is_fused(makers.get(tensor), takers[tensor])
    )


def _is_fused(maker: Step | None, takers: list[Step]) -> bool:
    return (
        maker is not None
        and maker.kind in _FUSING
        and len(takers) == 1
        and _clamps(takers[0])
    )


def _clamps(step: Step) -> bool:
    if step.kind == "ReLU":
        layer = step.operation
        has_kernel = layer.max_value is None or float(layer.max_value) == 6.0
        return has_kernel and not layer.threshold and not layer.negative_slope
    if step.kind == "Activation":
        return getattr(step.operation.activation, "__name__", "") in _FUSED
    return step.kind in _OPERATIONS
