"""The browser of the tests sees what it must: a page in order, and each thing that a page can do wrong."""

import http.server
import struct
import threading
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, visit

pytestmark = pytest.mark.browser

GOOD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Good</title>
<meta name="color-scheme" content="light dark"></head>
<body><main><h1>Good</h1><p id="said">as written</p>
<script>document.getElementById("said").textContent = innerWidth + (matchMedia("(prefers-color-scheme: dark)").matches
? " dark" : " light");</script></main></body></html>"""


def page(folder: Path, text: str) -> Path:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_in_order_has_no_error_asks_for_nothing_and_breaks_no_rule(chromium, tmp_path):
    with visit(chromium, page(tmp_path, GOOD)) as seen:
        assert (seen.errors, seen.outside, seen.violations()) == ([], [], [])


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_seen_at_the_width_and_in_the_colours_asked_for(chromium, tmp_path, size, dark):
    with visit(chromium, page(tmp_path, GOOD), size, dark) as seen:
        assert seen.page.inner_text("#said") == f"{size[0]} {'dark' if dark else 'light'}"
        seen.screenshot(tmp_path / "seen.png")
    width, _ = struct.unpack(">II", (tmp_path / "seen.png").read_bytes()[16:24])
    assert width == size[0]


def test_without_scripting_its_scripts_do_not_run(chromium, tmp_path):
    with visit(chromium, page(tmp_path, GOOD), scripting=False) as seen:
        assert seen.page.inner_text("#said") == "as written"
        with pytest.raises(AssertionError, match="wait for ever without scripting"):
            seen.violations()


def test_a_broken_rule_of_accessibility_is_named_with_its_element(chromium, tmp_path):
    with visit(chromium, page(tmp_path, GOOD.replace("<h1>", '<img src="data:,"><h1>'))) as seen:
        assert seen.violations() == ['image-alt: Images must have alternative text: <img src="data:,">']


def test_errors_and_uncaught_exceptions_are_kept(chromium, tmp_path):
    wrong = GOOD.replace("<main>", "<main><script>console.error('wrong'); console.log('right'); missing();</script>")
    with visit(chromium, page(tmp_path, wrong)) as seen:
        assert seen.errors == ["wrong", "missing is not defined"]


def test_what_is_asked_for_outside_is_kept_and_not_had(chromium, tmp_path):
    fetching = GOOD.replace("<main>", "<main><img alt='' src='https://example.org/a.png'>")
    with visit(chromium, page(tmp_path, fetching)) as seen:
        assert seen.outside == ["https://example.org/a.png"]
        assert seen.errors == ["Failed to load resource: net::ERR_NAME_NOT_RESOLVED"]


def test_a_page_from_a_server_may_ask_that_server_and_no_other(chromium, tmp_path):
    page(tmp_path, GOOD.replace("<main>", "<main><img alt='' src='/page.html'><img alt='' src='http://127.0.0.1:9/b'>"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(tmp_path))

        def log_message(self, *said):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with visit(chromium, f"http://127.0.0.1:{server.server_port}/page.html") as seen:
            assert seen.outside == ["http://127.0.0.1:9/b"]
        server.shutdown()
