import pytest

from edgeclf.errors import SpecError
from edgeclf.preprocess import PRESETS, Preprocessor, preset
from tests.pictures import pattern
from tests.preprocess_reference import tensor_spec


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_names_its_source_and_runs(name: str) -> None:
    spec = preset(name, size=(96, 96))

    tensor = Preprocessor(spec, tensor_spec(spec))(pattern(100, 140))

    assert tensor.shape == (1, 96, 96, 3)
    assert PRESETS[name].source
    assert "\n" not in PRESETS[name].description


def test_an_unknown_preset_brings_a_close_one_to_mind() -> None:
    with pytest.raises(SpecError, match="did you mean 'efficientnet-lite'"):
        preset("efficientnet_lite0")


def test_with_nothing_close_all_presets_are_listed() -> None:
    with pytest.raises(SpecError, match=r"one of keras, .*timm"):
        preset("xyzzy")


def test_a_preset_for_squares_refuses_an_oblong() -> None:
    with pytest.raises(SpecError, match="square"):
        preset("timm", size=(224, 160))


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="at least 1 pixel"):
        preset("keras", size=(0, 224))


def test_efficientnet_lite_pads_by_32_pixels_at_every_size() -> None:
    assert preset("efficientnet-lite", size=(240, 240)).crop.fraction == 240 / 272


def test_timm_rounds_the_scaled_size_down() -> None:
    assert preset("timm", size=(240, 240)).resize.size == (274, 274)
