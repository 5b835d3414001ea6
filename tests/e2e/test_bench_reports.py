"""The files of ``edgeclf bench``, and ``edgeclf bench compare``, as a user has them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from edgeclf import cli
from edgeclf.bench.page import report_page
from edgeclf.bench.stored import read_report
from tests.browser import Browser, browser
from tests.bundles import tiny_bundle_bytes
from tests.reports import made_up_report

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            cli.main(["bench", *map(str, arguments)])
        assert isinstance(stop.value.code, int)
        return (stop.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, **changes: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(made_up_report(**changes)))
        return path

    return write


def test_a_run_writes_all_its_files(bench: Run, bundle: Path, tmp_path: Path) -> None:
    report, page, junit = (tmp_path / name for name in ("r.json", "r.html", "r.xml"))

    code, out, err = bench(
        *(bundle, "--frames", 30, "--report", report, "--html", page, "--junit", junit)
    )

    assert code == 4
    assert out.startswith("stage, ms")
    assert err.count("written: ") == 3
    document = json.loads(report.read_text())
    schema = json.loads((SCHEMAS / "bench-1.json").read_text())
    jsonschema.validate(document, schema)
    assert page.read_bytes() == report_page(document)
    [suite] = ET.parse(junit).getroot()  # noqa: S314 - ours
    assert int(suite.get("tests", "0")) >= 1
    blocks = read_report(report).blocks
    assert blocks is not None
    assert sum(blocks.pooled("total").values()) == 30
    assert set(blocks.stages) == set(document["latency"]["stages"])


def test_a_made_up_report_obeys_the_schema_too() -> None:
    schema = json.loads((SCHEMAS / "bench-1.json").read_text())

    jsonschema.validate(made_up_report(), schema)


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_a_file_never_replaces_the_model(bench: Run, bundle: Path, option: str) -> None:
    before = bundle.read_bytes()

    code, out, err = bench(bundle, "--frames", 30, option, bundle)

    assert (code, out) == (1, "")
    assert "it is what the result is made from" in err
    assert bundle.read_bytes() == before


def test_two_outputs_are_two_files(bench: Run, bundle: Path, tmp_path: Path) -> None:
    code, _, err = bench(bundle, "--html", tmp_path / "x", "--junit", tmp_path / "x")

    assert code == 2
    assert "two name the same" in err


def test_two_runs_are_compared(bench: Run, write: Callable[..., Path]) -> None:
    one, two = write("a.json"), write("b.json", seed=2, median_ms=22.0)

    code, out, err = bench("compare", one, two)

    assert (code, err) == (0, "")
    assert f"{two} against {one}" in out
    assert "total" in out


def test_a_comparison_obeys_its_schema(
    bench: Run, write: Callable[..., Path], tmp_path: Path
) -> None:
    schema = json.loads((SCHEMAS / "bench-compare-1.json").read_text())
    reports = [write("a.json"), write("b.json", seed=2, engine__threads=1)]
    page = tmp_path / "page.html"

    code, out, _ = bench(
        *("compare", *reports, "--across", "threads", "--json", "--html", page)
    )
    refused_code, refused, err = bench("compare", *reports, "--json")

    for text in (out, refused):
        jsonschema.validate(json.loads(text), schema)
    assert code == 0
    assert json.loads(out)["compared"][0]["differs_in"] == ["threads"]
    assert page.read_text().startswith("<!doctype html>")
    assert refused_code == 4
    assert json.loads(refused)["compared"] == []
    assert err.startswith("not comparable: ")


def test_what_is_not_comparable_is_refused_with_every_reason(
    bench: Run, write: Callable[..., Path], tmp_path: Path
) -> None:
    one = write("a.json")
    two = write("b.json", engine__threads=1, invalid=["the board throttled: now"])

    code, out, err = bench("compare", one, two, "--html", tmp_path / "page.html")

    assert (code, out) == (4, "")
    assert len(err.splitlines()) == 2
    assert "the board throttled" in err
    assert "--across threads" in err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("compare",), 2, "Missing argument"),
        (("compare", "one.json"), 2, "two reports or more"),
        (("compare", "a", "b", "--across", "moon"), 2, "'moon' is not one of"),
        (("compare", "no-1.json", "no-2.json"), 1, "no such file"),
    ],
)
def test_a_wrong_command_line_is_said_so(
    bench: Run, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    found, out, err = bench(*arguments)

    assert (found, out) == (code, "")
    assert reason in err


def test_a_model_may_be_called_compare(
    bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compare").write_bytes(tiny_bundle_bytes())
    monkeypatch.chdir(tmp_path)

    code, out, _ = bench("./compare", "--frames", 20)

    assert code == 4
    assert out.startswith("stage, ms")


def test_the_help_of_each_is_its_own(bench: Run) -> None:
    _, measuring, _ = bench("--help")
    _, comparing, _ = bench("compare", "--help")

    assert "bench compare" in measuring
    assert "--warmup" in measuring
    assert comparing.startswith("Usage: edgeclf bench compare ")
    assert "--across" in comparing


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_page_without_a_complaint(
    tab: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    evil = f"<script>window.hacked=1</script>{'long' * 40}"
    page = tmp_path / "page.html"
    page.write_bytes(report_page(made_up_report(model__name=evil, source=evil)))
    tab.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    tab.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )

    tab.get(page.as_uri())

    look = "return getComputedStyle(document.body)"
    is_dark = tab.execute_script(f"{look}.backgroundColor;") == "rgb(16, 23, 21)"
    root = "document.documentElement"
    fits = f"return {root}.scrollWidth <= {root}.clientWidth;"
    assert is_dark is (scheme == "dark")
    assert tab.execute_script(fits)
    assert tab.execute_script("return window.hacked;") is None
    assert tab.find_element("tag name", "h1").text.startswith("<script>")
    assert tab.get_log("browser") == []  # type: ignore[no-untyped-call] # selenium's
