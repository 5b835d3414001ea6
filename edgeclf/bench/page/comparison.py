"""Runs held against a first one, as one page that needs nothing else."""

from collections.abc import Sequence

from edgeclf.bench.comparison import Difference
from edgeclf.bench.page.axes import WIDTH, Scale, figure, label, line, shown_ms, x_axis
from edgeclf.bench.page.markup import Markup, document, element, table
from edgeclf.bench.stored import IDENTITY, StoredReport

__all__ = ["comparison_page"]

_ROW, _LEFT = 22, 100


def comparison_page(
    first: StoredReport, others: Sequence[tuple[StoredReport, Sequence[Difference]]]
) -> bytes:
    """Return a page: each difference with its interval, and what ran on what.

    Args:
        first: What the others are held against.
        others: Each with its differences.
    """
    return document(
        "edgeclf bench compare",
        element(
            "header",
            element("h1", "How far runs differ"),
            element("p", f"Against {first.name}"),
        ),
        *(
            _section(number, other, differences)
            for number, (other, differences) in enumerate(others)
        ),
        _identities([first, *(other for other, _ in others)]),
    )


def _section(
    number: int, other: StoredReport, differences: Sequence[Difference]
) -> Markup:
    rows = [
        (
            f"{each.stage} {each.statistic}",
            shown_ms(each.first_ms),
            shown_ms(each.other_ms),
            f"{each.difference_ms:+.3f}",
            f"{each.low_ms:+.3f} to {each.high_ms:+.3f}",
            each.finding,
        )
        for each in differences
    ]
    head = ("", "first", "other", "difference", "95 % interval", "")
    note = (
        "A dot is the difference, a line its 95 % interval, drawn from whole seconds of "
        "both runs. Left of 0 the other is faster. It tells how unsteady each run was, "
        "not what another run would give."
    )
    return element(
        "section",
        element("h2", other.name),
        _intervals(f"intervals-{number}", differences) if rows else Markup(""),
        element("p", note, class_="note"),
        table(head, rows, caption="Milliseconds"),
    )


def _intervals(name: str, differences: Sequence[Difference]) -> Markup:
    low = min(0.0, *(each.low_ms for each in differences))
    high = max(0.0, *(each.high_ms for each in differences))
    pad = max((high - low) * 0.05, 1e-3)
    scale = Scale(low=low - pad, high=high + pad, start=_LEFT, end=WIDTH - 10)
    bottom = 6 + _ROW * len(differences)
    parts = x_axis(scale, 4, bottom, "difference, ms")
    parts.append(line(scale(0), 4, scale(0), bottom, "mark"))
    for row, each in enumerate(differences):
        y = 17 + row * _ROW
        parts.append(label(f"{each.stage} {each.statistic}", _LEFT - 6, y + 4, "end"))
        parts.append(line(scale(each.low_ms), y, scale(each.high_ms), y, "whisker"))
        x = scale(each.difference_ms)
        parts.append(element("circle", cx=x, cy=y, r=3.5, class_="dot"))
    described = "; ".join(
        f"{each.stage} {each.statistic} {each.difference_ms:+.3g} ms, from "
        f"{each.low_ms:+.3g} to {each.high_ms:+.3g}"
        for each in differences
    )
    title = "Differences with their intervals"
    return figure(name, title, described, bottom + 32, parts)


def _identities(reports: Sequence[StoredReport]) -> Markup:
    rows = [(name, *(report.identity[name] for report in reports)) for name in IDENTITY]
    head = ("", *(report.name for report in reports))
    shown = table(head, rows, caption="As each report says", kind="facts")
    return element("section", element("h2", "What ran on what"), shown, class_="wide")
