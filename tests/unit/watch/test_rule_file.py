"""Rules as TOML: what is written is what is read, and what cannot be is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.errors import InputFileError
from edgeclf.watch import (
    EventRule,
    Measured,
    Smoothing,
    Thresholds,
    parse_rule,
    read_rule,
    rule_toml,
)
from tests.streams import LAW

_LABEL = st.sampled_from(
    [
        "cat",
        "tiger cat",
        'a "quoted" one',
        "back\\slash",
        "Füße",
        "1.5",
        "a.b",
        "#",
        "猫",
    ]
)
_SHARE = st.floats(0.001, 1)
_FIGURE = st.sampled_from([0.0, 1.0, 1 / 3, 1e-7, 12345.678])
_MS = st.integers(0, 10_000)


@st.composite
def thresholds(draw: st.DrawFn) -> Thresholds:
    enter = draw(_SHARE)
    return Thresholds(
        enter=enter,
        exit=enter * draw(_SHARE),
        min_duration_ms=draw(_MS),
        hold_ms=draw(_MS),
    )


_MEASURED = st.builds(
    Measured,
    model_name=_LABEL,
    model_digest=st.just("0" * 64),
    clips_sha256=st.just("1" * 64),
    clips=st.integers(1, 99),
    hours=_FIGURE,
    events=st.integers(1, 99),
    missed=st.integers(0, 9),
    false_alarms=st.integers(0, 9),
    false_alarms_per_hour=_FIGURE,
    false_alarms_per_hour_low=_FIGURE,
    false_alarms_per_hour_high=_FIGURE,
    median_delay_ms=st.none() | _FIGURE,
)
_SMOOTHINGS = st.one_of(
    st.just(Smoothing(kind="none")),
    st.builds(Smoothing, kind=st.just("ewma"), time_constant_ms=_MS),
    st.builds(Smoothing, kind=st.just("majority"), frames=st.integers(1, 99)),
)


@st.composite
def rules(draw: st.DrawFn) -> EventRule:
    own = draw(st.dictionaries(_LABEL, thresholds(), max_size=3))
    others = draw(st.lists(_LABEL, max_size=3))
    watched = tuple(dict.fromkeys([*own, *others]))
    return EventRule(
        smoothing=draw(_SMOOTHINGS),
        thresholds=draw(thresholds()),
        labels=own,
        watched=draw(st.sampled_from([None, watched])) if watched else None,
        max_gap_ms=draw(st.integers(1, 86_400_000)),
        measured=draw(st.none() | _MEASURED),
    )


@LAW
@given(rules())
def test_a_rule_read_from_its_own_toml_is_equal(rule: EventRule) -> None:
    assert parse_rule(rule_toml(rule)) == rule


def test_a_file_may_leave_out_what_has_a_default() -> None:
    text = """
        format = 1
        [thresholds]
        enter = 0.8
        [labels.cat]
        min_duration_ms = 500
    """

    rule = parse_rule(text)

    assert rule.smoothing == EventRule().smoothing
    assert rule.of("dog") == Thresholds(enter=0.8)
    assert rule.of("cat") == Thresholds(enter=0.8, min_duration_ms=500)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("enter = ", "not a TOML document", id="no TOML"),
        pytest.param("", "format must be there", id="no format"),
        pytest.param("format = 2", "format must be there and be 1", id="format"),
        pytest.param("format = 1\nenter = 1", "unknown key 'enter'", id="key"),
        pytest.param(
            "format = 1\n[thresholds]\nentr = 0.5",
            "rule.thresholds: unknown key 'entr'",
            id="key of a table",
        ),
        pytest.param(
            "format = 1\n[labels.cat]\nexit = 0.9",
            r"labels.cat: exit must be above 0 and at most enter \(0.6\)",
            id="exit above enter",
        ),
        pytest.param(
            "format = 1\n[thresholds]\nenter = nan", "finite number", id="nan"
        ),
        pytest.param(
            "format = 1\n[thresholds]\nhold_ms = 1.5", "expected int", id="fraction"
        ),
        pytest.param("format = 1\nlabels = 3", "labels: expected an object", id="type"),
        pytest.param(
            "format = 1\n[labels]\ncat = 3", "expected an object, got 3", id="label"
        ),
        pytest.param("format = 1\nwatched = []", "must name a label", id="nothing"),
        pytest.param(
            'format = 1\nwatched = ["a"]\n[labels.b]', "not among those", id="unwatched"
        ),
        pytest.param('format = 1\nwatched = ["a", "a"]', "a label twice", id="twice"),
        pytest.param('format = 1\nwatched = [""]', "no label can be ''", id="empty"),
        pytest.param("format = 1\nmax_gap_ms = 0", "must be 1 to", id="gap"),
        pytest.param(
            'format = 1\n[smoothing]\nkind = "mean"', "one of none, ewma", id="kind"
        ),
    ],
)
def test_what_no_rule_can_hold_is_refused_with_its_place(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.toml"
    path.write_text(text or " ")

    with pytest.raises(InputFileError, match=message) as caught:
        read_rule(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(InputFileError, match="not UTF-8 at byte 0"):
        read_rule(path)
