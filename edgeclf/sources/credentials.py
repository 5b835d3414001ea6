"""Text that may hold an address with a password, made fit to be shown."""

import re

__all__ = ["without_credentials"]

_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<login>.*@)?(?P<rest>\S*)",
    re.DOTALL,
)
_HARMLESS = frozenset(
    {"camera", "channel", "fps", "height", "profile", "stream", "subtype", "width"}
)
"""Parameters whose numbers are shown: they tell one camera of a recorder from another."""


def without_credentials(text: str) -> str:
    """Return a text with nothing secret left in its addresses.

    Cameras take their password before the host, in the query, and some in the path.
    So all between ``://`` and the last ``@`` of the text goes, as a password may hold
    an ``@`` or a ``/`` that should have been written ``%40`` or ``%2F``; and so do
    the values of parameters, unless they are numbers of a harmless one.

    Args:
        text: An address, or another program's message that may hold some.

    >>> without_credentials("rtsp://me:secret@cam:554/live?channel=1&pwd=secret")
    'rtsp://***@cam:554/live?channel=1&pwd=***'
    >>> without_credentials("http://cam/user=me_password=secret.sdp")
    'http://cam/user=***'
    """
    return _ADDRESS.sub(_shown, text)


def _shown(match: "re.Match[str]") -> str:
    login = "***@" if match["login"] else ""
    place, *tail = re.split(r"([?#])", match["rest"], maxsplit=1)
    path = "/".join(_shown_segment(each) for each in place.split("/"))
    query = "".join(tail[1:]).partition("#")[0] if tail[:1] == ["?"] else ""
    shown_query = "&".join(_shown_parameter(each) for each in query.split("&") if each)
    return match["scheme"] + login + path + ("?" + shown_query if shown_query else "")


def _shown_segment(segment: str) -> str:
    name, is_parameter, _ = segment.partition("=")
    return f"{name}=***" if is_parameter else segment


def _shown_parameter(parameter: str) -> str:
    name, has_value, value = parameter.partition("=")
    if not has_value:
        return "***"  # some cameras take a bare token
    is_harmless = name in _HARMLESS and re.fullmatch(r"[0-9]{1,4}", value)
    return parameter if is_harmless else f"{name}=***"
