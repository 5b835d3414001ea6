"""What every engine must do with every kind of model that it runs."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.backends import BACKENDS, Backend, available_engines, open_backend
from edgeclf.errors import BackendError
from edgeclf.types import Model, QuantParams, Tensor
from tests.models import ONNX_KINDS, TFLITE_KINDS, float_scores, tiny_model

KINDS = {"tflite": TFLITE_KINDS, "onnx": ONNX_KINDS}
SIZES = ((32, 32), (24, 40))


@dataclass(frozen=True)
class Case:
    engine: str
    kind: str
    size: tuple[int, int] = (32, 32)

    def __str__(self) -> str:
        height, width = self.size
        return f"{self.engine}-{self.kind}-{height}x{width}"

    def require(self) -> None:
        status = available_engines()[self.engine]
        if not status.usable:
            pytest.skip(f"{self.engine} {status.reason}")
        if BACKENDS[self.engine].format == "onnx":
            pytest.importorskip(
                "onnx", reason="onnx, which makes the models, is absent"
            )

    def model(self) -> Model:
        return tiny_model(self.kind, size=self.size)  # type: ignore[arg-type] # a kind


ENGINES = tuple(Case(name, KINDS[entry.format][0]) for name, entry in BACKENDS.items())
EVERY = tuple(
    Case(name, kind, size)
    for name, entry in BACKENDS.items()
    for kind in KINDS[entry.format]
    for size in SIZES
)

every_case = pytest.mark.parametrize("case", EVERY, ids=str, indirect=True)
every_engine = pytest.mark.parametrize("case", ENGINES, ids=str, indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    asked: Case = request.param
    asked.require()
    return asked


@pytest.fixture
def backend(case: Case) -> Iterator[Backend]:
    with opened(case) as backend:
        yield backend


def opened(case: Case, threads: int = 1) -> Backend:
    model = case.model()
    return open_backend(
        model.data, format=model.spec.format, engine=case.engine, threads=threads
    )


def picture(size: tuple[int, int], seed: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def tensor_of(model: Model, pixels: NDArray[np.uint8]) -> Tensor:
    """Prepare a picture by hand, without the code that is tested elsewhere."""
    spec = model.spec
    stored: Tensor = pixels
    if spec.preprocess.normalization == "device":
        stored = (pixels.astype(np.float32) - 127) / 128
    if spec.input.quantization is not None:
        stored = quantize(stored, spec.input.quantization, spec.input.dtype)
    if spec.preprocess.layout == "nchw":
        stored = np.ascontiguousarray(stored.transpose(2, 0, 1))
    batch: Tensor = stored[np.newaxis]
    return batch


def quantize(real: Tensor, params: QuantParams, dtype: str) -> Tensor:
    limits = np.iinfo(dtype)
    steps = np.rint(real / np.float32(params.scale)) + params.zero_point
    stored: Tensor = np.clip(steps, limits.min, limits.max).astype(dtype)
    return stored


def real_scores(backend: Backend, raw: Tensor) -> Tensor:
    params = backend.output.quantization
    scores: Tensor = raw[0].astype(np.float32)
    if params is not None:
        scores = (scores - params.zero_point) * np.float32(params.scale)
    return scores


@every_case
def test_the_scores_are_those_of_the_network(case: Case, backend: Backend) -> None:
    pixels = picture(case.size)

    raw = backend.run(tensor_of(case.model(), pixels))

    tolerance = 1e-4 if case.kind.startswith("float32") else 0.03
    np.testing.assert_allclose(
        real_scores(backend, raw), float_scores(pixels), atol=tolerance
    )


@every_case
def test_the_tensors_are_those_of_the_file(case: Case, backend: Backend) -> None:
    spec = case.model().spec

    assert backend.input == spec.input
    assert backend.output == spec.output


@every_case
def test_the_scores_have_the_dtype_and_shape_of_the_output(backend: Backend) -> None:
    raw = backend.run(np.zeros(backend.input.shape, backend.input.dtype))

    assert raw.dtype == backend.output.dtype
    assert raw.shape == backend.output.shape


@every_case
def test_the_scores_belong_to_the_caller(case: Case, backend: Backend) -> None:
    first_input = tensor_of(case.model(), picture(case.size))
    first = backend.run(first_input)
    kept = first.copy()

    first[...] = 1
    second = backend.run(first_input)
    backend.run(np.zeros_like(first_input))
    backend.close()
    gc.collect()

    np.testing.assert_array_equal(second, kept)


@every_case
def test_a_strided_tensor_gives_the_same_scores(case: Case, backend: Backend) -> None:
    tensor = tensor_of(case.model(), picture(case.size))
    wide = np.repeat(tensor, 2, axis=2)

    strided = backend.run(wide[:, :, ::2])

    np.testing.assert_array_equal(strided, backend.run(tensor))


@every_case
def test_the_tensor_is_left_as_it_was(case: Case, backend: Backend) -> None:
    tensor = tensor_of(case.model(), picture(case.size))
    tensor.flags.writeable = False
    before = tensor.copy()

    backend.run(tensor)

    np.testing.assert_array_equal(tensor, before)


@every_engine
def test_a_tensor_of_another_shape_is_refused(backend: Backend) -> None:
    with pytest.raises(BackendError, match=r"takes float32 \(1, .*got float32 \(1, 8"):
        backend.run(np.zeros((1, 8, 8, 3), np.float32))


@every_engine
def test_a_tensor_of_another_dtype_is_refused(backend: Backend) -> None:
    with pytest.raises(BackendError, match=r"takes float32 .*got float64"):
        backend.run(np.zeros(backend.input.shape))


@every_engine
def test_after_a_refusal_it_runs_on(case: Case, backend: Backend) -> None:
    tensor = tensor_of(case.model(), picture(case.size))
    expected = backend.run(tensor)

    with pytest.raises(BackendError):
        backend.run(tensor[:, ::2])

    np.testing.assert_array_equal(backend.run(tensor), expected)


@every_engine
def test_closing_twice_is_closing_once(backend: Backend) -> None:
    backend.close()
    backend.close()


@every_engine
def test_a_closed_backend_refuses_to_run(case: Case, backend: Backend) -> None:
    with backend:
        pass

    with pytest.raises(BackendError, match=f"{case.engine} backend is closed"):
        backend.run(np.zeros(backend.input.shape, backend.input.dtype))


@every_engine
def test_the_identity_outlives_the_model(case: Case, backend: Backend) -> None:
    backend.close()

    assert backend.identity.engine == case.engine
    assert backend.identity.version == available_engines()[case.engine].version


@every_engine
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_threads_that_run_are_counted(case: Case, threads: int) -> None:
    with opened(case, threads) as backend:
        identity = backend.identity

    assert identity.threads_requested == threads
    assert identity.threads == threads


@every_case
def test_with_one_thread_a_run_starts_no_other(case: Case) -> None:
    before = set(os.listdir("/proc/self/task"))  # noqa: PTH208 - names, not paths
    with opened(case) as backend:
        for _ in range(3):
            backend.run(np.zeros(backend.input.shape, backend.input.dtype))
        during = set(os.listdir("/proc/self/task"))  # noqa: PTH208

    assert during <= before


@every_engine
def test_what_holds_the_plan_is_read_back(case: Case, backend: Backend) -> None:
    expected = "xnnpack" if case.kind in TFLITE_KINDS else "CPUExecutionProvider"

    assert backend.identity.delegates == (expected,)


@every_engine
def test_no_threads_are_left_behind(case: Case) -> None:
    with opened(case, threads=3):
        pass
    gc.collect()

    with opened(case, threads=2) as backend:
        assert backend.identity.threads == 2


@every_engine
def test_a_damaged_model_is_one_clear_line(case: Case) -> None:
    data = case.model().data

    for damaged in (b"", b"not a model", data[: len(data) // 2], bytes(1000)):
        with pytest.raises(BackendError) as caught:
            open_backend(damaged, format=BACKENDS[case.engine].format)
        assert str(caught.value).startswith(f"{case.engine} cannot load the model: ")
        assert "\n" not in str(caught.value)


@every_engine
def test_two_backends_run_in_two_threads_at_once(case: Case) -> None:
    tensor = tensor_of(case.model(), picture(case.size))
    results: list[Tensor] = []

    def work() -> None:
        with opened(case) as backend:
            for _ in range(200):
                scores = backend.run(tensor)
            results.append(scores)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    np.testing.assert_array_equal(results[0], results[1])


SILENT = """
import sys
from edgeclf.backends import open_backend
data = sys.stdin.buffer.read()
backend = open_backend(data, format=sys.argv[1], engine=sys.argv[2], threads=2)
print(backend.identity.engine)
"""


@every_engine
def test_the_engine_says_nothing_on_the_terminal(case: Case) -> None:
    model = case.model()

    done = subprocess.run(
        [sys.executable, "-c", SILENT, model.spec.format, case.engine],
        input=model.data,
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode() == f"{case.engine}\n"
    assert done.stderr == b""
