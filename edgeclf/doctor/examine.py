"""Running every check."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from edgeclf.doctor.camera_checks import CAMERA_CHECKS
from edgeclf.doctor.engine_checks import ENGINE_CHECKS
from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.jetson_checks import JETSON_CHECKS
from edgeclf.doctor.machine_checks import MACHINE_CHECKS
from edgeclf.doctor.power_checks import POWER_CHECKS
from edgeclf.doctor.python_checks import PYTHON_CHECKS
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.doctor.system_checks import SYSTEM_CHECKS
from edgeclf.doctor.usb_checks import USB_CHECKS

__all__ = ["CHECKS", "DoctorReport", "examine"]

CHECKS: Final[tuple[Check, ...]] = (
    *ENGINE_CHECKS,
    *PYTHON_CHECKS,
    *CAMERA_CHECKS,
    *MACHINE_CHECKS,
    *POWER_CHECKS,
    *SYSTEM_CHECKS,
    *JETSON_CHECKS,
    *USB_CHECKS,
)

_ORDER = {"problem": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """What was found.

    Attributes:
        surroundings: What was looked at.
        findings: Problems first.
    """

    surroundings: Surroundings
    findings: tuple[Finding, ...]

    @property
    def can_run(self) -> bool:
        """Whether a model can run here; warnings do not keep it from that."""
        return all(each.severity != "problem" for each in self.findings)

    @property
    def closure_mib(self) -> float:
        """Room that the runtime takes on the disk."""
        return sum(each.size_mib for each in self.surroundings.closure)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        here = self.surroundings
        return {
            "can_run": self.can_run,
            "findings": [asdict(each) for each in self.findings],
            "machine": here.machine.to_dict(),
            "profile": here.profile.name if here.profile else None,
            "probes": {name: asdict(each) for name, each in here.probes.items()},
            "closure": [asdict(each) for each in here.closure],
            "closure_mib": self.closure_mib,
        }


def examine(here: Surroundings, checks: Iterable[Check] = CHECKS) -> DoctorReport:
    """Run the checks, and return what they found, the worst first."""
    findings = [finding for check in checks for finding in check(here)]
    return DoctorReport(
        surroundings=here,
        findings=tuple(sorted(findings, key=lambda each: _ORDER[each.severity])),
    )
