"""Running for months under systemd: the unit, and telling systemd how the loop is."""

from edgeclf.service.notify import ServiceManager, ServiceSink
from edgeclf.service.unit import ServiceUnit, unit_text

__all__ = ["ServiceManager", "ServiceSink", "ServiceUnit", "unit_text"]
