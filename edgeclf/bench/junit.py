"""A measured run as JUnit XML, which a CI server on or beside the board shows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

__all__ = ["junit_xml"]

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for (production 2, Char)."""


def junit_xml(document: Mapping[str, Any]) -> bytes:
    """Return one test suite for the run, one test case for each limit of the budget.

    A limit that is over is a failure. On an invalid run every case is an error: it
    says nothing of the model. A limit that too little was measured for, or that
    another machine's profile sets, is skipped. Each says why.

    Args:
        document: What ``BenchReport.to_dict`` gives.

    Source:
        Elements and attributes of the XML that Ant's JUnit task writes, as Jenkins'
        junit plugin reads it.
    """
    cases = [_case(document, each) for each in document["latency"]["judgements"]]
    if not cases:
        cases = [_case(document, None)]
    counts = {
        "tests": len(cases),
        **{
            f"{kind}s" if kind != "skipped" else kind: sum(
                1 for case in cases if case.find(kind) is not None
            )
            for kind in ("failure", "error", "skipped")
        },
    }
    attributes = {
        "name": f"edgeclf bench {document['model']['name']}",
        **{name: str(count) for name, count in counts.items()},
        "time": f"{document['elapsed_ns'] / 1e9:.3f}",
    }
    root = _element("testsuites", **{**attributes, "name": "edgeclf bench"})
    suite = ET.SubElement(root, "testsuite", _fit(attributes))
    suite.append(_properties(document))
    suite.extend(cases)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(
    document: Mapping[str, Any], judgement: Mapping[str, Any] | None
) -> ET.Element:
    case = _element(
        "testcase",
        name="budget" if judgement is None else _name(judgement),
        classname=f"edgeclf.bench.{document['profile']}",
        time="0",
    )
    found = _outcome(document, judgement)
    if found is not None:
        kind, message = found
        extra = {} if kind == "skipped" else {"type": kind}
        case.append(_element(kind, message=message, **extra))
    return case


def _outcome(
    document: Mapping[str, Any], judgement: Mapping[str, Any] | None
) -> tuple[str, str] | None:
    invalid: Sequence[str] = document["invalid"]
    if invalid:
        return "error", f"the run is invalid: {'; '.join(invalid)}"
    if not document["is_profiles_machine"]:
        return "skipped", document["no_verdict"][0]
    if judgement is None:
        return "skipped", "there was no limit to judge"
    measured, limit, unit = (judgement[k] for k in ("measured", "limit", "unit"))
    if judgement["over"] is None:
        seen = f"{judgement['count']} samples are too few"
        return "skipped", "nothing was measured" if measured is None else seen
    if judgement["over"]:
        return "failure", f"{measured:.3f} {unit} is over {limit:g} {unit}"
    return None


def _name(judgement: Mapping[str, Any]) -> str:
    statistic = f" {judgement['statistic']}" if judgement["statistic"] else ""
    return (
        f"{judgement['name']}{statistic} ≤ {judgement['limit']:g} {judgement['unit']}"
    )


def _properties(document: Mapping[str, Any]) -> ET.Element:
    engine, machine = document["engine"], document["machine"]
    rows = {
        "model": document["model"]["digest"],
        "engine": f"{engine['engine']} {engine['version']}",
        "threads": engine["threads"],
        "source": document["source"],
        "board": document["board"],
        "cpu": machine["cpu"],
        "system": machine["system"],
        "governor": machine["governor"],
        "edgeclf": document["edgeclf_version"],
        "verdict": document["verdict"],
    }
    properties = _element("properties")
    for name, value in rows.items():
        if value is not None:
            properties.append(_element("property", name=name, value=str(value)))
    return properties


def _element(tag: str, /, **attributes: str) -> ET.Element:
    return ET.Element(tag, _fit(attributes))


def _fit(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: _UNFIT.sub("\ufffd", text) for name, text in attributes.items()}
