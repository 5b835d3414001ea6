"""The systemd unit of a loop that runs for months."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ServiceUnit", "unit_text"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_DOLLAR = re.compile(r"\$(?!\{[A-Z][A-Z0-9_]*\})")
"""A dollar sign that does not begin ``${NAME}``."""

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUnit:
    """What is to run, as whom, and within which bounds.

    Attributes:
        name: Of the unit, without ``.service``.
        command: Program, an absolute path, and arguments; ``${NAME}`` in one is
            filled in from ``/etc/edgeclf/UNIT.env``.
        user: An existing user; ``None``: one that systemd makes up and that owns
            nothing but its state.
        groups: Whose devices it may open, such as ``video``; they must exist.
        memory_max_mib: Above this the kernel ends it, and systemd starts it again.
        watchdog_s: It is killed and started again when its loop is silent for so long.
    """

    name: str
    command: Sequence[str]
    user: str | None = None
    groups: Sequence[str] = ()
    memory_max_mib: int = 512
    watchdog_s: int = 30

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(
                f"a service's name has letters, digits, '_', '.' and '-', at most 63, "
                f"got {self.name!r}"
            )
        if not self.command or not self.command[0].startswith("/"):
            raise ValueError("the command must begin with an absolute path")
        if self.memory_max_mib < 1 or self.watchdog_s < 1:
            raise ValueError("memory and watchdog must be 1 or more")

    @property
    def file_name(self) -> str:
        """Of the unit file."""
        return f"{self.name}.service"


def unit_text(unit: ServiceUnit) -> str:
    """Return the unit file.

    Source:
        systemd.service(5), systemd.exec(5), systemd.resource-control(5), as of
        systemd 252, Raspberry Pi OS Bookworm's.
    """
    who = ["DynamicUser=yes"] if unit.user is None else [f"User={unit.user}"]
    if unit.groups:
        who.append(f"SupplementaryGroups={' '.join(unit.groups)}")
    return "\n".join(
        [
            "# Written by 'edgeclf service install'; the next one overwrites it.",
            "[Unit]",
            f"Description=edgeclf: {unit.name}",
            "After=network-online.target time-sync.target",
            "Wants=network-online.target",
            "# A camera may be away for days: never give up starting.",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=notify",
            f"ExecStart={' '.join(_quoted(each) for each in unit.command)}",
            "# Ready with the first decision; alive as long as the loop takes frames.",
            "TimeoutStartSec=120",
            f"WatchdogSec={unit.watchdog_s}",
            "Restart=on-failure",
            "RestartSec=5",
            "# A wrong command line does not get better.",
            "RestartPreventExitStatus=2",
            "TimeoutStopSec=10",
            "# One line a decision is for a terminal; messages and the report are kept.",
            "StandardOutput=null",
            "StandardError=journal",
            f"EnvironmentFile=-/etc/edgeclf/{unit.name}.env",
            "",
            *who,
            f"StateDirectory={unit.name}",
            f"WorkingDirectory=%S/{unit.name}",
            "UMask=0027",
            f"MemoryMax={unit.memory_max_mib}M",
            "OOMPolicy=stop",
            "",
            "ProtectSystem=strict",
            "ProtectHome=read-only",
            "PrivateTmp=yes",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=",
            "AmbientCapabilities=",
            "RestrictSUIDSGID=yes",
            "RestrictNamespaces=yes",
            "RestrictRealtime=yes",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
            "LockPersonality=yes",
            "ProtectKernelTunables=yes",
            "ProtectKernelModules=yes",
            "ProtectKernelLogs=yes",
            "ProtectControlGroups=yes",
            "ProtectHostname=yes",
            "ProtectClock=yes",
            "SystemCallArchitectures=native",
            "SystemCallFilter=@system-service",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def _quoted(word: str) -> str:
    """Return a word as ExecStart takes it.

    Percent and dollar signs mean themselves, but for ``${NAME}``, which systemd fills
    in from the unit's environment file.

    Source: systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting".
    """
    escaped = _DOLLAR.sub("$$", word.replace("%", "%%"))
    if word and _PLAIN.fullmatch(word):
        return escaped
    inner = escaped.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'
