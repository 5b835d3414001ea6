"""Model files that people already have: what they say, what must be asked, a bundle.

model = load_model(Path("mobilenet.tflite"), flags=ModelFlags(preset="keras", …))
data = pack_model(model, name="mobilenet")
"""

from edgeclf.packing.flags import ModelFlags
from edgeclf.packing.known import Known, what_is_known
from edgeclf.packing.loading import load_model, model_from_file, read_bundle_or_file
from edgeclf.packing.pack import pack_model

__all__ = [
    "Known",
    "ModelFlags",
    "load_model",
    "model_from_file",
    "pack_model",
    "read_bundle_or_file",
    "what_is_known",
]
