"""Quantize ``float.tflite`` of a folder; runs in litert-quantizer's own environment.

    .envs/litert-quantizer/bin/python benchmarks/litert_quantizer_child.py FOLDER

reads ``calibration.npy`` beside it, shape (photos, height, width, 3), and writes
``int8.tflite``.
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from litert_quantizer import quantizer, recipe

folder = Path(sys.argv[1])
data = (folder / "float.tflite").read_bytes()
signatures = Interpreter(model_content=data).get_signature_list()
(signature,) = signatures
(name,) = signatures[signature]["inputs"]
photos = np.load(folder / "calibration.npy")
quantize = quantizer.Quantizer(str(folder / "float.tflite"), recipe.static_wi8_ai8())
ranges = quantize.calibrate({signature: [{name: photo[None]} for photo in photos]})
result = quantize.quantize(ranges)
(folder / "int8.tflite").write_bytes(bytes(result.quantized_model))
