"""Taking the weights that lie behind a flatbuffer into it.

Places that are counted from the file's first byte would be wrong as soon as something
is put in front of it; and programs older than that layout read only what is inside.
"""

from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.tflite_prefix import PrefixBuilder
from edgeclf.modelfile.tflite_root import open_tflite

__all__ = ["with_buffers_inside"]

_ROOM = 4096


def with_buffers_inside(data: bytes) -> bytes:
    """Return the same model with every buffer in its flatbuffer.

    Args:
        data: A model without a zip behind it; unchanged when nothing lies outside.

    Raises:
        DamagedError: A buffer lies where it cannot.
    """
    root = open_tflite(data)
    if not root.outside:
        return data
    stored = {place: len(place) for place in root.outside.values()}
    builder = PrefixBuilder(root.model, expected_bytes=sum(stored.values()) + _ROOM)
    written = {
        place: builder.buffer(data[place.start : place.stop]) for place in stored
    }
    old = root.model.element_targets(schema.MODEL_BUFFERS)
    positions = [
        written[root.outside[number]] if number in root.outside else builder.old(target)
        for number, target in enumerate(old)
    ]
    prefix = builder.finish({schema.MODEL_BUFFERS: builder.vector(positions)})
    return prefix + data[: root.flatbuffer_bytes]
