"""Numbers of TFLite Metadata's schema, version 1.5.0.

Source:
    https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/metadata_schema.fbs
    (checked 2026-11-21). Field numbers count from 0; a union takes two, its kind first.
"""

from typing import Final

__all__ = [
    "CONTENT_IMAGE",
    "CONTENT_KIND",
    "CONTENT_VALUE",
    "ENTRY_NAME",
    "FILE_DESCRIPTION",
    "FILE_KIND",
    "FILE_KIND_AXIS_LABELS",
    "FILE_NAME",
    "IDENTIFIER",
    "IMAGE_COLOUR_SPACE",
    "IMAGE_COLOUR_SPACE_RGB",
    "MODEL_AUTHOR",
    "MODEL_DESCRIPTION",
    "MODEL_LICENSE",
    "MODEL_MIN_PARSER_VERSION",
    "MODEL_NAME",
    "MODEL_SUBGRAPHS",
    "MODEL_VERSION",
    "NORMALIZATION_MEAN",
    "NORMALIZATION_STD",
    "STATS_MAX",
    "STATS_MIN",
    "SUBGRAPH_INPUTS",
    "SUBGRAPH_OUTPUTS",
    "TENSOR_CONTENT",
    "TENSOR_DESCRIPTION",
    "TENSOR_FILES",
    "TENSOR_NAME",
    "TENSOR_STATS",
    "TENSOR_UNITS",
    "THRESHOLD_GLOBAL",
    "UNIT_KIND",
    "UNIT_NORMALIZATION",
    "UNIT_THRESHOLD",
    "UNIT_VALUE",
]

IDENTIFIER: Final = b"M001"
ENTRY_NAME: Final = "TFLITE_METADATA"

MODEL_NAME: Final = 0
MODEL_DESCRIPTION: Final = 1
MODEL_VERSION: Final = 2
MODEL_SUBGRAPHS: Final = 3
MODEL_AUTHOR: Final = 4
MODEL_LICENSE: Final = 5
MODEL_MIN_PARSER_VERSION: Final = 7

SUBGRAPH_INPUTS: Final = 2
SUBGRAPH_OUTPUTS: Final = 3

TENSOR_NAME: Final = 0
TENSOR_DESCRIPTION: Final = 1
TENSOR_CONTENT: Final = 3
TENSOR_UNITS: Final = 4
TENSOR_STATS: Final = 5
TENSOR_FILES: Final = 6

CONTENT_KIND: Final = 0
CONTENT_VALUE: Final = 1
CONTENT_IMAGE: Final = 2

IMAGE_COLOUR_SPACE: Final = 0
IMAGE_COLOUR_SPACE_RGB: Final = 1

UNIT_KIND: Final = 0
UNIT_VALUE: Final = 1
UNIT_NORMALIZATION: Final = 1
UNIT_THRESHOLD: Final = 3

NORMALIZATION_MEAN: Final = 0
NORMALIZATION_STD: Final = 1

THRESHOLD_GLOBAL: Final = 0

STATS_MAX: Final = 0
STATS_MIN: Final = 1

FILE_NAME: Final = 0
FILE_DESCRIPTION: Final = 1
FILE_KIND: Final = 2
FILE_KIND_AXIS_LABELS: Final = 2
