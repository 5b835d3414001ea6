"""What ran on what, as a table of a page."""

from collections.abc import Mapping
from typing import Any

from edgeclf.bench.page.markup import Markup, element, table

__all__ = ["facts"]


def facts(report: Mapping[str, Any]) -> Markup:
    """Return all that a number is worth nothing without; what is not known says so.

    Args:
        report: What ``BenchReport.to_dict`` gives.
    """
    engine, machine = report["engine"], report["machine"]
    conditions, counts = report["conditions"], report["counts"]
    latency = report["latency"]
    rows = {
        "model": report["model"]["name"],
        "digest": report["model"]["digest"],
        "engine": f"{engine['engine']} {engine['version']}",
        "threads": _shown(engine["threads"]),
        "delegates": ", ".join(engine["delegates"]) or "none",
        "source": report["source"],
        "frames": f"{counts['decided']} in {report['elapsed_ns'] / 1e9:.1f} s, "
        f"{report['warmup']} before them left out",
        "board": _shown(machine["board"]),
        "processor": _shown(machine["cpu"]),
        "cores": f"{machine['cores']}, {machine['architecture']}",
        "memory": _shown(machine["memory_mib"], " MiB"),
        "system": _shown(machine["system"]),
        "kernel": machine["kernel"],
        "Python": f"{machine['python']}, {machine['python_bits']} bits",
        "edgeclf": report["edgeclf_version"],
        "governor": _shown(machine["governor"]),
        "clock": _clock(conditions),
        "throttle bits": _shown(conditions["throttle_bits"]),
        "other programs": _shown(conditions["foreign_cores"], " of a core"),
        "pages swapped": _shown(conditions["swapped_pages"]),
        "cold start": _shown(latency["cold_start_ms"], " ms"),
        "peak memory": _shown(latency["rss_mib"], " MiB"),
        "age counts from": _shown(latency["age_origin"]),
        "profile": report["profile"],
    }
    shown = table(
        ("", ""), list(rows.items()), caption="As read back in this run", kind="facts"
    )
    return element("section", element("h2", "What ran on what"), shown, class_="wide")


def _clock(conditions: Mapping[str, Any]) -> str:
    low, high = conditions["clock_min_mhz"], conditions["clock_max_mhz"]
    if low is None or high is None:
        return _shown(None)
    return f"{low:g} MHz" if low == high else f"{low:g} to {high:g} MHz"


def _shown(value: Any, unit: str = "") -> str:
    if value is None:
        return "not known"
    return f"{value:.4g}{unit}" if isinstance(value, float) else f"{value}{unit}"
