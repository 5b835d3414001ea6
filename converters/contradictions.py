"""Wishes that cannot be had together, told without opening a file.

The command turns what is raised here into a wrong command line, exit code 2; what only
a recipe, a model or a folder shows is told later and exits with 1.
"""

from converters.gate.precision import PrecisionWish
from converters.request import ConversionRequest
from converters.zoo import check_source_options, source_names
from edgeclf.errors import CalibrationError, SpecError
from edgeclf.preprocess import preset

__all__ = ["check_wishes", "require_photos"]


def check_wishes(request: ConversionRequest) -> None:
    """Refuse a request that contradicts itself.

    Raises:
        SpecError: Two wishes exclude each other, or one needs another.
        CalibrationError: One needs photos.
        ConversionError: Options are given that the source has no use for.
    """
    check_source_options(
        request.source, weights=request.weights, options=request.file_options
    )
    if request.preset is not None and request.source not in source_names():
        preset(request.preset, size=request.size or (224, 224))
    _check_spread(request)
    _check_pruning(request)
    _check_training(request)
    require_photos(request, request.precision)


def require_photos(request: ConversionRequest, precision: PrecisionWish | None) -> None:
    """Refuse int8 without photos to calibrate with.

    Args:
        request: Names them.
        precision: Wished for, or of a recipe.

    Raises:
        CalibrationError: There are none.
    """
    if precision == "int8" and request.calibrate is None:
        raise CalibrationError(
            "int8 needs photos to calibrate with: give --calibrate DIR, some hundred "
            "such as the camera will see, or choose --precision fp32"
        )


def _check_pruning(request: ConversionRequest) -> None:
    if request.prune is not None and request.prune_to is not None:
        raise SpecError("--prune and --prune-to contradict each other: leave out one")
    if not request.prunes:
        for flag, value in (
            ("--importance", request.importance),
            ("--epochs", request.epochs),
        ):
            if value is not None:
                raise SpecError(f"{flag} goes with --prune or --prune-to: give one")
        return
    if request.prune_to is not None and request.profile is None and not request.recipe:
        raise SpecError(
            "--prune-to is a time on a board: give --profile NAME, or --prune SHARE"
        )
    has_photos = request.calibrate is not None or request.finetune is not None
    if request.importance in {None, "taylor"} and not has_photos:
        raise CalibrationError(
            "channels are ranked by what they do on photos: give --calibrate DIR, or "
            "choose --importance l1 or batch-norm"
        )


def _check_training(request: ConversionRequest) -> None:
    if request.aware and request.finetune is None:
        raise SpecError("--aware learns from photos: give --finetune DIR")
    if request.aware and request.precision in {"fp16", "fp32"}:
        raise SpecError(
            f"--aware trains for int8, and --precision {request.precision} is asked "
            "for: leave out one of the two"
        )
    if request.aware and request.recipe is not None:
        raise SpecError(
            "--aware belongs to the search, and --recipe is done as it is: leave out "
            "one of the two"
        )
    learns = request.aware or request.prunes or request.recipe is not None
    if request.finetune is not None and not learns:
        raise SpecError(
            "--finetune is for a model that is pruned or trained: give --prune, "
            "--prune-to or --aware too"
        )


def _check_spread(request: ConversionRequest) -> None:
    if not request.spread:
        return
    if request.prunes:
        raise SpecError(
            "--spread converts three times, and pruning would be learnt as often: "
            "leave out one of the two"
        )
    if request.calibrate is None:
        raise CalibrationError(
            "--spread draws calibration photos three times: give --calibrate DIR"
        )
    if request.precision in {"fp16", "fp32"}:
        raise SpecError(
            f"--spread is of int8, and --precision {request.precision} is not "
            "calibrated: leave out one of the two"
        )
