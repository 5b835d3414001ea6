import json
import math
from dataclasses import replace
from typing import Any, Literal, TypeAlias, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.errors import BundleError, SpecError
from edgeclf.json_values import canonical_json, from_json_value, to_json_value
from edgeclf.manifest import (
    FORMAT,
    manifest_bytes,
    read_manifest,
    spec_from_dict,
    spec_to_dict,
)
from edgeclf.provenance import Estimate, Kernels, Provenance, Quality
from edgeclf.texts import plain_text
from edgeclf.types import (
    CropKind,
    CropSpec,
    DecodeSpec,
    DType,
    EngineIdentity,
    Filter,
    ModelSpec,
    PreprocessSpec,
    QuantParams,
    ResizeSpec,
    Task,
    TensorSpec,
)
from tests.bundles import split, tiny_bundle, tiny_bundle_bytes

MANIFEST = tiny_bundle().manifest
RAW = split(tiny_bundle_bytes())["manifest.json"]

CropWhen: TypeAlias = Literal["before-resize", "after-resize"]

sizes = st.tuples(st.integers(1, 512), st.integers(1, 512))
texts = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=40
).filter(str.strip)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
reals = st.floats(allow_nan=False, allow_infinity=False)
above_zero = st.floats(1e-6, 1e6)


def triples(values: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.tuples(values, values, values)


@st.composite
def crops(draw: st.DrawFn, resize: ResizeSpec) -> CropSpec:
    kinds: tuple[CropKind, ...] = ("fraction", "size")
    whens: tuple[CropWhen, ...] = ("after-resize",)
    if resize.mode != "shorter-side":
        kinds = ("none", *kinds)
        whens = ("before-resize",) if resize.mode == "letterbox" else get_args(CropWhen)
    kind, when = draw(st.sampled_from(kinds)), draw(st.sampled_from(whens))
    sides = st.integers(1, min(resize.size))
    return CropSpec(
        kind=kind,
        when=when,
        fraction=draw(st.floats(0.01, 1)),
        size=draw(st.tuples(sides, sides)) if kind == "size" else None,
        size_rounding=draw(st.sampled_from(("floor", "half-even"))),
        offset_rounding=draw(st.sampled_from(("floor", "ceil", "half-even"))),
    )


@st.composite
def resizes(draw: st.DrawFn) -> ResizeSpec:
    pillow = draw(st.booleans())
    half_pixel = pillow or draw(st.booleans())
    return ResizeSpec(
        size=draw(sizes),
        mode=draw(st.sampled_from(("squash", "shorter-side", "letterbox"))),
        filter=draw(st.sampled_from(get_args(Filter))),
        antialias=pillow or (half_pixel and draw(st.booleans())),
        half_pixel=half_pixel,
        cubic_a=-0.5 if pillow else draw(st.floats(-1, 0)),
        arithmetic="pillow" if pillow else "float",
        letterbox_value=draw(st.integers(0, 255)),
    )


@st.composite
def preprocess_specs(draw: st.DrawFn) -> PreprocessSpec:
    dtype: DType = draw(st.sampled_from(get_args(DType)))
    resize = draw(resizes())
    choices = ("device", "graph") if dtype == "uint8" else ("device",)
    return PreprocessSpec(
        resize=resize,
        crop=draw(crops(resize)),
        decode=DecodeSpec(
            orientation=draw(st.sampled_from(("apply", "ignore"))),
            sixteen_bit=draw(st.sampled_from(("high-byte", "saturate"))),
        ),
        enhancement=draw(st.sampled_from(("none", "equalize", "denoise"))),
        colour_order=draw(st.sampled_from(("rgb", "bgr"))),
        mean=draw(triples(reals)),
        std=draw(triples(above_zero)),
        normalization=draw(st.sampled_from(choices)),
        layout=draw(st.sampled_from(("nhwc", "nchw"))),
        dtype=dtype,
    )


quantizations = st.none() | st.builds(
    QuantParams, scale=above_zero, zero_point=st.integers(-128, 255)
)


@st.composite
def model_specs(draw: st.DrawFn) -> ModelSpec:
    preprocess = draw(preprocess_specs())
    height, width = preprocess.size
    nhwc = preprocess.layout == "nhwc"
    output_dtype: DType = draw(st.sampled_from(get_args(DType)))
    return ModelSpec(
        format=draw(st.sampled_from(("tflite", "onnx"))),
        input=TensorSpec(
            name=draw(st.just("") | texts),
            shape=(1, height, width, 3) if nhwc else (1, 3, height, width),
            dtype=preprocess.dtype,
            quantization=None if preprocess.dtype == "float32" else draw(quantizations),
        ),
        output=TensorSpec(
            name=draw(texts),
            shape=(1, draw(st.integers(1, 2000))),
            dtype=output_dtype,
            quantization=None if output_dtype == "float32" else draw(quantizations),
        ),
        preprocess=preprocess,
    )


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(triples(st.floats(0, 1))))
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=draw(st.integers(1, 10**6)),
        judged=draw(st.booleans()),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | reals | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def provenances(draw: st.DrawFn) -> Provenance:
    calibrated = draw(st.booleans())
    return Provenance(
        source_name=draw(texts),
        source_sha256=draw(digests),
        recipe=draw(st.dictionaries(texts, json_values, max_size=4)),
        seed=draw(st.integers(0, 2**53 - 1)),
        tools=draw(st.dictionaries(texts, texts, max_size=3)),
        calibration_sha256=draw(digests) if calibrated else None,
        calibration_images=draw(st.integers(0, 10**6)) if calibrated else None,
        overrides=tuple(draw(st.lists(texts, max_size=3))),
        profile=draw(st.none() | texts),
    )


qualities = st.builds(
    Quality,
    agreement=st.none() | estimates(),
    accuracy=st.none() | estimates(),
    source_accuracy=st.none() | estimates(),
    score_error=st.none() | st.floats(0, 10),
    measured_on=st.none() | texts,
    pictures_sha256=st.none() | digests,
)


@given(preprocess_specs())
def test_a_preprocessing_spec_survives_the_way_through_json(
    spec: PreprocessSpec,
) -> None:
    assert spec_from_dict(json.loads(json.dumps(spec_to_dict(spec)))) == spec


@given(model_specs(), provenances(), qualities, texts)
def test_a_manifest_survives_the_way_through_its_bytes(
    model: ModelSpec, provenance: Provenance, quality: Quality, name: str
) -> None:
    manifest = replace(
        MANIFEST, model=model, provenance=provenance, quality=quality, name=name
    )

    data = manifest_bytes(manifest)

    assert read_manifest(data) == manifest
    assert manifest_bytes(read_manifest(data)) == data


@pytest.mark.parametrize(
    "value",
    [
        EngineIdentity(
            engine="litert",
            version="2.3.0",
            threads_requested=2,
            threads=None,
            delegates=("xnnpack",),
        ),
        Kernels(engine="litert", version="2", delegates=(), architecture="x86_64"),
        Task(scores="logits"),
        pytest.param(Task(scores="logits", temperature=1.25), id="warm"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_survive_it_too(value: Any) -> None:
    assert from_json_value(type(value), to_json_value(value), where="value") == value


def test_whole_numbers_in_float_fields_are_written_as_floats() -> None:
    spec = PreprocessSpec(resize=ResizeSpec(size=(8, 8)), mean=(127, 127, 127))

    assert repr(spec_to_dict(spec)["mean"]) == "[127.0, 127.0, 127.0]"


def test_a_temperature_of_1_is_left_out_as_it_was_before_there_was_one() -> None:
    assert json.loads(RAW)["task"].keys() == {"kind", "scores"}
    assert read_manifest(RAW).task.temperature == 1

    with pytest.raises(BundleError, match="not in canonical form"):
        read_manifest(edited("task/temperature", 1.0))


def test_the_bytes_are_sorted_and_without_spaces() -> None:
    document = json.loads(RAW)

    assert document["format"] == FORMAT
    assert canonical_json(document) == RAW
    assert RAW.startswith(b'{"format":1,"golden":{"kernels":{')


def edited(path: str, value: Any) -> bytes:
    document = json.loads(RAW)
    *parents, last = path.split("/")
    place = document
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return canonical_json(document)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(edited("format", 2), "newer edgeclf.*upgrade", id="future"),
        pytest.param(edited("format", "1"), "must be a number", id="format text"),
        pytest.param(edited("format", True), "must be a number", id="format true"),
        pytest.param(edited("format", 0), "must be a number", id="format 0"),
        pytest.param(edited("format", KeyError), "must be a number", id="no format"),
        pytest.param(
            edited("task/kind", "multilabel"), "'multilabel'.*upgrade", id="task"
        ),
        pytest.param(edited("task/kind", 3), "expected one of", id="task number"),
        pytest.param(edited("task", []), "expected an object", id="task list"),
        pytest.param(edited("extra", 1), "unknown key 'extra'", id="unknown key"),
        pytest.param(
            edited("model/preprocess/resize/gamma", 2.2),
            "manifest.model.preprocess.resize: unknown key 'gamma'",
            id="unknown inner key",
        ),
        pytest.param(edited("name", KeyError), "'name' is missing", id="missing"),
        pytest.param(
            edited("model/preprocess/mean", [0.0, 0.0]), "expected 3 values", id="short"
        ),
        pytest.param(
            edited("model/preprocess/std", [0.0, 1.0, 1.0]), "must not be 0", id="std 0"
        ),
        pytest.param(
            edited("model/preprocess/resize/size", [32.0, 32]),
            r"size\[0\]: expected int",
            id="float for int",
        ),
        pytest.param(
            edited("model/preprocess/resize/antialias", 1), "expected bool", id="1"
        ),
        pytest.param(edited("name", "a\nb"), "on one line", id="newline in the name"),
        pytest.param(edited("name", "\u202ea"), "on one line", id="turned around"),
        pytest.param(
            edited("model/input/name", "\x1b[2J"), "tensor's name", id="escape code"
        ),
        pytest.param(edited("name", " "), "1 to 200 characters", id="blank name"),
        pytest.param(edited("name", 7), "expected str", id="name a number"),
        pytest.param(
            edited("provenance/seed", 2**53), "too large", id="integer too large"
        ),
        pytest.param(
            edited("provenance/recipe", {"x": 2**60}), "too large", id="in the recipe"
        ),
        pytest.param(
            edited("provenance/source_sha256", "ABC"), "64 hex digits", id="digest"
        ),
        pytest.param(
            edited("model/output/shape", [1, 2, 5]), r"\(1, classes\)", id="output rank"
        ),
        pytest.param(
            edited("model/input/shape", [1, 32, 31, 3]), "the model takes", id="shape"
        ),
        pytest.param(
            edited("model/input/quantization/scale", 0.0), "above 0", id="scale 0"
        ),
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"[]", "not an object", id="list"),
        pytest.param(b"\xff{}", "not UTF-8", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "not JSON", id="deep"),
        pytest.param(
            RAW.replace(b'"seed":7', b'"seed":NaN'), "NaN is not a JSON", id="NaN"
        ),
        pytest.param(
            RAW.replace(b'"share":0.2', b'"share":1e999'), "finite", id="infinity"
        ),
        pytest.param(
            RAW.replace(b'"seed":7', b'"seed":' + b"9" * 5000),
            "not JSON|too large",
            id="5000 digits",
        ),
        pytest.param(
            RAW.replace(b'"seed":7', b'"seed":7,"seed":7'), "canonical", id="twice"
        ),
        pytest.param(RAW + b"\n", "canonical", id="newline at the end"),
        pytest.param(RAW.replace(b",", b", ", 1), "canonical", id="a space"),
        pytest.param(
            RAW.replace(b'"share":0.2', b'"share":0.20'), "canonical", id="a zero"
        ),
        pytest.param(
            RAW.replace(b"tiny.keras", b"\\u0074iny.keras"), "canonical", id="escape"
        ),
        pytest.param(
            RAW.replace(b"tiny.keras", b"\\ud800"),
            "one line|Unicode",
            id="half a character",
        ),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(data: bytes, message: str) -> None:
    assert data != RAW

    with pytest.raises(BundleError, match=message) as caught:
        read_manifest(data)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53], ids=repr)
def test_a_number_that_json_does_not_keep_is_not_written(value: float) -> None:
    provenance = replace(MANIFEST.provenance, recipe={"value": value})

    with pytest.raises(ValueError, match="JSON"):
        manifest_bytes(replace(MANIFEST, provenance=provenance))


@pytest.mark.parametrize(
    "value", [b"bytes", object(), {1: 2}], ids=["bytes", "object", "number"]
)
def test_a_value_that_json_has_no_word_for_is_not_written(value: object) -> None:
    provenance = replace(MANIFEST.provenance, recipe={"value": value})

    with pytest.raises(TypeError):
        manifest_bytes(replace(MANIFEST, provenance=provenance))


def test_a_spec_with_a_wrong_field_names_it() -> None:
    document = spec_to_dict(MANIFEST.model.preprocess)
    document["resize"]["filter"] = "mitchell"

    with pytest.raises(SpecError, match=r"preprocess\.resize\.filter: .*'mitchell'"):
        spec_from_dict(document)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("model.tflite", "model.tflite", id="as it is"),
        pytest.param("a\nb\x1b.tflite", "a?b?.tflite", id="control characters"),
        pytest.param("x" * 250, "x" * 200, id="long"),
        pytest.param("\udcff.onnx", "?.onnx", id="bytes that are no text"),
        pytest.param(" ", "unnamed", id="blank"),
    ],
)
def test_a_file_of_any_name_can_be_named(name: str, text: str) -> None:
    assert plain_text(name) == text
    assert replace(MANIFEST.provenance, source_name=text).source_name == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"calibration_sha256": "0" * 64}, "go together", id="half a calibration"
        ),
        pytest.param({"seed": -1}, "seed must be 0", id="negative seed"),
        pytest.param({"source_name": ""}, "source_name", id="no source"),
        pytest.param({"overrides": ("a\0",)}, "one line", id="control character"),
    ],
)
def test_a_provenance_that_makes_no_sense_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(MANIFEST.provenance, **change)


@pytest.mark.parametrize(
    ("low", "value", "high"),
    [
        pytest.param(0.6, 0.5, 0.7, id="value below low"),
        pytest.param(0.1, 0.5, 0.4, id="value above high"),
        pytest.param(-0.1, 0.5, 0.6, id="negative"),
        pytest.param(0.1, 0.2, 1.1, id="above 1"),
        pytest.param(math.nan, 0.2, 0.3, id="not a number"),
    ],
)
def test_an_interval_that_does_not_hold_its_value_is_refused(
    low: float, value: float, high: float
) -> None:
    with pytest.raises(ValueError, match="low <= value"):
        Estimate(value=value, low=low, high=high, n=10, judged=False)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside."""
    inner = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    found = [path] if path else []
    for key, item in inner:
        found += places(item, (*path, key))
    return found


PLACES = places(json.loads(RAW))

odd_values = json_values | st.sampled_from(
    [
        0,
        -1,
        1e308,
        5e-324,
        "",
        "\n",
        "multiclass",
        "int8",
        [],
        {},
        [[]],
        2**53,
        -(2**70),
    ]
)


@given(st.sampled_from(PLACES), odd_values)
def test_any_value_in_any_place_is_read_or_refused_in_one_line(
    place: tuple[Any, ...], value: Any
) -> None:
    document = json.loads(RAW)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    data = canonical_json(document)

    message = ""
    try:
        assert manifest_bytes(read_manifest(data)) == data
    except BundleError as error:
        message = str(error)

    assert "\n" not in message
    assert len(message) < 500
