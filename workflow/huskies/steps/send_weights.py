"""send_weights: an archive of weights, for jobs without the project's folder, where the code does not bring them."""

from collections.abc import Sequence
from pathlib import Path

from huskies.planning import pack_file


def run(paths: Sequence[Path], archive: Path) -> str:
    """Pack files and folders below the project's under their own paths; return a line on it."""
    files = {name: file for path in paths for name, file in pack_file.below(path, path.as_posix()).items()}
    pack_file.write(archive, files)
    return f"{', '.join(map(str, paths))}"
