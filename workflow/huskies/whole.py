"""Files that are there as a whole or not at all, wherever the process is killed."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Write a file under another name beside it, then rename it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.rename(path)
