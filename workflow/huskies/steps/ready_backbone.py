"""ready_backbone: the backbone, converted once for all jobs that share a bucket and no cache."""

from collections.abc import Sequence
from pathlib import Path

from huskies import cache_file
from huskies.backbone import inference
from huskies.planning import pack_file, packed_run, packs, plan


def run(inputs: Sequence[Path], archive: Path) -> str:
    """Pack what the cache keeps of a backbone; return a line on it.

    inputs: a plan that has its parameters, as it is sent, and its weights. Raises HuskyError for weights that do not
    fit.
    """
    packed_run.unpacked(inputs)
    [digest] = [packs.digest(path) for path in inputs if path.suffix == ".json"]
    section = plan.fetch(digest)["params"]["backbone"]
    # int8 is made from this, once for the images of a split.
    section = {**section, "precision": "float32"} if section["precision"] == "int8" else section
    # Whatever is in it at the end is of this backbone.
    with cache_file.empty_cache_folder():
        inference.load(section, 1)
        files = pack_file.below(cache_file.cache_folder(), "")
        kept = {name: path for name, path in files.items() if path.suffix in (".npz", ".json")}
        pack_file.write(archive, kept)
    return f"{section['name']}, {len(kept)} files of the cache"
