"""sources: what a module's source says is remembered, and parsed again wherever the memory is not sound."""

import ast
import stat
from pathlib import Path

import pytest
from huskies import cache_file, sources

SOURCE = "import numpy\nfrom huskies.images import codec\n\n\ndef f():\n    import cv2\n"
EXPECTED = (frozenset({"images.codec"}), frozenset({"numpy", "cv2"}))


@pytest.fixture(autouse=True)
def parses(monkeypatch) -> list[str]:
    """What is parsed, in a process that has parsed nothing yet."""
    asked, parse = [], ast.parse
    monkeypatch.setattr(sources.ast, "parse", lambda source: asked.append(source) or parse(source))
    another_process()
    return asked


def another_process() -> None:
    sources.parsed.cache_clear()
    sources._origin.cache_clear()


def remembered() -> Path:
    [path] = (cache_file.cache_folder() / "sources").iterdir()
    return path


def test_a_source_is_parsed_once_for_all_processes(parses):
    first = sources.parsed(SOURCE)
    assert first[:2] == EXPECTED
    for _ in range(2):
        another_process()
        assert sources.parsed(SOURCE) == first
    assert parses == [SOURCE]
    assert sources.parsed(f"{SOURCE}# A remark.\n") == first
    assert len(parses) == 2


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\x00", b"flipped"])
def test_a_damaged_memory_is_parsed_again_and_put_right(parses, damage):
    first = sources.parsed(SOURCE)
    content = remembered().read_bytes()
    # One bit, in the digest of the code.
    flipped = content.replace(first.digest.encode(), bytes([first.digest.encode()[0] ^ 1]) + first.digest.encode()[1:])
    remembered().write_bytes(flipped if damage == b"flipped" else damage)
    another_process()
    assert sources.parsed(SOURCE) == first
    assert remembered().read_bytes() == content
    assert len(parses) == 2


def test_where_nothing_can_be_remembered_the_answer_is_the_same(parses):
    folder = cache_file.cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    assert stat.S_ISREG(folder.stat().st_mode)
    assert sources.parsed(SOURCE)[:2] == EXPECTED


def test_another_way_of_parsing_remembers_for_itself(parses, monkeypatch):
    first = sources.parsed(SOURCE)
    monkeypatch.setattr(sources, "_origin", lambda: "another version of this module")
    sources.parsed.cache_clear()
    assert sources.parsed(SOURCE) == first
    assert len(parses) == 2
