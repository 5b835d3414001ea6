"""The passes that recipes can have: what each takes, gives and can be told."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from converters.pass_options import (
    AwareOptions,
    CompileOptions,
    EqualizeOptions,
    OnnxExportOptions,
    OnnxQuantizeOptions,
    PackOptions,
    TemperatureOptions,
    TfliteExportOptions,
    TfliteQuantizeOptions,
    VerifyOptions,
)
from converters.prune.options import PruneOptions
from converters.recover.options import RecoverOptions
from edgeclf.json_values import from_json_value, to_json_value

__all__ = ["PASS_RULES", "PassRule", "Target"]

Target: TypeAlias = Literal["tflite", "onnx"]
"""Format of an artefact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRule:
    """What a recipe must know of a pass.

    Attributes:
        takes: The state of the model that it works on.
        gives: The state that it leaves the model in.
        options: Their class, by target.
    """

    takes: str
    gives: str
    options: Mapping[str, type[Any]]

    def resolved(self, target: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option, JSON-ready: as given, else its default."""
        defaults = {
            each.name: to_json_value(each.default)
            for each in fields(self.options[target])
            if each.default is not MISSING
        }
        return {**defaults, **given}

    def parsed(self, target: str, given: Mapping[str, Any], *, name: str) -> Any:
        """Return the options as the pass takes them.

        Raises:
            ValueError: One is missing, unknown or wrong; the message names the pass.
        """
        options = self.resolved(target, given)
        kind = self.options[target]
        return from_json_value(kind, options, where=f"pass {name!r}")


def _for_both(options: type[Any]) -> Mapping[str, type[Any]]:
    return dict.fromkeys(get_args(Target), options)


def _on_source(options: type[Any]) -> PassRule:
    return PassRule(takes="source", gives="source", options=_for_both(options))


PASS_RULES: Mapping[str, PassRule] = {
    "prune": _on_source(PruneOptions),
    "recover": _on_source(RecoverOptions),
    "equalize": _on_source(EqualizeOptions),
    "aware": _on_source(AwareOptions),
    "export": PassRule(
        takes="source",
        gives="exported",
        options={"tflite": TfliteExportOptions, "onnx": OnnxExportOptions},
    ),
    "quantize": PassRule(
        takes="exported",
        gives="quantized",
        options={"tflite": TfliteQuantizeOptions, "onnx": OnnxQuantizeOptions},
    ),
    "compile": PassRule(
        takes="quantized", gives="artefact", options=_for_both(CompileOptions)
    ),
    "verify": PassRule(
        takes="artefact", gives="verified", options=_for_both(VerifyOptions)
    ),
    "temperature": PassRule(
        takes="verified", gives="verified", options=_for_both(TemperatureOptions)
    ),
    "pack": PassRule(takes="verified", gives="bundle", options=_for_both(PackOptions)),
}
"""By the name of the pass."""
