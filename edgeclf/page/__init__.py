"""The page that ``edgeclf run --serve`` shows: the live picture, and how the loop is.

``LivePage`` is a sink that keeps the newest of everything; ``serve_page`` shows it to
browsers from a thread of its own. Nothing is encoded and nothing is summed up while
nobody looks.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeclf.errors import MissingDependencyError
from edgeclf.install import install_line
from edgeclf.page.access import LOOPBACK, Access, made_up_token
from edgeclf.page.live import LivePage
from edgeclf.stream import Stop

if TYPE_CHECKING:
    from edgeclf.page.server import PageServer

__all__ = ["LOOPBACK", "Access", "LivePage", "made_up_token", "serve_page"]


@contextlib.contextmanager
def serve_page(
    page: LivePage, *, port: int, access: Access, stop: Stop | None = None
) -> Iterator["PageServer"]:
    """Serve a page until the block ends.

    Args:
        page: What is shown.
        port: 0 takes a free one; ``PageServer.port`` says which.
        access: Where it listens, and who may look.
        stop: Where the end may be asked for: viewers are then sent away sooner.

    Raises:
        SinkError: The port cannot be had.
        MissingDependencyError: tornado is not installed.
    """
    try:
        from edgeclf.page.server import PageServer  # noqa: PLC0415 - loads tornado
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "tornado":
            raise
        raise MissingDependencyError(
            f"--serve needs tornado ({error}): {install_line('page')}"
        ) from error
    server = PageServer(page, port=port, access=access)
    try:
        yield server
    finally:
        server.close((stop or Stop()).patience_s("closing"))
