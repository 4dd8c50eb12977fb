"""What shapes features, descriptors and converted backbones, found by what their code imports: nobody keeps a list.

A root is the module that computes them. All that it imports counts, directly or through others, functions' own imports
included: its code, but for comments, docstrings and layout, and the versions of the libraries.
"""

import ast
import functools
import importlib.metadata
import sys
from pathlib import Path

from huskies import snapshot

PACKAGE = Path(__file__).parent
# What a library is imported as, where that is not its name.
IMPORTED_AS = {"cv2": "opencv-python-headless", "PIL": "pillow", "ruamel": "ruamel.yaml"}


@functools.cache
def imported(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return (modules of the package, other top-level modules) that a module's source imports, anywhere in it."""
    own, foreign = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name.name}" for name in node.names] if node.module == "huskies" else [node.module]
        else:
            continue
        for name in names:
            top, _, inner = name.partition(".")
            if top == "huskies":
                own.add(inner.partition(".")[0])
            else:
                foreign.add(top)
    return frozenset(own - {""}), frozenset(foreign - sys.stdlib_module_names)


def _source(module: str) -> str:
    return (PACKAGE / f"{module}.py").read_text(encoding="utf-8")


def modules(root: str) -> list[str]:
    """Return a module and all that it imports of the package, directly or through others, sorted."""
    reached, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imported(_source(name))[0]
    return sorted(reached)


def code(root: str) -> dict[str, str]:
    """Return a digest of each module that `modules` names."""
    return {module: snapshot.code_digest(_source(module)) for module in modules(root)}


def libraries(root: str) -> dict[str, str | None]:
    """Return the version of each library that these modules import, None for one that is not installed."""
    foreign = set().union(*(imported(_source(module))[1] for module in modules(root)))
    return {name: _version(name) for name in sorted(IMPORTED_AS.get(each, each) for each in foreign)}


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
