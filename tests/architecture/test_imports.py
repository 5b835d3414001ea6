"""The runtime stays light: what importing it loads, and what it must not."""

import subprocess
import sys

import pytest

HEAVY = {
    "PIL",
    "ai_edge_litert",
    "cv2",
    "converters",
    "jsonschema",
    "keras",
    "onnx",
    "onnxruntime",
    "paho",
    "picamera2",
    "prometheus_client",
    "rich",
    "scipy",
    "tensorflow",
    "tf2onnx",
    "tflite_runtime",
    "torch",
}


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = done.stdout.splitlines()[-1].split()
    return {name.partition(".")[0] for name in names}


HELP = """
from edgeclf.cli import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import edgeclf", id="import edgeclf"),
        pytest.param("import edgeclf.cli", id="import edgeclf.cli"),
        pytest.param(HELP, id="edgeclf --help"),
        pytest.param("from edgeclf import Classifier, open_source", id="public names"),
    ],
)
def test_using_the_front_door_loads_no_engine_and_no_workshop(code: str) -> None:
    assert not modules_after(code) & HEAVY


def test_the_bare_package_does_not_even_load_numpy() -> None:
    assert "numpy" not in modules_after("import edgeclf")
