"""An authority of our own, and certificates that it signed, made by OpenSSL."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ["Certificates", "make_certificates", "self_signed"]


class Certificates(NamedTuple):
    """PEM files.

    Attributes:
        ca: The authority's certificate.
        cert: For ``localhost``, as a server and as a client.
        key: Of the certificate, not encrypted.
        locked_key: The same, encrypted.
    """

    ca: Path
    cert: Path
    key: Path
    locked_key: Path


def make_certificates(folder: Path) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("system package: openssl")
    made = Certificates(*(folder / f"{name}.pem" for name in Certificates._fields))
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority, request = folder / "authority.pem", folder / "request.pem"
    names = folder / "names.cnf"
    names.write_text("subjectAltName=DNS:localhost\n")
    _openssl(
        *("req", "-x509", *new_key, "-keyout", authority, "-out", made.ca),
        *("-subj", "/CN=authority", "-days", "2"),
    )
    _openssl(
        *("req", *new_key, "-keyout", made.key, "-out", request),
        *("-subj", "/CN=localhost"),
    )
    _openssl(
        *("x509", "-req", "-in", request, "-CA", made.ca, "-CAkey", authority),
        *("-CAcreateserial", "-out", made.cert, "-days", "2", "-extfile", names),
    )
    _openssl(
        *("pkey", "-in", made.key, "-aes256", "-passout", "pass:secret"),
        *("-out", made.locked_key),
    )
    return made


def self_signed(folder: Path) -> Path:
    """Return a PEM file with a new key and its certificate, or skip the test."""
    if shutil.which("openssl") is None:
        pytest.skip("system package: openssl")
    key, certificate, both = (folder / name for name in ("key", "certificate", "both"))
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-keyout", key, "-out", certificate, "-days", "2"),
        *("-subj", "/CN=cam", "-addext", "subjectAltName=IP:127.0.0.1"),
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


def _openssl(*arguments: object) -> None:
    subprocess.run(
        ["openssl", *(str(each) for each in arguments)],
        check=True,
        capture_output=True,
    )
