"""Replaying a bundle's golden vectors on this machine, with this engine.

Each vector is checked in two steps, so that a fault of one does not hide in the other:
the picture must become the stored tensor, and the *stored* tensor must give the stored
scores.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgeclf.backends import open_backend
from edgeclf.bundle import Bundle
from edgeclf.errors import BundleError, ImageError
from edgeclf.golden import GoldenVector
from edgeclf.golden_maker import folder_images, golden_images, kernels_of, make_golden
from edgeclf.modelfile import read_model_file
from edgeclf.preprocess import Preprocessor
from edgeclf.provenance import Kernels
from edgeclf.replay import ScoreTolerance, VectorResult, replay
from edgeclf.types import EngineIdentity

__all__ = [
    "ScoreTolerance",
    "VectorResult",
    "VerificationReport",
    "folder_images",
    "golden_images",
    "make_golden",
    "verify_bundle",
]

SAME_KERNELS_LSB = 1.0
SAME_KERNELS_FLOAT = 1e-4
OTHER_KERNELS_SHARE = 20 / 256
"""Of the range of scores, for models that compute in 8 bits: XNNPACK's and the
built-in int8 kernels differ by up to that much on EfficientNet-Lite0."""
OTHER_KERNELS_FLOAT = 1e-3
"""For models that compute in floats; other kernels add in another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What verifying a bundle on this machine showed.

    Attributes:
        digest: The bundle's identity.
        identity: What ran here.
        made_by: What computed the stored scores.
        same_kernels: Whether the two are the same, and the tolerance a narrow one.
        tolerance: How far scores may be from the stored ones.
        vectors: One result a golden vector.
    """

    digest: str
    identity: EngineIdentity
    made_by: Kernels
    same_kernels: bool
    tolerance: ScoreTolerance
    vectors: tuple[VectorResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every vector held."""
        return not self.faults

    @property
    def faults(self) -> tuple[VectorResult, ...]:
        """The vectors that did not hold."""
        return tuple(result for result in self.vectors if result.fault is not None)

    @property
    def worst_tensor_error(self) -> float:
        """Of all vectors, in steps of one pixel value."""
        return max(result.tensor_error for result in self.vectors)

    @property
    def worst_score_error(self) -> float:
        """Of all vectors, in the tolerance's unit."""
        return max(result.score_error for result in self.vectors)


def verify_bundle(
    bundle: Bundle,
    *,
    engine: str | None = None,
    threads: int = 1,
    watch: Callable[[Sequence[GoldenVector]], Iterable[GoldenVector]] = iter,
) -> VerificationReport:
    """Replay the golden vectors of a bundle that was read.

    Args:
        bundle: From ``read_bundle``, so its digests hold.
        engine: As in ``open_backend``.
        threads: Likewise.
        watch: Passes the vectors on while it shows progress.

    Raises:
        BundleError: A golden tensor does not unpack, or a picture does not decode.
        MissingDependencyError: No engine for this model is installed.
        BackendError: The engine cannot run it.
    """
    spec = bundle.manifest.model
    golden = bundle.golden
    made_by = bundle.manifest.golden.kernels
    preprocessor = Preprocessor(spec.preprocess, spec.input)
    with open_backend(
        bundle.model_bytes, format=spec.format, engine=engine, threads=threads
    ) as backend:
        same = kernels_of(backend.identity) == made_by
        tolerance = _tolerance(bundle, golden, same_kernels=same)
        try:
            results = tuple(
                replay(vector, spec, preprocessor, backend, tolerance)
                for vector in watch(golden)
            )
        except ImageError as error:
            raise BundleError(f"{bundle.path}: {error}") from error
        identity = backend.identity
    return VerificationReport(
        digest=bundle.digest,
        identity=identity,
        made_by=made_by,
        same_kernels=same,
        tolerance=tolerance,
        vectors=results,
    )


def _tolerance(
    bundle: Bundle, golden: tuple[GoldenVector, ...], *, same_kernels: bool
) -> ScoreTolerance:
    output = bundle.manifest.model.output
    if output.dtype != "float32":
        limit = SAME_KERNELS_LSB if same_kernels else OTHER_KERNELS_SHARE * 256
        return ScoreTolerance(limit=limit, unit="LSB")
    unit = _score_range(bundle, golden)
    if same_kernels:
        return ScoreTolerance(limit=SAME_KERNELS_FLOAT * unit, unit="score")
    share = OTHER_KERNELS_SHARE if _computes_in_8_bits(bundle) else OTHER_KERNELS_FLOAT
    return ScoreTolerance(limit=share * unit, unit="score")


def _score_range(bundle: Bundle, golden: tuple[GoldenVector, ...]) -> float:
    """Return 1 for probabilities, and how far logits spread where that is more."""
    if bundle.manifest.task.scores == "probabilities":
        return 1.0
    scores = np.concatenate([vector.scores for vector in golden])
    return max(1.0, float(scores.max() - scores.min()))


def _computes_in_8_bits(bundle: Bundle) -> bool:
    """Say whether most of the weights are stored as single bytes."""
    model = read_model_file(bundle.model_bytes, name=str(bundle.path))
    return model.weights_bytes < 2 * model.parameters
