"""What is wrong with this machine for running models, and what mends it."""

from edgeclf.doctor.catalogue import FAULTS, Fault, Severity
from edgeclf.doctor.examine import DoctorReport, examine
from edgeclf.doctor.finding import Finding
from edgeclf.doctor.surroundings import Surroundings, look_around

__all__ = [
    "FAULTS",
    "DoctorReport",
    "Fault",
    "Finding",
    "Severity",
    "Surroundings",
    "examine",
    "look_around",
]
