"""What a stage is given: its parameters, the folders above it, and the folder to fill."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huskies import receipt
from huskies.shards import Shard


@dataclass(frozen=True)
class Job:
    """One execution of one stage, as its plan describes it.

    params: the sections of params.yaml that dvc.yaml lists for the stage, by section name.
    inputs: the folder of each stage above, by stage name; locked and checked against its receipt.
    files: the other declared data files (weights), by path, with the sha256 of each.
    code: the digest of each declared code file, by path.
    libraries: the pinned version of each library that shapes the stage's bytes.
    raw_digest: the digest of the raw images; None in stages that read none, and where a control has made them.
    provenance: digests of the raw images, split, policy, backbone and code above, as plan.provenance has them.
    output: the empty folder to fill. It becomes data/<stage> only when the stage has succeeded.
    previous: the stage's last output, or None. Its bytes are not to be trusted unchecked.
    cores: how many processes or threads may be busy at once.
    anew: take nothing over from what DVC has recorded of the stage.
    shard: the part of the stage that is to be made, or None for all of it. Then `previous` is that shard's last output.
    shards: the folders of the shards of this very plan, whose results are put together; checked against their receipts.
    whole: for a shard, the last output of its stage, or None. Its bytes are not to be trusted unchecked either.
    """

    stage: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    files: dict[str, str]
    code: dict[str, str]
    libraries: dict[str, str]
    raw_digest: str | None
    provenance: dict[str, str]
    output: Path
    previous: Path | None
    cores: int
    anew: bool = False
    shard: Shard | None = None
    shards: tuple[Path, ...] = ()
    whole: Path | None = None

    @property
    def name(self) -> str:
        """The name of the folder that the output becomes: that of the stage, or of its shard."""
        return self.shard.name(self.stage) if self.shard else self.stage

    def usable_shards(self, *shaping: str) -> list[Path]:
        """Return the folders of shards whose results are what this job would make of the same images.

        These are the shards of its own plan, and a shard's own last output, if of the same code, libraries and
        parameters. shaping: the parameters, by their dotted names, that what becomes of an image depends on.
        """
        last = self.previous if self.shard else None
        return [*self.shards, *([last] if last and self._would_make_the_same(last, shaping) else [])]

    def _would_make_the_same(self, folder: Path, shaping: tuple[str, ...]) -> bool:
        made = receipt.read(folder)
        if not made or (made["plan"]["code"], made["plan"]["libraries"]) != (self.code, self.libraries):
            return False
        then, now = receipt.flat(made["plan"]["params"]), receipt.flat(self.params)
        return all(then[each] == now[each] for each in shaping) and not receipt.damage(folder)
