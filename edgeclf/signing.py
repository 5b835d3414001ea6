"""The envelope that holds signatures over a manifest's bytes; no files are opened here.

Source:
    DSSE 1.0 (https://github.com/secure-systems-lab/dsse), envelope.md: an object with
    ``payload`` (base64), ``payloadType`` and ``signatures``, each a ``keyid`` and a
    ``sig`` (base64); the signed bytes are the pre-authentication encoding of type and
    payload. Ed25519 signatures are 64 bytes (RFC 8032).
"""

import base64
import binascii
import json
from dataclasses import dataclass

from edgeclf.errors import BundleError
from edgeclf.json_values import canonical_json, from_json_value, to_json_value
from edgeclf.texts import require_text

__all__ = ["PAYLOAD_TYPE", "Envelope", "Signature", "read_envelope", "signed_bytes"]

PAYLOAD_TYPE = "application/vnd.edgeclf.manifest+json"

_SIGNATURE_BYTES = 64
_MAX_SIGNATURES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature, as the envelope has it.

    Attributes:
        keyid: Names the key; a hint, never proof of who signed.
        sig: Base64 of the 64 bytes of an Ed25519 signature.
    """

    keyid: str
    sig: str

    def __post_init__(self) -> None:
        require_text("keyid", self.keyid)
        if len(_from_base64(self.sig)) != _SIGNATURE_BYTES:
            raise ValueError("an Ed25519 signature has 64 bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What ``manifest.dsse.json`` holds. Reading it checks no signature.

    Attributes:
        payload: Base64 of the manifest's bytes.
        payloadType: ``PAYLOAD_TYPE``.
        signatures: At least one.
    """

    payload: str
    payloadType: str  # noqa: N815 - DSSE's own name for it
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if self.payloadType != PAYLOAD_TYPE:
            raise ValueError(f"payloadType must be {PAYLOAD_TYPE}")
        if not 1 <= len(self.signatures) <= _MAX_SIGNATURES:
            raise ValueError(
                f"1 to {_MAX_SIGNATURES} signatures, got {len(self.signatures)}"
            )

    @property
    def keyids(self) -> tuple[str, ...]:
        """Names of the keys, unchecked."""
        return tuple(signature.keyid for signature in self.signatures)


def read_envelope(data: bytes, *, manifest: bytes) -> Envelope:
    """Return an envelope that is well formed and is about this manifest.

    The signatures themselves are not checked: that needs the keys one trusts.

    Raises:
        BundleError: It is malformed, or holds another payload.
    """
    try:
        envelope = from_json_value(Envelope, json.loads(data), where="envelope")
        payload = _from_base64(envelope.payload)
        is_canonical = canonical_json(to_json_value(envelope)) == data
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"the signature envelope is malformed ({error}): sign the bundle again"
        ) from error
    if not is_canonical:
        raise BundleError(
            "the signature envelope is not in canonical form (sorted keys, no spaces): "
            "sign the bundle again"
        )
    if payload != manifest:
        raise BundleError(
            "the signature envelope is about another manifest: sign this bundle again"
        )
    return envelope


def signed_bytes(payload: bytes, *, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return DSSE's pre-authentication encoding: what a key signs."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _from_base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise ValueError("not base64 as the standard writes it")
    return raw
