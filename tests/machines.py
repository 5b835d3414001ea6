"""Made-up machines: the files in which Linux shows a Raspberry Pi, in a folder."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["PI_5", "write_tree"]

_CPU = "".join(
    f"processor\t: {number}\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp "
    "cpuid asimdrdm lrcpc dcpop asimddp\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0b\n\n"
    for number in range(4)
)

PI_5: Mapping[str, str] = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": f"{_CPU}Revision\t: d04170\n",
    "proc/meminfo": (
        "MemTotal:        8256000 kB\nMemAvailable:    7000000 kB\n"
        "SwapTotal:        512000 kB\nSwapFree:         512000 kB\n"
    ),
    "proc/loadavg": "0.12 0.10 0.05 1/200 4242\n",
    "proc/vmstat": "nr_free_pages 1\npswpin 100\npswpout 200\n",
    "proc/stat": "cpu  100 0 50 9000 10 5 5 0 0 0\ncpu0 25 0 12 2250 2 1 1 0 0 0\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48850\n",
    "sys/class/thermal/thermal_zone1/type": "PMIC-Die\n",
    "sys/class/thermal/thermal_zone1/temp": "100000\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "performance\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "2400000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}
"""A Raspberry Pi 5 that is well, with a 100 °C zone that is no processor's."""


def write_tree(root: Path, files: Mapping[str, str] = PI_5, **changes: str) -> Path:
    """Write files below a folder, and return the folder.

    Args:
        root: Made when it is not there.
        files: Text by path.
        changes: Other text for a file, by the last part of its path.
    """
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changes.get(path.name, text), encoding="utf-8")
    return root
