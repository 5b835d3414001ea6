"""JUnit XML: one case a limit, and only what CI servers know."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edgeclf.bench.junit import junit_xml
from tests.reports import made_up_report

ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}

OVER = {"name": "total", "statistic": "p50", "unit": "ms", "limit": 5.0}
OVER = {**OVER, "measured": 20.0, "count": 1024, "over": True}
FEW = {**OVER, "statistic": "p99", "count": 40, "over": None}
NONE = {**FEW, "name": "cold_start", "statistic": None, "measured": None, "count": 0}


def suite_of(**changes: Any) -> ET.Element:
    root = ET.fromstring(junit_xml(made_up_report(**changes)))  # noqa: S314 - ours
    for each in root.iter():
        assert set(each.attrib) <= ATTRIBUTES[each.tag], each.tag
        assert {child.tag for child in each} <= CHILDREN.get(each.tag, set())
    [suite] = root
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    for kind, attribute in (("failure", "failures"), ("error", "errors")):
        assert suite.get(attribute) == str(len(suite.findall(f"testcase/{kind}")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    return suite


def test_each_limit_is_a_case_and_those_that_hold_pass() -> None:
    suite = suite_of()

    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == ["total p50 ≤ 33.3 ms", "total p99 ≤ 50 ms", "rss ≤ 256 MiB"]
    assert all(len(case) == 0 for case in suite.findall("testcase"))
    assert suite.get("time") == "60.000"


def test_a_limit_that_is_over_is_a_failure() -> None:
    [failure] = suite_of(latency__judgements=[OVER]).findall("testcase/failure")

    assert failure.get("message") == "20.000 ms is over 5 ms"


def test_what_could_not_be_judged_is_skipped_with_the_reason() -> None:
    skipped = suite_of(latency__judgements=[FEW, NONE]).findall("testcase/skipped")

    assert [each.get("message") for each in skipped] == [
        "40 samples are too few",
        "nothing was measured",
    ]


def test_an_invalid_run_is_an_error_whatever_its_limits_say() -> None:
    suite = suite_of(latency__judgements=[OVER, FEW], invalid=["it throttled", "swap"])

    messages = {each.get("message") for each in suite.findall("testcase/error")}
    assert messages == {"the run is invalid: it throttled; swap"}
    assert suite.get("errors") == "2"


def test_another_machines_limits_are_skipped() -> None:
    suite = suite_of(is_profiles_machine=False, no_verdict=["not a verdict on it"])

    [message] = {each.get("message") for each in suite.findall("testcase/skipped")}
    assert message == "not a verdict on it"


@pytest.mark.parametrize(
    ("invalid", "kind"), [([], "skipped"), (["it throttled"], "error")]
)
def test_a_run_without_limits_is_one_case(invalid: list[str], kind: str) -> None:
    [case] = suite_of(latency__judgements=[], invalid=invalid).findall("testcase")

    assert [child.tag for child in case] == [kind]


def test_any_text_makes_xml_that_can_be_read() -> None:
    name = "a\0b\x1b[31m<&\"'\ud800\uffff]]> é \U0001f600"

    suite = suite_of(model__name=name, invalid=[name], source=name)

    assert "<&\"'" in str(suite.get("name"))
    assert "é \U0001f600" in str(suite.get("name"))
