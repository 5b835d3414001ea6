"""Certificates for servers on the loopback address."""

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["self_signed"]


def self_signed(folder: Path) -> Path:
    """Return a PEM file with a new key and its certificate, or skip the test."""
    if shutil.which("openssl") is None:
        pytest.skip("system package: openssl")
    key, certificate, both = (folder / name for name in ("key", "certificate", "both"))
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        f"-keyout {key} -out {certificate} -days 2 -subj /CN=cam "
        "-addext subjectAltName=IP:127.0.0.1".split(),
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
