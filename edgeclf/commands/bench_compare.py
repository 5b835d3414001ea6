"""``edgeclf bench compare``: how far runs differ, and how sure that is."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from edgeclf.bench.comparable import ACROSS, refusals
from edgeclf.bench.comparison import Difference, compare
from edgeclf.bench.stored import StoredReport, read_report
from edgeclf.commands.console import (
    FILE,
    json_option,
    one_line,
    print_json,
    say,
    table_console,
)
from edgeclf.errors import NoVerdictError
from edgeclf.files import check_output, write_atomically

__all__ = ["bench_compare"]

_Compared = Sequence[tuple[StoredReport, Sequence[Difference]]]


@click.command("compare")
@click.argument("reports", nargs=-1, required=True, type=FILE, metavar="A.json B.json…")
@click.option(
    "--across",
    multiple=True,
    type=click.Choice(ACROSS),
    help="What the runs are meant to differ in; may be given more than once.",
)
@click.option(
    "--html",
    "html_path",
    type=FILE,
    metavar="FILE",
    help="Write the comparison there as one page.",
)
@json_option
def bench_compare(
    *,
    reports: tuple[Path, ...],
    across: tuple[str, ...],
    html_path: Path | None,
    as_json: bool,
) -> None:
    """Show how far the runs of reports differ from the first, with 95 % intervals.

    Reports come from 'edgeclf bench MODEL --report FILE'. Exits with 4, and says why,
    where they cannot be compared: a run was invalid or shorter than 20 seconds, or
    they differ in what --across does not name.

    \b
    Examples:
      edgeclf bench compare monday.json friday.json
      edgeclf bench compare one.json four.json --across threads
      edgeclf bench compare float.json int8.json --across model --html change.html
    """  # noqa: D301 - click wants the control character
    if len(reports) < 2:
        raise click.UsageError("a comparison needs two reports or more")
    if html_path is not None:
        check_output(html_path, inputs=reports)
    first, *others = [read_report(path) for path in reports]
    reasons = refusals([first, *others], across)
    if reasons:
        _refuse(reasons, as_json=as_json)
    compared = [
        (other, compare(first.blocks, other.blocks))
        for other in others
        if first.blocks is not None and other.blocks is not None  # refused before
    ]
    if as_json:
        print_json("bench-compare", _payload(first, compared, across))
    else:
        _print_tables(first, compared)
    if html_path is not None:
        from edgeclf.bench.page import comparison_page  # noqa: PLC0415 - on request

        write_atomically(html_path, comparison_page(first, compared))
        say(f"written: {html_path}")


def _refuse(reasons: Sequence[str], *, as_json: bool) -> NoReturn:
    """Say every reason on a line of its own, and end."""
    if as_json:
        print_json("bench-compare", {"refused": list(reasons), "compared": []})
    for reason in reasons:
        say(f"not comparable: {one_line(reason)}")
    sys.exit(NoVerdictError.exit_code)


def _payload(
    first: StoredReport, compared: _Compared, across: Sequence[str]
) -> dict[str, Any]:
    return {
        "refused": [],
        "first": first.name,
        "across": list(across),
        "compared": [
            {
                "other": other.name,
                "differs_in": [
                    name
                    for name, value in other.identity.items()
                    if value != first.identity[name]
                ],
                "differences": [each.to_dict() for each in differences],
            }
            for other, differences in compared
        ],
    }


def _print_tables(first: StoredReport, compared: _Compared) -> None:
    from rich.table import Table  # noqa: PLC0415 - 40 ms, only for tables

    with table_console() as console:
        for other, differences in compared:
            title = f"{one_line(other.name)} against {one_line(first.name)}"
            console.print(title, markup=False, soft_wrap=True)
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
            table.add_column("stage, ms")
            for heading in ("", "first", "other", "difference", "95 % interval", ""):
                table.add_column(heading, justify="right")
            for each in differences:
                table.add_row(
                    each.stage,
                    each.statistic,
                    f"{each.first_ms:.2f}",
                    f"{each.other_ms:.2f}",
                    f"{each.difference_ms:+.3f}",
                    f"{each.low_ms:+.3f} … {each.high_ms:+.3f}",
                    each.finding,
                )
            console.print(table)
