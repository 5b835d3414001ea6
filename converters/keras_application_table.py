"""What Keras documents of each MobileNet and EfficientNet of ``keras.applications``.

Source:
    Sizes, file names, addresses and MD5 sums: ``keras/src/applications`` of Keras
    3.15.1, ``mobilenet*.py`` and ``efficientnet*.py``; checked 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["APPLICATIONS", "Application"]

_SITE = "https://storage.googleapis.com"


@dataclass(frozen=True, slots=True)
class Application:
    """One model of ``keras.applications``.

    Attributes:
        function: Name of the function that builds it.
        model_name: What Keras calls the model that the function makes.
        size: Height and width of its input.
        preset: How Keras prepares a picture for it.
        weights_url: Where Keras keeps its ImageNet weights.
        weights_md5: Of that file; ``None`` where Keras states none.
    """

    function: str
    model_name: str
    size: int
    preset: str
    weights_url: str
    weights_md5: str | None = None

    @property
    def weights_file(self) -> str:
        """The file's name in Keras's cache and at its address."""
        return self.weights_url.rpartition("/")[2]


def _mobilenet(version: str, model_name: str, file: str) -> Application:
    return Application(
        function=f"MobileNet{version}",
        model_name=model_name,
        size=224,
        preset="keras",
        weights_url=f"{_SITE}/tensorflow/keras-applications/{file}",
    )


def _mobilenet_v3(kind: str, md5: str) -> Application:
    file = f"weights_mobilenet_v3_{kind.lower()}_224_1.0_float.h5"
    return Application(
        function=f"MobileNetV3{kind}",
        model_name=f"MobileNetV3{kind}",
        size=224,
        preset="keras-raw",
        weights_url=f"{_SITE}/tensorflow/keras-applications/mobilenet_v3/{file}",
        weights_md5=md5,
    )


def _efficientnet(kind: str, size: int, md5: str) -> Application:
    return Application(
        function=f"EfficientNet{kind}",
        model_name=f"efficientnet{kind.lower()}",
        size=size,
        preset="keras-raw",
        weights_url=f"{_SITE}/keras-applications/efficientnet{kind.lower()}.h5",
        weights_md5=md5,
    )


def _efficientnet_v2(kind: str, size: int, md5: str) -> Application:
    name = f"efficientnetv2-{kind.lower()}"
    return Application(
        function=f"EfficientNetV2{kind}",
        model_name=name,
        size=size,
        preset="keras-raw",
        weights_url=f"{_SITE}/tensorflow/keras-applications/efficientnet_v2/{name}.h5",
        weights_md5=md5,
    )


APPLICATIONS: Mapping[str, Application] = {
    "efficientnet-b0": _efficientnet("B0", 224, "902e53a9f72be733fc0bcb005b3ebbac"),
    "efficientnet-b1": _efficientnet("B1", 240, "1d254153d4ab51201f1646940f018540"),
    "efficientnet-b2": _efficientnet("B2", 260, "b15cce36ff4dcbd00b6dd88e7857a6ad"),
    "efficientnet-b3": _efficientnet("B3", 300, "ffd1fdc53d0ce67064dc6a9c7960ede0"),
    "efficientnet-b4": _efficientnet("B4", 380, "18c95ad55216b8f92d7e70b3a046e2fc"),
    "efficientnet-b5": _efficientnet("B5", 456, "ace28f2a6363774853a83a0b21b9421a"),
    "efficientnet-b6": _efficientnet("B6", 528, "165f6e37dce68623721b423839de8be5"),
    "efficientnet-b7": _efficientnet("B7", 600, "8c03f828fec3ef71311cd463b6759d99"),
    "efficientnet-v2-b0": _efficientnet_v2(
        "B0", 224, "21ecbf6da12460d5c40bb2f29ceb2188"
    ),
    "efficientnet-v2-b1": _efficientnet_v2(
        "B1", 240, "069f0534ff22adf035c89e2d9547a9dc"
    ),
    "efficientnet-v2-b2": _efficientnet_v2(
        "B2", 260, "424e49f28180edbde1e94797771950a7"
    ),
    "efficientnet-v2-b3": _efficientnet_v2(
        "B3", 300, "1f1fc43bd98a6e4fd8fdfd551e02c7a0"
    ),
    "efficientnet-v2-s": _efficientnet_v2("S", 384, "e1d88a8495beba45748fedd0cecbe016"),
    "efficientnet-v2-m": _efficientnet_v2("M", 480, "a3bf6aa3276309f4fc6a34aa114c95cd"),
    "efficientnet-v2-l": _efficientnet_v2("L", 480, "27e6d408b53c7ebc868fefa357689935"),
    "mobilenet": _mobilenet(
        "", "mobilenet_1.00_224", "mobilenet/mobilenet_1_0_224_tf.h5"
    ),
    "mobilenet-v2": _mobilenet(
        "V2",
        "mobilenetv2_1.00_224",
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
    ),
    "mobilenet-v3-large": _mobilenet_v3("Large", "59e551e166be033d707958cf9e29a6a7"),
    "mobilenet-v3-small": _mobilenet_v3("Small", "8768d4c2e7dee89b9d02b2d03d65d862"),
}
"""By the names that ``convert`` takes."""
