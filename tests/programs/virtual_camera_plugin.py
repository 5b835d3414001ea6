"""Makes the real picamera2 run on libcamera's virtual camera; a plugin of pytest.

What is missing there is not what edgeclf uses: raw pictures, a display, the Pi's memory
allocator. picamera2's own code stays as it is.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

libcamera = import_module("libcamera")


def _stand_in(name: str, **contents: object) -> None:
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module


# Writes raw pictures to files; a C extension that is not on PyPI for this Python.
_stand_in("pidng")
_stand_in("pidng.camdefs", Picamera2Camera=object)
_stand_in("pidng.core", PICAM2DNG=object)


class _Anything:
    def __getattr__(self, name: str) -> str:
        return name


# Shows pictures on a display without a desktop; PyPI's package of that name is another.
_stand_in("pykms", Card=object, PixelFormat=_Anything())

_generate = libcamera.Camera.generate_configuration


def _without_raw(camera: Any, roles: Any) -> Any:
    """The virtual camera knows no raw pictures, which picamera2 asks about."""
    if libcamera.StreamRole.Raw in roles:
        roles = [libcamera.StreamRole.Viewfinder]
    return _generate(camera, roles)


libcamera.Camera.generate_configuration = _without_raw

Picamera2 = import_module("picamera2").Picamera2
LibcameraAllocator = import_module("picamera2.allocators").LibcameraAllocator

_configure = Picamera2.configure_


def _with_libcameras_allocator(camera: Any, configuration: Any) -> None:
    if not isinstance(camera.allocator, LibcameraAllocator):
        camera.allocator = LibcameraAllocator(camera.camera)
    _configure(camera, configuration)


Picamera2.configure_ = _with_libcameras_allocator
