"""What Home Assistant is told, so that it shows the sensors by itself.

Source:
    https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery: a retained message
    a sensor, on PREFIX/COMPONENT/DEVICE/SENSOR/config.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["Announcement", "announcements", "device_id"]

_STALE_S: Final = 60
"""Seconds after which a label that nobody renewed is unavailable, not true."""


class Announcement(NamedTuple):
    """One retained message.

    Attributes:
        topic: Where it goes.
        payload: JSON-ready.
    """

    topic: str
    payload: Mapping[str, Any]


def device_id(topic: str) -> str:
    """Return a name for what publishes below a topic: the same after each restart.

    >>> device_id("home/front door")
    'edgeclf_home_front_door_151cd9'
    """
    digest = hashlib.sha256(topic.encode()).hexdigest()[:6]
    return f"edgeclf_{re.sub('[^A-Za-z0-9]+', '_', topic).strip('_')}_{digest}"


def announcements(
    topic: str, *, prefix: str, name: str, model_name: str, every_ns: int
) -> Iterator[Announcement]:
    """Yield one message a sensor: label, score, latency, age, problem.

    Args:
        topic: Below which decisions and events are published.
        prefix: Where Home Assistant looks, ``homeassistant`` unless it was changed.
        name: Of the device, for people.
        model_name: Likewise of the model.
        every_ns: Least time between two decisions that are published.
    """
    device = device_id(topic)
    shared = {
        "availability_topic": f"{topic}/availability",
        "device": {
            "identifiers": [device],
            "name": name,
            "manufacturer": "edgeclf",
            "model": model_name,
        },
        "origin": {"name": "edgeclf"},
    }
    measured = {
        "state_topic": f"{topic}/decision",
        "expire_after": _STALE_S + 3 * every_ns // 10**9,
    }
    for sensor, component, own in (
        ("label", "sensor", {**measured, **_LABEL}),
        ("score", "sensor", {**measured, **_SCORE}),
        ("latency", "sensor", {**measured, **_LATENCY}),
        ("age", "sensor", {**measured, **_AGE}),
        ("problem", "binary_sensor", {"state_topic": f"{topic}/problem", **_PROBLEM}),
    ):
        yield Announcement(
            f"{prefix}/{component}/{device}/{sensor}/config",
            {"unique_id": f"{device}_{sensor}", **own, **shared},
        )


_LABEL: Final = {
    "name": "Label",
    # Home Assistant takes no state of more than 255 characters.
    "value_template": "{{ value_json.top[0].label[:255] }}",
    "icon": "mdi:eye",
}
_SCORE: Final = {
    "name": "Score",
    "value_template": "{{ (value_json.top[0].score * 100) | round(1) }}",
    "unit_of_measurement": "%",
    "state_class": "measurement",
}
_LATENCY: Final = {
    "name": "Latency",
    "value_template": "{{ (value_json.stage_ns.total / 1000000) | round(2) }}",
    "unit_of_measurement": "ms",
    "device_class": "duration",
    "state_class": "measurement",
    "entity_category": "diagnostic",
}
_AGE: Final = {
    **_LATENCY,
    "name": "Age at decision",
    "value_template": "{{ (value_json.age_ns / 1000000) | round(2) }}",
}
_PROBLEM: Final = {
    "name": "Camera",
    "device_class": "problem",
    "payload_on": "ON",
    "payload_off": "OFF",
    "entity_category": "diagnostic",
}
