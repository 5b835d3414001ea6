"""Choosing an engine, and what is said when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeclf.backends import BACKENDS, available_engines, open_backend
from edgeclf.backends.interpreter import PROBE_MODEL
from edgeclf.errors import BackendError
from edgeclf.install import install_line
from tests.models import tiny_tflite
from tests.tiny.tflite_writer import Operator, WrittenTensor, write_tflite

ROOT = Path(__file__).parents[2]


def run(code: str, *, absent: tuple[str, ...] = ()) -> str:
    """Return what a program prints where some packages are not installed."""
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in absent)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{hidden}{code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stderr == ""
    return done.stdout.strip()


OPEN = """
from edgeclf.backends import open_backend
from edgeclf.errors import EdgeclfError
from tests.models import tiny_tflite
try:
    print(open_backend({data}, format={format!r}, engine={engine!r}).identity.engine)
except EdgeclfError as error:
    print(type(error).__name__, error)
"""


def opening(
    *, kind: str = "tflite", engine: str | None = None, absent: tuple[str, ...]
) -> str:
    data = "tiny_tflite()" if kind == "tflite" else "b''"
    return run(OPEN.format(data=data, format=kind, engine=engine), absent=absent)


def test_without_any_tflite_engine_the_install_line_is_named() -> None:
    said = opening(absent=("ai_edge_litert", "tflite_runtime"))

    assert said == (
        f"MissingDependencyError litert is not installed: {install_line('litert')}"
    )


def test_without_onnxruntime_the_install_line_is_named() -> None:
    said = opening(kind="onnx", absent=("onnxruntime",))

    assert said == (
        f"MissingDependencyError onnxruntime is not installed: {install_line('onnx')}"
    )


def test_an_engine_asked_for_by_name_is_not_replaced() -> None:
    said = opening(engine="litert", absent=("ai_edge_litert",))

    assert said.startswith("MissingDependencyError litert is not installed")


def test_the_status_says_why_and_what_to_do() -> None:
    code = """
from edgeclf.backends import available_engines
status = available_engines()["onnxruntime"]
print(status.usable, status.version, status.reason, status.hint, sep="|")
"""

    assert run(code, absent=("onnxruntime",)) == (
        f"False|None|is not installed|{install_line('onnx')}"
    )


def test_listing_the_engines_imports_none() -> None:
    code = "import edgeclf.backends; print(*sys.modules)"

    loaded = {name.partition(".")[0] for name in run(code).split()}

    assert not loaded & {entry.needs for entry in BACKENDS.values()}


def test_every_engine_has_a_status() -> None:
    statuses = available_engines()

    assert set(statuses) == set(BACKENDS)
    for status in statuses.values():
        assert status.usable == (status.reason is None) == (status.hint is None)


def test_a_misspelt_engine_is_named_with_the_one_meant() -> None:
    with pytest.raises(BackendError, match="did you mean 'onnxruntime'") as caught:
        open_backend(b"", format="onnx", engine="onnx-runtime")

    assert all(name in str(caught.value) for name in BACKENDS)


def test_an_engine_for_other_files_says_which_fits() -> None:
    with pytest.raises(
        BackendError,
        match=r"litert cannot run an \.onnx file: use --engine onnxruntime",
    ):
        open_backend(b"", format="onnx", engine="litert")


def test_the_built_in_model_is_what_its_description_says() -> None:
    one = WrittenTensor(name="a", shape=[1, 1], dtype="float32")
    other = WrittenTensor(name="b", shape=[1, 1], dtype="float32")
    add = Operator(kind="ADD", inputs=[0, 0], outputs=[1], options=[(0, "Int8", 0)])

    assert write_tflite([one, other], [add], inputs=[0], outputs=[1]) == PROBE_MODEL


def two_outputs() -> bytes:
    tensors = [
        WrittenTensor(name=name, shape=[1, 4], dtype="float32") for name in "abc"
    ]
    adds = [
        Operator(kind="ADD", inputs=[0, 0], outputs=[out], options=[(0, "Int8", 0)])
        for out in (1, 2)
    ]
    return write_tflite(tensors, adds, inputs=[0], outputs=[1, 2])


def test_a_model_with_two_outputs_is_refused() -> None:
    pytest.importorskip("ai_edge_litert", reason="litert is not installed")

    with pytest.raises(BackendError, match="2 outputs: edgeclf needs one"):
        open_backend(two_outputs(), format="tflite", engine="litert")


def test_an_onnx_model_with_open_sides_is_refused() -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the model, is absent")
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["a"], ["b"])],
        "open",
        [info("a", 1, ["n", 3, "height", "width"])],
        [info("b", 1, ["n", 3, "height", "width"])],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )

    with pytest.raises(BackendError, match="fix its height and width"):
        open_backend(model.SerializeToString(), format="onnx")


def test_an_open_batch_becomes_one_picture() -> None:
    pytest.importorskip("ai_edge_litert", reason="litert is not installed")

    with open_backend(tiny_tflite(dynamic_batch=True), format="tflite") as backend:
        assert backend.input.shape == (1, 32, 32, 3)


def test_an_open_batch_of_an_onnx_model_becomes_one_picture() -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx, which makes the model, is absent")
    from tests.models import tiny_onnx

    with open_backend(tiny_onnx(dynamic_batch=True), format="onnx") as backend:
        assert backend.input.shape == (1, 3, 32, 32)
        assert backend.output.shape == (1, 10)


@pytest.mark.parametrize("threads", [0, -1, 10**11])
def test_threads_that_no_engine_can_start_are_refused(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads must be 1 to 1024, got {threads}"):
        open_backend(b"", format="tflite", threads=threads)


HELD = """
import os
from edgeclf.backends.quiet import held_stderr
os.dup2(1, 2)  # so that the test reads it
with held_stderr():
    os.write(2, b"INFO: hello\\nWARNING: mind the gap\\n")
os.write(2, b"afterwards\\n")
try:
    with held_stderr():
        os.write(2, b"last words\\n")
        raise SystemError
except SystemError:
    pass
os.close(2)
with held_stderr():
    pass
"""


def test_only_notices_are_held_back() -> None:
    assert run(HELD) == "WARNING: mind the gap\nafterwards"


def test_no_descriptor_is_left_open() -> None:
    pytest.importorskip("ai_edge_litert", reason="litert is not installed")
    from edgeclf.backends.quiet import held_stderr

    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths
    with held_stderr():
        pass

    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
