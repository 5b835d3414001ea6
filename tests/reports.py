"""Reports of runs that were never made, as ``edgeclf bench`` would give them."""

import random
from typing import Any

from edgeclf.bench.blocks import DurationBlocks

__all__ = ["made_up_report"]

_SERIAL = {"capture": 0.1, "preprocess": 0.2, "invoke": 0.65, "head": 0.05}


def made_up_report(
    *, seconds: int = 60, median_ms: float = 20.0, seed: int = 1, **changes: Any
) -> dict[str, Any]:
    """Return a report of a valid run within a budget of 33.3 ms.

    Args:
        seconds: How long it was.
        median_ms: About the median of the total.
        seed: Of the durations; each second is a little faster or slower as a whole.
        changes: Values by path, ``engine__threads=4``; they replace what is there.
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    totals = [
        [
            int(median_ms * 1e6 * pace * rng.lognormvariate(0, 0.06))
            for _ in range(int(min(30, 1000 / median_ms)))
        ]
        for pace in (rng.lognormvariate(0, 0.03) for _ in range(seconds))
    ]
    shares = {**_SERIAL, "total": 1.0, "age": 1.1}
    durations = {
        name: [[int(ns * share) for ns in block] for block in totals]
        for name, share in shares.items()
    }
    report: dict[str, Any] = {
        "schema": "edgeclf.bench",
        "version": 1,
        "verdict": "within",
        "no_verdict": [],
        "invalid": [],
        "over": [],
        "board": "Raspberry Pi 5 Model B Rev 1.0",
        "profile": "raspberry-pi-5",
        "is_profiles_machine": True,
        "model": {"name": "efficientnet-lite0-int8", "digest": "0123456789abcdef" * 4},
        "preprocess": "fedcba9876543210" * 4,
        "engine": {
            "engine": "litert",
            "version": "2.1.2",
            "threads_requested": 4,
            "threads": 4,
            "delegates": ["xnnpack"],
        },
        "edgeclf_version": "0.1.0",
        "source": "synthetic:0,640x480",
        "counts": {
            "captured": 1,
            "decided": 1,
            "skipped": 0,
            "unreadable": 0,
            "dropped": 0,
            "duplicated": 0,
            "unchanged": 0,
            "late": 0,
            "left": 0,
        },
        "warmup": 32,
        "elapsed_ns": seconds * 1_000_000_000,
        "is_complete": True,
        "latency": {
            "stages": {name: _stage(blocks) for name, blocks in durations.items()},
            "age_origin": "arrival",
            "cold_start_ms": 810.0,
            "rss_mib": 92.5,
            "temperature_c": 61.2,
            "budget": "raspberry-pi-5",
            "judgements": [
                _limit("total", "p50", "ms", 33.3, median_ms, 1024),
                _limit("total", "p99", "ms", 50.0, median_ms * 1.2, 1024),
                _limit("rss", None, "MiB", 256.0, 92.5, 1),
            ],
        },
        "machine": {
            "board": "Raspberry Pi 5 Model B Rev 1.0",
            "cpu": "Cortex-A76",
            "cpu_features": ["asimddp"],
            "cores": 4,
            "architecture": "aarch64",
            "python_bits": 64,
            "memory_mib": 8063,
            "system": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.6.51",
            "python": "3.11.2",
            "governor": "ondemand",
        },
        "conditions": {
            "duration_s": float(seconds),
            "samples": seconds + 1,
            "temperature_start_c": 48.3,
            "temperature_max_c": 61.2,
            "clock_min_mhz": 1500.0,
            "clock_max_mhz": 2400.0,
            "throttle_bits": 0,
            "load_start": 0.1,
            "foreign_cores": 0.01,
            "swapped_pages": 0,
            "available_min_mib": 6000,
            "sampling_ns": 20_000_000,
        },
        "blocks": DurationBlocks(
            block_s=1,
            stages={
                name: tuple({ns: block.count(ns) for ns in block} for block in blocks)
                for name, blocks in durations.items()
            },
        ).to_dict(),
    }
    report["counts"]["decided"] = report["latency"]["stages"]["total"]["count"]
    for path, value in changes.items():
        *folders, name = path.split("__")
        place: Any = report
        for folder in folders:
            place = place[folder]
        place[name] = value
    return report


def _stage(blocks: list[list[int]]) -> dict[str, int]:
    ordered = sorted(ns for block in blocks for ns in block)
    found = {
        f"p{percent}_ns": ordered[-(-percent * len(ordered) // 100) - 1]
        for percent in (50, 90, 95, 99)
    }
    return {"count": len(ordered), **found, "max_ns": ordered[-1]}


def _limit(
    name: str,
    statistic: str | None,
    unit: str,
    limit: float,
    measured: float | None,
    count: int,
) -> dict[str, Any]:
    return {
        "name": name,
        "statistic": statistic,
        "unit": unit,
        "limit": limit,
        "measured": measured,
        "count": count,
        "over": None if measured is None else measured > limit,
    }
