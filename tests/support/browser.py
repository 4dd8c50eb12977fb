"""Pages in a real headless Chromium, Debian's, driven by Playwright; axe-core judges how accessible they are.

Playwright is imported where it is used: `make test` collects the tests marked `browser` without having it.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Width and height in CSS pixels.
PHONE = (390, 844)
DESKTOP = (1280, 900)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A page that asks for more than this machine has gets nothing, with or without a network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@dataclass(frozen=True)
class Visit:
    """An open page, the errors in its console or uncaught by it, and the addresses it asked for outside its own."""

    page: "Page"
    scripting: bool
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Return what axe-core has against the page: one line for each rule and element, none if all is well."""
        from axe_playwright_python.sync_playwright import Axe

        assert self.scripting, "axe-core runs in the page and would wait for ever without scripting"
        found = Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {rule['help']}: {node['html']}" for rule in found for node in rule["nodes"]]

    def screenshot(self, path: Path) -> None:
        """Write the whole page, top to bottom, as PNG."""
        self.page.screenshot(path=path, full_page=True)


@contextlib.contextmanager
def chromium() -> Iterator["Browser"]:
    """Start Debian's Chromium; close it at the end."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing: it is Debian's package of that name; without: pytest -m 'not browser'")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=FLAGS) as browser:
        yield browser


@contextlib.contextmanager
def visit(
    browser: "Browser",
    target: Path | str,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    scripting: bool = True,
) -> Iterator[Visit]:
    """Open a file, or an address on this machine, in a window of `size`; close it at the end.

    A page from a file may ask for files and for what is inside itself; a page from a server for that server too.
    """
    address = target.resolve().as_uri() if isinstance(target, Path) else target
    origin = urlsplit(address)[:2]
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripting,
    )
    with context, context.new_page() as page:
        visit = Visit(page, scripting)

        def note(asked: str) -> None:
            if urlsplit(asked).scheme not in ("file", "data", "blob") and urlsplit(asked)[:2] != origin:
                visit.outside.append(asked)

        page.on("request", lambda request: note(request.url))
        page.on("websocket", lambda socket: note(socket.url))
        page.on("console", lambda said: visit.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.goto(address, wait_until="load")
        yield visit
