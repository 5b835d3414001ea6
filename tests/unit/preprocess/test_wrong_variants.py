from collections.abc import Iterator

import pytest

from edgeclf.preprocess import Preprocessor
from edgeclf.types import Uint8Image
from tests.pictures import pattern
from tests.preprocess_reference import ONE_STEP, reference_tensor, steps_apart
from tests.wrong_variants import WRONG_VARIANTS, WrongVariant

VARIANTS = pytest.mark.parametrize(
    "variant", WRONG_VARIANTS.values(), ids=WRONG_VARIANTS.keys()
)


def _pictures() -> Iterator[Uint8Image]:
    yield pattern(480, 640)
    yield pattern(640, 480)
    # A camera's buffer: rows end in padding.
    yield pattern(333, 540)[:, :517]


def _worst(variant: WrongVariant, preprocessor: Preprocessor) -> float:
    return max(
        steps_apart(
            preprocessor,
            reference_tensor(pixels, variant.right, variant.tensor),
            pixels,
            variant.right.std[0],
        )
        for pixels in _pictures()
    )


@VARIANTS
def test_the_parity_check_catches_the_wrong_variant(variant: WrongVariant) -> None:
    assert _worst(variant, variant.make()) > ONE_STEP


@VARIANTS
def test_the_parity_check_passes_what_the_variant_gets_wrong(
    variant: WrongVariant,
) -> None:
    right = Preprocessor(variant.right, variant.tensor)

    assert _worst(variant, right) <= ONE_STEP
