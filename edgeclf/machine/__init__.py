"""Who this machine is, and how it is doing: read from Linux, never guessed.

Every file is looked up below a root that tests replace by a made-up tree.
"""

from edgeclf.machine.identity import (
    MachineIdentity,
    board_description,
    detect_board,
    read_identity,
)
from edgeclf.machine.monitor import MachineMonitor, RunConditions
from edgeclf.machine.state import (
    MachineReader,
    MachineState,
    peak_memory_mib,
    process_age_ns,
)
from edgeclf.machine.throttle import ThrottleBits, run_tool

__all__ = [
    "MachineIdentity",
    "MachineMonitor",
    "MachineReader",
    "MachineState",
    "RunConditions",
    "ThrottleBits",
    "board_description",
    "detect_board",
    "peak_memory_mib",
    "process_age_ns",
    "read_identity",
    "run_tool",
]
