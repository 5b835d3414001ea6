import base64
import json
from pathlib import Path
from typing import Any

import pytest

from edgeclf.bundle import parse_bundle
from edgeclf.errors import BundleError
from edgeclf.json_values import canonical_json
from edgeclf.signing import PAYLOAD_TYPE, read_envelope, signed_bytes
from tests.bundles import join, signed, split, tiny_bundle, tiny_bundle_bytes

MANIFEST = split(tiny_bundle_bytes())["manifest.json"]
SIGNATURE = {"keyid": "release-1", "sig": base64.b64encode(bytes(64)).decode()}


def envelope(**changes: Any) -> bytes:
    document = {
        "payload": base64.b64encode(MANIFEST).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [SIGNATURE],
    }
    return canonical_json({**document, **changes})


def test_signing_does_not_change_a_bundles_identity() -> None:
    data = signed(tiny_bundle_bytes(), "release-1")

    bundle = parse_bundle(data, path=Path("model.edgeclf"))

    assert bundle.digest == tiny_bundle().digest
    assert bundle.envelope is not None
    assert bundle.envelope.keyids == ("release-1",)


def test_the_signed_bytes_are_those_of_the_dsse_protocol() -> None:
    # The example of DSSE's protocol.md.
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"

    encoded = signed_bytes(b"hello world", payload_type="http://example.com/HelloWorld")

    assert encoded == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"{}", "'payload' is missing", id="empty"),
        pytest.param(b"nonsense", "malformed", id="not JSON"),
        pytest.param(b"[" * 100_000, "malformed", id="deep"),
        pytest.param(envelope(extra=1), "unknown key 'extra'", id="unknown key"),
        pytest.param(envelope(payloadType="text"), "payloadType must be", id="type"),
        pytest.param(envelope(signatures=[]), "1 to 16 signatures", id="unsigned"),
        pytest.param(envelope(payload="e30="), "another manifest", id="payload"),
        pytest.param(envelope(payload="e30"), "not base64", id="no padding"),
        pytest.param(envelope(payload="e31="), "not base64", id="stray bits"),
        pytest.param(
            envelope(signatures=[{**SIGNATURE, "sig": "AAAA"}]), "64 bytes", id="short"
        ),
        pytest.param(
            envelope(signatures=[{**SIGNATURE, "keyid": "a\x1b[2J"}]),
            "keyid must be",
            id="escape code",
        ),
        pytest.param(
            json.dumps(json.loads(envelope())).encode(), "canonical", id="spaces"
        ),
    ],
)
def test_a_malformed_envelope_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        read_envelope(data, manifest=MANIFEST)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"payload": "e30="}, "another manifest", id="other payload"),
        pytest.param({"signatures": []}, "1 to 16 signatures", id="no signature"),
    ],
)
def test_a_bundle_with_a_wrong_envelope_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        parse_bundle(
            signed(tiny_bundle_bytes(), "a", **changes), path=Path("model.edgeclf")
        )


def test_an_envelope_anywhere_but_behind_the_manifest_is_refused() -> None:
    data = join({**split(tiny_bundle_bytes()), "manifest.dsse.json": envelope()})

    with pytest.raises(BundleError, match="stands where"):
        parse_bundle(data, path=Path("model.edgeclf"))
