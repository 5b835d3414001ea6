"""Every exception that edgeclf raises on purpose, as one tree.

    EdgeclfError                    exit code 1
      MissingDependencyError        a package that is not installed
      InputFileError                a file that is missing, unreadable or not what was said
        ImageError                  an image that cannot be decoded
        BundleError                 a bundle that must not be used
        ModelFileError              a .tflite or .onnx file that must not be used
        ProfileError                a device profile that is missing or wrong
      OutputFileError               a file that cannot be written
      SpecError                     settings that contradict each other or the model
      SinkError                     a place for results that cannot be had
      SourceError                   frames that cannot be had
      BackendError                  an engine that cannot load or run the model
      VerificationError             a check of a bundle on this machine that failed
      ConversionError               a model that cannot be converted
        CalibrationError            photos that cannot calibrate
      OutOfBoundsError              exit code 3: measured, and over budget or out of parity
      NoVerdictError                exit code 4: measured, and not a verdict

A message is one line: what is wrong, what was seen, what to do. ``ValueError`` and
``TypeError`` stay what they are in Python: a wrong argument in the caller's code.
"""

from typing import ClassVar

__all__ = [
    "BackendError",
    "BundleError",
    "CalibrationError",
    "ConversionError",
    "EdgeclfError",
    "ImageError",
    "InputFileError",
    "MissingDependencyError",
    "ModelFileError",
    "NoVerdictError",
    "OutOfBoundsError",
    "OutputFileError",
    "ProfileError",
    "SinkError",
    "SourceError",
    "SpecError",
    "VerificationError",
]


class EdgeclfError(Exception):
    """Anything that edgeclf reports to its user.

    Attributes:
        exit_code: What a command exits with when this error ends it.
    """

    exit_code: ClassVar[int] = 1


class MissingDependencyError(EdgeclfError):
    """A package that this call needs is not installed; the message says how to."""


class InputFileError(EdgeclfError):
    """A file is missing, unreadable, or not what its name or caller claims."""


class ImageError(InputFileError):
    """An image cannot be decoded, or is too large to be decoded safely."""


class BundleError(InputFileError):
    """A bundle is damaged, forged, from the future, or inconsistent."""


class ModelFileError(InputFileError):
    """A model file is damaged, or is not a classifier that edgeclf can run."""


class ProfileError(InputFileError):
    """A device profile does not exist or breaks its schema."""


class OutputFileError(EdgeclfError):
    """A file could not be written; what was there before is untouched."""


class SpecError(EdgeclfError):
    """Settings contradict each other, or the model they describe."""


class SinkError(EdgeclfError):
    """Results cannot be sent to where a sink should send them."""


class SourceError(EdgeclfError):
    """Frames cannot be had from a source."""


class BackendError(EdgeclfError):
    """An engine cannot load or run a model."""


class VerificationError(EdgeclfError):
    """A bundle does not do on this machine what it did where it was made."""


class ConversionError(EdgeclfError):
    """A model cannot be converted."""


class CalibrationError(ConversionError):
    """Photos are too few, or not photos, and cannot set quantization ranges."""


class OutOfBoundsError(EdgeclfError):
    """A measured result is over its budget, under its gate or out of parity."""

    exit_code: ClassVar[int] = 3


class NoVerdictError(EdgeclfError):
    """A result was measured and cannot be judged; the message says why."""

    exit_code: ClassVar[int] = 4
