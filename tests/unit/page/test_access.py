"""Who may look at the page, and by which name it may be called."""

import pytest

from edgeclf.page import Access, made_up_token
from edgeclf.page.access import MIN_TOKEN

TOKEN = "k" * MIN_TOKEN
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nobody listens here


def test_on_this_machine_nobody_needs_a_token() -> None:
    assert Access().admits(None)


def test_everywhere_else_there_must_be_one() -> None:
    with pytest.raises(ValueError, match=r"'0\.0\.0\.0' needs a token"):
        Access(host=EVERYWHERE)


@pytest.mark.parametrize(
    "token", ["", "short", "k" * (MIN_TOKEN - 1), "ключ" * 8, "a b" * 8, 'q"' * 12]
)
def test_a_token_that_is_short_or_does_not_fit_a_cookie_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Access(host=EVERYWHERE, token=token)


@pytest.mark.parametrize("shown", [None, "", TOKEN[:-1], TOKEN + "k", "ü" * MIN_TOKEN])
def test_only_the_whole_token_lets_in(shown: str | None) -> None:
    access = Access(host=EVERYWHERE, token=TOKEN)

    assert access.admits(TOKEN)
    assert not access.admits(shown)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_without_a_token_the_page_has_this_machines_own_names(name: str) -> None:
    assert Access().knows(name)


@pytest.mark.parametrize("name", ["", "camera.example", "127.0.0.1.example"])
def test_and_no_others_that_a_stranger_could_point_here(name: str) -> None:
    assert not Access().knows(name)
    assert Access(host=EVERYWHERE, token=TOKEN).knows(name)


def test_a_token_that_is_made_up_is_good_and_another_each_time() -> None:
    tokens = {made_up_token() for _ in range(20)}

    assert len(tokens) == 20
    assert all(Access(host="::", token=each).admits(each) for each in tokens)
