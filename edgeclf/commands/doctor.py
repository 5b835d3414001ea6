"""``edgeclf doctor``: what is wrong with this machine, and what mends it."""

import sys
from collections.abc import Iterator

import click

from edgeclf.commands.console import json_option, print_json
from edgeclf.doctor import DoctorReport, Finding, examine, look_around
from edgeclf.machine import board_description

__all__ = ["doctor"]

_COLOURS = {"problem": "red", "warning": "yellow", "note": "blue"}
_CLOSURE_ROWS = 6


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Say what is wrong with this machine, and what mends it.

    docs/doctor.md lists every fault that it knows. Exits with 0 when a model can run
    here, warnings or not, and with 1 when it cannot.

    \b
    Examples:
      edgeclf doctor
      edgeclf doctor --json
    """  # noqa: D301 - click wants the control character
    report = examine(look_around())
    if as_json:
        print_json("doctor", report.to_dict())
    else:
        for line in _lines(report):
            click.echo(line)
    sys.exit(0 if report.can_run else 1)


def _lines(report: DoctorReport) -> Iterator[str]:
    here = report.surroundings
    machine = here.machine
    yield (
        f"{board_description(machine)}, {machine.cores} cores, "
        f"{machine.system or machine.kernel}, Python {machine.python}"
    )
    for name, found in here.probes.items():
        if found.installed:
            state = "works" if found.usable else "does not work"
            working = [part for part, fault in found.parts.items() if fault is None]
            parts = f" with {', '.join(working)}" if working else ""
            yield f"  {name:<21} {found.version or '':<10} {state}{parts}"
    yield from _closure_lines(report)
    yield ""
    for finding in report.findings:
        yield from _finding_lines(finding)
    yield ""
    yield "a model can run here" if report.can_run else "no model can run here yet"


def _closure_lines(report: DoctorReport) -> Iterator[str]:
    """Say what the runtime takes on the disk, the largest parts by name."""
    closure = report.surroundings.closure
    shown = closure[:_CLOSURE_ROWS]
    names = ", ".join(
        f"{each.name} {each.version} ({each.size_mib:.0f} MiB)" for each in shown
    )
    others = len(closure) - len(shown)
    more = f" and {others} more" if others else ""
    yield f"  runtime: {report.closure_mib:.0f} MiB in all: {names}{more}"


def _finding_lines(finding: Finding) -> Iterator[str]:
    mark = click.style(finding.severity, fg=_COLOURS[finding.severity])
    yield f"{mark}: {finding.text}"
    if finding.fix is not None:
        yield f"    why:  {finding.why}"
        yield f"    mend: {finding.fix}"
