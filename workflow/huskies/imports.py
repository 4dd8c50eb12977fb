"""What a module's code is: all that it imports of this package, directly or through others. Nobody keeps a list.

Functions' own imports count, too. The code of a stage is that of its module, and so is the identity of features,
descriptors and converted backbones; libraries are known in the same way.
"""

import importlib.metadata
from pathlib import Path

from huskies import sources
from huskies.errors import HuskyError
from huskies.sources import Source

PACKAGE = Path(__file__).parent
# What a library is imported as, where that is not its name.
IMPORTED_AS = {
    "ai_edge_litert": "ai-edge-litert",
    "cv2": "opencv-python-headless",
    "keras_hub": "keras-hub",
    "PIL": "pillow",
    "pi_heif": "pi-heif",
    "ruamel": "ruamel.yaml",
}


def path_of(module: str) -> str:
    """Return where a module lies below the package; its name is dotted, as steps.convert."""
    return f"{module.replace('.', '/')}.py"


class Package:
    """The modules of this package, or of a copy of it. Each is read once, when it is first asked for."""

    def __init__(self, folder: Path | None = None):
        """Take the package in a folder; this one, if none is given."""
        self._folder = folder or PACKAGE
        self._read: dict[str, Source] = {}
        self._imported: dict[str, set[str]] = {}

    def has(self, module: str) -> bool:
        """Tell whether there is a module of this name."""
        return (self._folder / path_of(module)).is_file()

    def source(self, module: str) -> Source:
        """Return what a module's source says."""
        if module not in self._read:
            self._read[module] = sources.parsed((self._folder / path_of(module)).read_text(encoding="utf-8"))
        return self._read[module]

    def imported(self, module: str) -> set[str]:
        """Return the modules that one imports by itself. What else is in a module counts as that module."""
        if module not in self._imported:
            self._imported[module] = {self._resolved(name) for name in self.source(module).own} - {""}
        return self._imported[module]

    def _resolved(self, name: str) -> str:
        while name and not self.has(name):
            name = name.rpartition(".")[0]
        return name

    def modules(self, root: str) -> list[str]:
        """Return a module and all that it imports of the package, directly or through others, sorted."""
        reached, waiting = set(), [root]
        while waiting:
            module = waiting.pop()
            if module not in reached:
                reached.add(module)
                waiting += self.imported(module)
        return sorted(reached)

    def code(self, root: str) -> dict[str, str]:
        """Return a digest of the code of each module that `modules` names."""
        return {module: self.source(module).digest for module in self.modules(root)}

    def libraries(self, root: str) -> list[str]:
        """Return the names of the libraries that these modules import, sorted."""
        found = set().union(*(self.source(module).libraries for module in self.modules(root)))
        return sorted(IMPORTED_AS.get(each, each) for each in found)


def versions(libraries: list[str]) -> dict[str, str | None]:
    """Return the version of each library, None for one that is not installed."""
    return {name: _version(name) for name in libraries}


def check_extra(what: str, library: str, version: str, extra: str, instead: str = "") -> None:
    """Raise HuskyError unless a library of an extra is there in this version, since another makes other bytes.

    what: needs it, and is what the error begins with. extra: its file in requirements/. instead: what would do as well.
    """
    installed = _version(library)
    if installed != version:
        found = f"and {installed} is installed" if installed else "which is not installed"
        raise HuskyError(
            f"{what} needs {library} {version}, {found}. Install it: pip install -r requirements/{extra}.txt{instead}"
        )


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
