"""What the source of a module says: what it imports, and a digest of its code, remembered in the user's cache.

To parse the whole package takes longer than most stages. Comments, docstrings and layout are no code.
"""

import ast
import contextlib
import functools
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from huskies import cache_file

# Modules that are no library's start with it.
_NAME = Path(__file__).parent.name
_FOLDER = "sources"


class Source(NamedTuple):
    """What a module's source says: the package's modules and the libraries that it imports, and a digest of its code.

    own: dotted names below the package, of modules or of what is in them. libraries: as they are imported.
    """

    own: frozenset[str]
    libraries: frozenset[str]
    digest: str


@functools.cache
def parsed(source: str) -> Source:
    """Return what a module's source imports, anywhere in it, and the digest of its code."""
    name = hashlib.sha256(f"{_origin()}\n{source}".encode(errors="surrogatepass")).hexdigest()
    path = cache_file.cache_folder() / _FOLDER / name
    if not (found := _recalled(path)):
        found = _parse(source)
        _remember(path, found)
    return found


@functools.cache
def _origin() -> str:
    """Return what the answer depends on beside the source: this very module, and the standard library."""
    return f"{sys.version_info[:2]} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"


def _recalled(path: Path) -> Source | None:
    """Return what is remembered, None where nothing sound is."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        checksum, _, content = path.read_text(encoding="ascii").partition("\n")
        if hashlib.sha256(content.encode()).hexdigest() == checksum:
            found = json.loads(content)
            return Source(frozenset(found["own"]), frozenset(found["libraries"]), found["digest"])
    return None


def _remember(path: Path, found: Source) -> None:
    """Write what a source says."""
    described = {"own": sorted(found.own), "libraries": sorted(found.libraries), "digest": found.digest}
    content = json.dumps(described)
    # What cannot be kept (a full disk, a read-only one) is parsed again next time.
    with contextlib.suppress(OSError), cache_file.unfinished(path) as written:
        written.write_text(f"{hashlib.sha256(content.encode()).hexdigest()}\n{content}", encoding="ascii")


def _parse(source: str) -> Source:
    tree = ast.parse(source)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{each.name}" for each in node.names)
    own = {name.partition(".")[2] for name in names if name.startswith(f"{_NAME}.")}
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {_NAME}
    return Source(frozenset(own), frozenset(foreign), _digest(tree))


def code_digest(source: str) -> str:
    """Return a digest of Python source that comments, docstrings, layout and the version of Python do not change."""
    return parsed(source).digest


def _digest(tree: ast.Module) -> str:
    """Return the digest of a syntax tree, which loses its docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(_structure(tree).encode()).hexdigest()


def _structure(node: Any) -> str:
    # ast.dump and ast.unparse write the same code differently in different versions of Python, and then a
    # teammate with another version would build everything anew. Empty fields are what newer versions add.
    if isinstance(node, ast.AST):
        fields = [f"{name}={_structure(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_structure, node))}]"
    return ascii(node)
