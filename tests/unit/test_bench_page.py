"""Pages of reports: whole, harmless, and for whatever was measured."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.bench.comparison import Difference, compare
from edgeclf.bench.page import comparison_page, report_page
from edgeclf.bench.page.axes import Scale, ticks
from edgeclf.bench.stored import IDENTITY, StoredReport
from tests.reports import made_up_report

EVIL = "<script>alert(1)</script>\"'&\x1b[31m\ud800"
SERIES = {
    "at_s": [0.0, 1.0, 2.0, 3.0],
    "temperature_c": [48.0, 49.5, None, 51.0],
}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [str(value) for name, value in attrs if name == "id"]


def drawings(page: bytes) -> list[ET.Element]:
    found = re.findall(r"<svg .*?</svg>", page.decode(), flags=re.DOTALL)
    return [ET.fromstring(each) for each in found]  # noqa: S314 - ours


def stored(name: str, seed: int = 1) -> StoredReport:
    report = made_up_report(seed=seed)
    return StoredReport(
        name=name,
        identity=dict.fromkeys(IDENTITY, name),
        invalid=(),
        blocks=DurationBlocks.from_dict(report["blocks"]),
    )


def differences() -> tuple[Difference, ...]:
    one, two = stored("a").blocks, stored("b", 2).blocks
    assert one is not None
    assert two is not None
    return compare(one, two)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "with temperatures": {"series": SERIES},
    "series without temperatures": {"series": {"at_s": [0.0], "temperature_c": [None]}},
    "no series": {"series": None},
    "no temperature": {
        "conditions__temperature_start_c": None,
        "conditions__temperature_max_c": None,
    },
    "one sample": {"seconds": 1, "median_ms": 1000.0},
    "very fast": {"median_ms": 0.4, "seconds": 3},
    "no blocks": {"blocks": None},
    "empty blocks": {
        "blocks": {"block_s": 1, "stages": {"total": [{"ns": [], "counts": []}]}}
    },
    "no stages": {"latency__stages": {}, "latency__judgements": []},
    "stages that take no time": {
        "latency__stages": {
            "total": dict.fromkeys(
                ("count", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns"), 0
            )
        },
        "blocks": {"block_s": 1, "stages": {"total": [{"ns": [0], "counts": [1]}]}},
    },
    "no board": {"board": None, "machine__board": None, "machine__cpu": None},
    "invalid": {"verdict": None, "invalid": ["hot"], "no_verdict": ["hot"]},
    "over": {"verdict": "over", "over": ["total"]},
    "evil": {"model__name": EVIL, "source": EVIL, "no_verdict": [EVIL], "board": EVIL},
}


@pytest.mark.parametrize("name", CASES)
def test_every_report_has_a_page_that_is_whole_and_harmless(name: str) -> None:
    page = report_page(made_up_report(**CASES[name]))

    outline = Outline(page)
    assert "script" not in outline.tags
    assert not {each for each in outline.attributes if each.startswith("on")}
    assert not {"src", "href", "style"} & outline.attributes
    assert len(outline.ids) == len(set(outline.ids))
    assert "nan" not in page.decode().lower().replace("finance", "")
    for drawing in drawings(page):
        assert [child.tag for child in drawing[:2]] == ["title", "desc"]
        assert drawing.get("role") == "img"
        assert drawing.get("aria-labelledby", "").split() == [
            drawing[0].get("id"),
            drawing[1].get("id"),
        ]


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    page = report_page(made_up_report()).decode()

    [style] = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}" in page


def test_a_page_has_a_figure_for_each_question() -> None:
    page = report_page(made_up_report(series=SERIES))

    titles = [drawing[0].text for drawing in drawings(page)]
    assert titles == [
        "Stages against the budget",
        "Durations from capture to decision",
        "Latency over time",
        "Temperature over time",
    ]


def test_a_gap_in_the_temperature_is_a_gap() -> None:
    drawing = drawings(report_page(made_up_report(series=SERIES)))[-1]

    assert len(drawing.findall("polyline")) == 1
    assert len(drawing.findall("circle")) == 2  # its name's, and the lonely value


def test_a_stage_begins_where_the_one_before_ended() -> None:
    [drawing, *_] = drawings(report_page(made_up_report()))

    bars = [bar for bar in drawing.findall("rect") if bar.get("class") == "main"]
    capture, preprocess, invoke, head, total, _ = (
        (float(bar.get("x", "")), float(bar.get("width", ""))) for bar in bars
    )
    assert preprocess[0] == pytest.approx(sum(capture), abs=0.02)
    assert invoke[0] == pytest.approx(sum(preprocess), abs=0.02)
    assert head[0] == pytest.approx(sum(invoke), abs=0.02)
    assert total[0] == capture[0]


def test_what_is_far_beyond_the_p99_is_counted_in_words() -> None:
    report = made_up_report()
    first = report["blocks"]["stages"]["total"][0]
    first["ns"].append(900_000_000)
    first["counts"].append(3)
    report["latency"]["stages"]["total"]["max_ns"] = 900_000_000

    assert "3 longer, up to 900 ms" in report_page(report).decode()


def test_a_comparison_names_what_is_slower_and_what_is_unclear() -> None:
    found = [
        Difference(
            stage="total",
            statistic="p50",
            first_ms=20,
            other_ms=21,
            low_ms=low,
            high_ms=2,
        )
        for low in (0.5, -0.5)
    ]

    page = comparison_page(stored(EVIL), [(stored("b"), found)]).decode()

    assert "<td>slower</td>" in page
    assert "<td>unclear</td>" in page
    assert "<script>" not in page


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_comparison_has_its_figure(count: int) -> None:
    others = [(stored(f"run {number}"), differences()) for number in range(count)]

    page = comparison_page(stored("first"), others)

    assert len(drawings(page)) == count
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))


def test_two_runs_without_a_common_stage_have_no_figure() -> None:
    assert drawings(comparison_page(stored("a"), [(stored("b"), ())])) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 33, (0, 10, 20, 30)),
        (0, 1, (0, 0.5, 1)),
        (-1.2, 0.3, (-1, -0.5, 0)),
        (1009, 1031, (1010, 1020, 1030)),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_scale_needs_an_extent() -> None:
    with pytest.raises(ValueError, match="extent"):
        Scale(low=1, high=1, start=0, end=10)
