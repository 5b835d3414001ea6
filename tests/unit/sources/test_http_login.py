"""Logging in over HTTP: as the standards' own examples say, and at a real server."""

import logging
import time
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.errors import SourceError
from edgeclf.sources import open_source
from edgeclf.sources.http_login import Login, answer, challenges_of
from tests.digest_guard import DigestGuard
from tests.mjpeg_server import Serving, mjpeg_server

ME = Login(user=b"Mufasa", password=b"Circle of Life")
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def offer(algorithm: str) -> str:
    return (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="{NONCE}", opaque="FQhe"'
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_example_of_rfc_7616_is_answered(algorithm: str, response: str) -> None:
    challenges = challenges_of([offer(algorithm)])

    said = answer(challenges, ME, target="/dir/index.html", cnonce=CNONCE)

    assert said is not None
    assert f'response="{response}"' in said
    assert f"algorithm={algorithm}" in said
    assert "qop=auth, nc=00000001" in said
    assert "Circle" not in said


def test_the_example_of_rfc_2069_is_answered_without_a_qop() -> None:
    challenges = challenges_of(
        [
            'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
        ]
    )
    login = Login(user=b"Mufasa", password=b"CircleOfLife")

    said = answer(challenges, login, target="/dir/index.html")

    # Of RFC 2069's formula; the response that it prints is wrong (erratum 749).
    assert said is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said
    assert "qop" not in said


def test_the_better_of_two_algorithms_is_taken_whatever_their_order() -> None:
    for headers in (
        [offer("MD5"), offer("SHA-256")],
        [f"{offer('SHA-256')}, {offer('MD5')}"],
    ):
        said = answer(challenges_of(headers), ME, target="/", cnonce="x")
        assert said is not None
        assert "algorithm=SHA-256" in said


def test_a_password_is_never_said_to_who_offers_digest_as_well() -> None:
    for unknown in ("SHA-512-256", "MD5-sess"):
        challenges = challenges_of(['Basic realm="x"', offer(unknown)])
        assert answer(challenges, ME, target="/") is None

    said = answer(challenges_of([f'Basic realm="x", {offer("MD5")}']), ME, target="/")

    assert said is not None
    assert said.startswith("Digest ")


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_no_challenge_is_too_broken_to_be_looked_at(text: str) -> None:
    answer(challenges_of([text]), ME, target="/")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_a_realm_comes_back_as_it_was_said(realm: str) -> None:
    escaped = realm.replace("\\", "\\\\").replace('"', '\\"')

    (challenge,) = challenges_of([f'Digest realm="{escaped}", nonce="n"'])

    assert challenge.values["realm"] == realm
    assert f'realm="{escaped}"' in str(answer([challenge], ME, target="/"))


def with_login(server: Serving, user: str, password: str) -> str:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    return server.url.replace("//", f"//{login}")


@pytest.mark.parametrize("user", ["me", 'käthe "k"', 'a\\"b'])
@pytest.mark.parametrize(
    ("algorithms", "qop", "used"),
    [
        (("MD5",), "auth", "MD5"),
        (("MD5",), "auth-int,auth", "MD5"),
        (("MD5", "SHA-256"), "auth", "SHA-256"),
        (("MD5",), None, "MD5"),
        (("",), "auth", "MD5"),
        (("SHA-512-256", "MD5"), "auth", "MD5"),
    ],
)
def test_a_server_that_asks_for_digest_gets_it_and_no_password(
    user: str,
    algorithms: tuple[str, ...],
    qop: str | None,
    used: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = DigestGuard(
        user, "Zq7 x:y", algorithms=algorithms, qop=qop, beside=['Basic realm="x"']
    )
    with (
        caplog.at_level(logging.DEBUG),
        mjpeg_server(guard=guard) as server,
        open_source(with_login(server, user, "Zq7 x:y")) as source,
    ):
        next(iter(source))

    assert guard.came_in == [used]
    first, second = server.requests
    assert "Authorization" not in first
    assert second["Authorization"].startswith("Digest ")
    assert "Zq7" not in str(server.requests) + source.uri + caplog.text


def test_a_number_that_was_too_old_is_made_anew_once() -> None:
    guard = DigestGuard("me", "Zq7", forgets=1)
    with mjpeg_server(guard=guard) as server:
        with open_source(with_login(server, "me", "Zq7")) as source:
            next(iter(source))
        assert len(server.requests) == 3

    guard = DigestGuard("me", "Zq7", forgets=100)
    with (
        mjpeg_server(guard=guard) as server,
        pytest.raises(SourceError, match="refuses this user and password"),
    ):
        open_source(with_login(server, "me", "Zq7"))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ('Digest realm="x", nonce="n"', 'Basic realm="x", stale=true'),
        ('Digest realm="x", nonce="n"', 'Basic realm="x"'),
        (
            'Basic realm="x"',
            'Digest realm="x", nonce="n", algorithm="Zq7", stale=true',
        ),
    ],
)
def test_a_server_that_changes_its_mind_learns_no_more(first: str, then: str) -> None:
    with mjpeg_server(
        guard=lambda _, shown: [first if shown is None else then]
    ) as server:
        url = with_login(server, "me", "Zq7")
        with pytest.raises(SourceError, match="refuses this user and pass") as caught:
            open_source(url)

    assert "zq7" not in str(caught.value).lower()
    said = [each.get("Authorization", "") for each in server.requests]
    assert len(said) == 2
    assert said[1].split()[0] == first.split(maxsplit=1)[0]


def test_a_folded_challenge_is_read_as_one_line() -> None:
    (challenge,) = challenges_of(['Digest realm="x",\r\n\tnonce="n",\n qop="a\r\n b"'])

    assert challenge.values == {"realm": "x", "nonce": "n", "qop": "a b"}


def test_a_lost_camera_is_logged_in_at_again() -> None:
    guard = DigestGuard("me", "Zq7")
    with mjpeg_server(guard=guard) as server:
        for _ in range(2):
            with open_source(with_login(server, "me", "Zq7")) as source:
                next(iter(source))

    assert guard.came_in == ["MD5", "MD5"]


def test_a_wrong_password_is_one_line_that_repeats_nothing() -> None:
    guard = DigestGuard("me", "right")
    with mjpeg_server(guard=guard) as server:
        url = with_login(server, "me", "Zq7")
        with pytest.raises(SourceError, match="refuses this user and pass") as caught:
            open_source(url)

    said = "".join(traceback.format_exception(caught.value))
    assert "Zq7" not in said
    assert "response" not in str(caught.value)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("challenge", "asked"),
    [
        ('Digest realm="x", nonce="n", qop="auth-int"', r"Digest \(MD5, auth-int\)"),
        (
            'Digest realm="x", nonce="n", algorithm=MD5-sess',
            r"Digest \(MD5-SESS, auth\)",
        ),
        ("Negotiate", "Negotiate"),
        ("Negotiate WXpxNw", "Negotiate"),
        ('"Digest" realm="x"', "an unreadable"),
        (
            'Digest realm="x", nonce="n", algorithm="A\x1b[31mB"',
            r"Digest \(\?, auth\)",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(challenge: str, asked: str) -> None:
    headers = {"WWW-Authenticate": challenge}
    with (
        mjpeg_server(status=401, headers=headers) as server,
        pytest.raises(
            SourceError, match=f"asks for {asked} login; known here are Basic and"
        ),
    ):
        open_source(with_login(server, "me", "Zq7"))

    assert "Authorization" not in str(server.requests)


def test_who_asks_for_nothing_is_told_nothing() -> None:
    with (
        mjpeg_server() as server,
        open_source(with_login(server, "me", "Zq7")) as source,
    ):
        next(iter(source))

    assert "Authorization" not in str(server.requests)


def test_a_place_that_one_is_sent_to_learns_no_login() -> None:
    with mjpeg_server() as other:
        with (
            mjpeg_server(status=302, headers={"Location": other.url}) as server,
            pytest.raises(SourceError, match="sends you elsewhere"),
        ):
            open_source(with_login(server, "me", "Zq7"))
        assert other.requests == []


def test_a_server_that_says_no_more_after_its_challenge_is_noticed() -> None:
    started = time.monotonic()

    def stuck(_: str, shown: str | None) -> list[str]:
        if shown is None:
            return ['Digest realm="x", nonce="n"']
        while time.monotonic() - started < 60 and not done:
            time.sleep(0.02)
        return ["Basic"]

    done: list[bool] = []
    with mjpeg_server(guard=stuck) as server:
        with pytest.raises(SourceError, match="nothing for 2 s"):
            open_source(with_login(server, "me", "Zq7"))
        done.append(True)

    assert len(server.requests) == 2
