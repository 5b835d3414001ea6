"""HTML and SVG as text, with everything that is not markup escaped."""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from typing import Final

__all__ = ["Markup", "document", "element", "table"]

_UNFIT = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VOID = {"meta"}


class Markup(str):
    """Text that is markup already; any other string is escaped where it is used."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element.

    Args:
        tag: Its name.
        children: Markup, or text to escape.
        attributes: A trailing or inner underscore stands for what Python has no name
            for: ``class_``, ``font_size``. Those that are ``None`` are left out.
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escaped(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{shown}>")
    inside = "".join(map(_child, children))
    return Markup(f"<{tag}{shown}>{inside}</{tag}>")


def table(
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    caption: str,
    kind: str = "",
) -> Markup:
    """Return a table whose first column names the row, in a box that scrolls."""
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell) for cell in row[1:]),
        )
        for row in rows
    ]
    heading = element("tr", *(element("th", each, scope="col") for each in head))
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", heading) if any(head) else "",
            element("tbody", *body),
            class_=kind or None,
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def document(title: str, *body: Markup) -> bytes:
    """Return a whole page that loads nothing and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    page = element("html", head, element("body", element("main", *body)), lang="en")
    return f"<!doctype html>\n{page}\n".encode()


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".removesuffix(".00")


def _child(child: str) -> str:
    return child if isinstance(child, Markup) else _escaped(child)


def _escaped(text: str) -> str:
    return html.escape(_UNFIT.sub("\ufffd", text))


_STYLE: Final = """
:root {
  --ink: #16211f; --soft: #5d6b68; --line: #d3dbd9; --ground: #f4f6f5; --card: #fff;
  --main: #0f766e; --tail: #8fc7c1; --other: #6d4bb8; --bad: #b42318; --wait: #8a5a00;
  font: 15px/1.45 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8eeec; --soft: #9aa9a5; --line: #35423f; --ground: #101715;
    --card: #18211f; --main: #2dd4bf; --tail: #1d6f66; --other: #b79cf5;
    --bad: #ff8a7a; --wait: #f0b64a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); }
main {
  display: grid; gap: 1rem; max-width: 76rem; margin: 0 auto; padding: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  align-items: start;
}
header { grid-column: 1 / -1; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p, li { overflow-wrap: anywhere; }
p { margin: .3rem 0; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1rem; min-width: 0;
}
section.wide { grid-column: 1 / -1; }
.verdict { font-weight: 600; }
.good { color: var(--main); } .bad { color: var(--bad); } .wait { color: var(--wait); }
.note { color: var(--soft); font-size: .87rem; }
svg { display: block; width: 100%; max-width: 31rem; height: auto; margin: 0 auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); }
svg .halo { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
svg .main { fill: var(--main); } svg .tail { fill: var(--tail); }
svg .grid { stroke: var(--line); } svg .mark { stroke: var(--ink); }
svg .limit { stroke: var(--bad); stroke-width: 2; }
svg .line, svg .line2 { fill: none; stroke: var(--main); stroke-width: 1.5; }
svg .line2 { stroke: var(--other); }
svg .dot { fill: var(--main); } svg .dot2 { fill: var(--other); }
svg .whisker { stroke: var(--main); stroke-width: 2; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: .87rem; padding: .5rem 0 .2rem; }
th, td {
  text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line);
  font-weight: normal; white-space: nowrap;
}
thead th { color: var(--soft); font-size: .87rem; }
th:first-child { text-align: left; padding-left: 0; }
.facts td {
  text-align: left; vertical-align: top; white-space: normal; overflow-wrap: anywhere;
  min-width: 9rem;
}
.facts thead th { text-align: left; }
.facts th { vertical-align: top; color: var(--soft); }
@media print {
  :root {
    --ink: #000; --soft: #444; --line: #bbb; --ground: #fff; --card: #fff;
    --main: #0f766e; --tail: #8fc7c1; --other: #6d4bb8; --bad: #b42318;
  }
  main { display: block; padding: 0; }
  section { break-inside: avoid; margin-bottom: .8rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
