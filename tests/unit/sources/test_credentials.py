from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeclf.sources.credentials import without_credentials

SCHEMES = st.sampled_from(["rtsp", "rtsps", "http", "https", "RTSP", "rtmp"])
SECRETS = st.text(min_size=1, max_size=12).map("Zq7{}".format)
"""Whatever people take for passwords, with a beginning that nothing else has."""

WORDS = st.sampled_from(["", "cannot open ", "error: 'tcp://10.0.0.1:1' then "])


def written(secret: str, way: str) -> str:
    return quote(secret, safe="") if way == "encoded" else secret


WAYS = st.sampled_from(["encoded", "raw"])


@settings(deadline=None)
@given(
    scheme=SCHEMES, user=SECRETS, password=SECRETS, way=WAYS, before=WORDS, after=WORDS
)
def test_a_login_never_shows_however_it_is_written(
    scheme: str, user: str, password: str, way: str, before: str, after: str
) -> None:
    login = f"{written(user, way)}:{written(password, way)}"
    text = f"{before}{scheme}://{login}@10.1.2.3:554/live {after}"

    shown = without_credentials(text)

    assert "Zq7" not in shown
    assert "10.1.2.3:554/live" in shown


@settings(deadline=None)
@given(scheme=SCHEMES, password=SECRETS, name=st.sampled_from(["pwd", "token", "p"]))
def test_no_value_of_a_query_shows(scheme: str, password: str, name: str) -> None:
    value = quote(password, safe="")

    shown = without_credentials(f"{scheme}://cam/live?channel=2&{name}={value}#{value}")

    assert shown == f"{scheme}://cam/live?channel=2&{name}=***"


@settings(deadline=None)
@given(password=SECRETS)
def test_no_value_in_a_path_shows(password: str) -> None:
    value = quote(password, safe="")

    shown = without_credentials(f"rtsp://cam/user=me&password={value}&channel=1.sdp")

    assert shown == "rtsp://cam/user=***"


@settings(deadline=None)
@given(text=st.text())
def test_what_was_shown_once_can_be_shown_again(text: str) -> None:
    shown = without_credentials(text)

    assert without_credentials(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://192.168.1.20:554/Streaming/Channels/101",
        "http://cam.local:8080/video",
        "http://cam/videostream?channel=1&subtype=0",
        "no address at all",
        "mail me@home",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert without_credentials(text) == text


def test_a_bare_token_is_hidden() -> None:
    assert without_credentials("http://cam/live?0123abc") == "http://cam/live?***"


def test_a_number_that_is_too_long_for_a_channel_is_hidden() -> None:
    shown = without_credentials("http://cam/live?channel=12345678")

    assert shown == "http://cam/live?channel=***"
