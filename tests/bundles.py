"""Tiny real bundles, and ways to take one apart and put it together wrongly."""

import base64
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgeclf.bundle import Bundle, Provenance, Quality, encode_bundle, parse_bundle
from edgeclf.container import read_container, write_container
from edgeclf.golden import GoldenSet
from edgeclf.golden_maker import make_golden
from edgeclf.json_values import canonical_json
from edgeclf.signing import PAYLOAD_TYPE
from tests.models import OnnxKind, TfliteKind, tiny_model

__all__ = [
    "Members",
    "edit_manifest",
    "edit_member",
    "join",
    "signed",
    "split",
    "tiny_bundle",
    "tiny_bundle_bytes",
    "tiny_golden",
]

Members = dict[str, bytes]


@functools.cache
def tiny_golden(kind: TfliteKind | OnnxKind = "int8") -> GoldenSet:
    """Return the golden vectors of the kind's tiny model."""
    return make_golden(tiny_model(kind))


@functools.cache
def tiny_bundle_bytes(kind: TfliteKind | OnnxKind = "int8") -> bytes:
    """Return a whole bundle of the kind's tiny model, with 18 golden vectors."""
    model = tiny_model(kind)
    return encode_bundle(
        name=model.name,
        model_bytes=model.data,
        labels=model.labels,
        spec=model.spec,
        task=model.task,
        golden=tiny_golden(kind),
        provenance=Provenance(
            source_name="tiny.keras",
            source_sha256=hashlib.sha256(model.data).hexdigest(),
            recipe={"precision": "int8", "passes": ["quantize"], "share": 0.2},
            seed=7,
            tools={"edgeclf": "0.1.0"},
        ),
        quality=Quality(),
    )


def tiny_bundle(kind: TfliteKind | OnnxKind = "int8") -> Bundle:
    """Return the same, read."""
    return parse_bundle(tiny_bundle_bytes(kind), path=Path("tiny.edgeclf"))


def split(data: bytes) -> Members:
    """Return the members of a good container."""
    return {name: bytes(payload) for name, payload in read_container(data).items()}


def join(members: Mapping[str, bytes]) -> bytes:
    """Return a good container, whatever the members hold."""
    return write_container(members)


def edit_manifest(data: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the bundle with a changed manifest, everything else in order."""
    members = split(data)
    document = json.loads(members["manifest.json"])
    edit(document)
    return join({**members, "manifest.json": canonical_json(document)})


def edit_member(data: bytes, name: str, payload: bytes) -> bytes:
    """Return the bundle with another member, its size and digest brought up to date."""

    def update(document: dict[str, Any]) -> None:
        (record,) = (item for item in document["members"] if item["name"] == name)
        record["size"] = len(payload)
        record["sha256"] = hashlib.sha256(payload).hexdigest()

    edited = edit_manifest(data, update)
    return join({**split(edited), name: payload})


def signed(data: bytes, *keyids: str, **changes: Any) -> bytes:
    """Return the bundle with an envelope of signatures that nobody made."""
    members = split(data)
    manifest = members.pop("manifest.json")
    nothing = base64.b64encode(bytes(64)).decode()
    envelope = {
        "payload": base64.b64encode(manifest).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": keyid, "sig": nothing} for keyid in keyids],
        **changes,
    }
    first = {"manifest.json": manifest, "manifest.dsse.json": canonical_json(envelope)}
    return join({**first, **members})
