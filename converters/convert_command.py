"""``edgeclf convert``: a trained model in, a verified bundle out."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem

from converters import pipeline
from converters.child import ChildError
from converters.contradictions import check_wishes
from converters.convert_output import result_payload, result_text
from converters.convert_progress import leaving_nothing_on_sigterm, reporting
from converters.early_checks import check_tools
from converters.gate.precision import PrecisionWish
from converters.prune.options import Importance
from converters.recipe import Target
from converters.search_output import say_refusal, say_trials
from converters.zoo import source_names
from edgeclf.commands.console import FILE, NumberRange, json_option, print_json, say
from edgeclf.errors import EdgeclfError, NoVerdictError, OutOfBoundsError
from edgeclf.profiles import profile_names
from edgeclf.types import ScoreKind

if TYPE_CHECKING:
    from converters.gate.trials import Trial

__all__ = ["convert"]


def _completing(
    names: Callable[[], tuple[str, ...]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(
        ctx: click.Context,  # noqa: ARG001 - click's
        param: click.Parameter,  # noqa: ARG001
        incomplete: str,
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]

    return complete


def _source(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's
    value: str,
) -> str:
    """Say that the extra is missing before anything that is of no use without it."""
    if not ctx.resilient_parsing:
        check_tools("tflite")
        if not value:
            raise click.BadParameter("it is empty; give a model file or a known name")
    return value


_SIDE = re.compile(r"[1-9][0-9]{0,3}")


def _size(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[int, int] | None:
    """Read ``224`` or ``HEIGHTxWIDTH``."""
    if value is None:
        return None
    sides = value.lower().split("x")
    if len(sides) > 2 or not all(_SIDE.fullmatch(side) for side in sides):
        raise click.BadParameter(
            f"{value!r} is neither 224 nor HEIGHTxWIDTH, 1 to 9999 pixels each"
        )
    return int(sides[0]), int(sides[-1])


_POINTS = NumberRange(min=0, max=100)


def _share(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    value: float | None,
) -> float | None:
    """Turn percent into a share, without the noise of a division."""
    return None if value is None else float(f"{value / 100:.12g}")


def _milliseconds(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> float | None:
    """Read ``20`` or ``20ms``."""
    if value is None:
        return None
    number = value.lower().removesuffix("ms").strip()
    try:
        duration = float(number)
    except ValueError:
        duration = 0.0
    if not 0 < duration < 1e6:
        raise click.BadParameter(f"{value!r} is no time such as 20ms")
    return duration


@click.command()
@click.argument("source", callback=_source, shell_complete=_completing(source_names))
@click.option("-o", "--output", type=FILE, required=True, help="The bundle to write.")
@click.option(
    "--calibrate",
    type=FILE,
    metavar="DIR",
    help="Photos such as the camera will see: int8 needs some hundred, and its ranges "
    "come from them. No labels needed.",
)
@click.option(
    "--evaluate",
    type=FILE,
    metavar="DIR",
    help="Other photos to compare the result with the source on; by default a fifth of "
    "--calibrate is kept for that. With labels (sub-folders, labels.csv), accuracy "
    "is reported too.",
)
@click.option(
    "--precision",
    type=click.Choice(get_args(PrecisionWish)),
    help="What the board computes in. auto, the default: with --calibrate int8 where "
    "the board is not known to be slower with it, and the first of int8, fp16 and fp32 "
    "that passes the gate; else fp32. fp16 halves the file and computes in fp32.",
)
@click.option(
    "--target",
    type=click.Choice(get_args(Target)),
    help="Format; by default what the profile's engine runs, else tflite.",
)
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=_completing(profile_names),
    help="The board it is for. Recorded, and the source of defaults; this machine's "
    "speed never decides for a board.",
)
@click.option(
    "--recipe",
    type=FILE,
    help="Take every decision from a recipe in TOML, or from a bundle: the same "
    "inputs and tools then give the same bytes.",
)
@click.option(
    "--allow-small-calibration",
    is_flag=True,
    help="Calibrate on fewer than 128 photos; written into the bundle.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    help="Decides which photos are drawn; 0 by default.",
)
@click.option(
    "--max-drop",
    type=_POINTS,
    callback=_share,
    metavar="POINTS",
    help="Gate, with labelled photos: allowed drop of top-1 accuracy in percentage "
    "points; 1.0 by default.",
)
@click.option(
    "--max-class-drop",
    type=_POINTS,
    callback=_share,
    metavar="POINTS",
    help="Likewise of the recall of any class that has 50 photos or more; 2.0 by "
    "default.",
)
@click.option(
    "--min-agreement",
    type=NumberRange(min=1, max=100, min_open=True),
    callback=_share,
    metavar="PERCENT",
    help="Gate, without labels: how many decisions of 100 must be SOURCE's; 96 by "
    "default.",
)
@click.option(
    "--accept-undecided",
    is_flag=True,
    help="Write the bundle when the photos are too few to judge it; written into it.",
)
@click.option(
    "--spread",
    is_flag=True,
    help="Also report how the result differs between three calibration seeds.",
)
@click.option(
    "--prune",
    type=NumberRange(min=0, max=1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Remove whole channels, until this share of the multiply-accumulates is gone.",
)
@click.option(
    "--prune-to",
    callback=_milliseconds,
    metavar="MS",
    help="Remove whole channels until a picture takes this long on the profile's board.",
)
@click.option(
    "--importance",
    type=click.Choice(get_args(Importance)),
    help="What channels are ranked by; by default the loss that each is worth on the "
    "photos of --calibrate.",
)
@click.option(
    "--finetune",
    type=FILE,
    metavar="DIR",
    help="Photos that a pruned model learns from again, by distillation from SOURCE.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=0, max=10_000),
    help="How often it sees each of them; 20 by default.",
)
@click.option(
    "--aware",
    is_flag=True,
    help="When nothing else passes the gate, train with int8 in mind on --finetune.",
)
@click.option(
    "--golden",
    type=FILE,
    metavar="DIR",
    help="16 or more pictures of your own for verify to replay; synthetic by default.",
)
@click.option(
    "--weights", metavar="FILE", help="For a known model: its weights from a file."
)
@click.option(
    "--labels",
    type=FILE,
    metavar="FILE",
    help="For a model file: a text file with one label a line.",
)
@click.option(
    "--preset",
    metavar="NAME",
    help="For a model file: how it was trained to see pictures.",
)
@click.option(
    "--size",
    callback=_size,
    metavar="PIXELS",
    help="For a model file that leaves it open: 224, or HEIGHTxWIDTH.",
)
@click.option(
    "--scores",
    type=click.Choice(get_args(ScoreKind)),
    help="For a model file: what it gives, when its last layer does not tell.",
)
@json_option
@click.pass_context
def convert(ctx: click.Context, /, *, as_json: bool, **wishes: Any) -> None:
    """Turn a trained model into a verified bundle for a board.

    SOURCE is a .keras or .h5 file, or a known name such as efficientnet-lite0 or
    mobilenet-v2. The result takes raw RGB pixels, is run by its own engine, and is
    compared with SOURCE before anything is written. Exits with 3, and writes nothing,
    when they do not agree.

    \b
    Examples:
      edgeclf convert efficientnet-lite0 -o lite0.edgeclf
      edgeclf convert efficientnet-lite0 --calibrate photos/ \\
          --profile raspberry-pi-4b -o lite0-int8.edgeclf
      edgeclf convert my.keras --labels labels.txt --preset keras \\
          --calibrate photos/ --target onnx -o my.edgeclf
    """  # noqa: D301 - click wants the control character
    request = _request(wishes)
    tried: list[Trial] = []
    try:
        with leaving_nothing_on_sigterm(), reporting(request) as report:
            result = pipeline.convert(request, report=report, tried=tried.extend)
    except ChildError as error:
        say(error.log)
        say_trials(tried)
        raise
    except (OutOfBoundsError, NoVerdictError) as error:
        say_refusal(error, tried, as_json=as_json)
        ctx.exit(error.exit_code)
    if as_json:
        print_json("convert", result_payload(result))
    else:
        click.echo(result_text(result))


def _request(wishes: Mapping[str, Any]) -> pipeline.ConversionRequest:
    """Return what is asked for; what no file could make right is a usage error."""
    request = pipeline.ConversionRequest(**wishes)
    try:
        check_wishes(request)
    except EdgeclfError as error:
        raise click.UsageError(str(error)) from error
    return request
