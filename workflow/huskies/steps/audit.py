"""audit: compares everything under data/ with what it claims to be, and names the command that fixes what is not.

Was each stage made from the present parameters, code and images (receipts)? Are its files those that it made? Do
the manifests list the bytes on disk, and descend from the stage above? Does the backbone, asked again, give the
bottlenecks that are kept? Does metrics.json say what it came from?
"""

import itertools
import json
import random
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huskies import cache_file, outputs, receipt
from huskies.backbone import identity, inference, store
from huskies.backbone.features import images_of, load_features
from huskies.errors import HuskyError, some
from huskies.images import manifest
from huskies.planning import lockfile, plan

Plans = dict[str, dict[str, Any]]

# Bottlenecks of each stage that are computed again, drawn anew in every audit: two batches.
SAMPLE = 2 * inference.BATCH
# Another type of CPU adds up in another order; the features of another image are farther away.
TOLERANCE = 1e-3
# It may also round bfloat16 otherwise, or have none. Rows with a cosine of 0.999 to a third are this near.
TOLERANCE_OF_ROUNDED = 0.09


@dataclass(frozen=True)
class Disagreement:
    """Something that is not what it claims to be: the stage, what is wrong with it, and the command that fixes it."""

    stage: str
    what: str
    fix: str


def present(plans: Plans, root: Path) -> list[str]:
    """Return the stages that have a folder with something in it, in the order of the flow."""
    return [name for name in plans if (root / name).is_dir() and any((root / name).iterdir())]


def below(name: str, plans: Plans) -> list[str]:
    """Return a stage and all that is made from it, in the order of the flow."""
    found = {name}
    for stage, planned in plans.items():
        if found & planned["inputs"].keys():
            found.add(stage)
    return [stage for stage in plans if stage in found]


def _rebuild(names: list[str], root: Path, *files: Path) -> str:
    """Return the command that deletes the folders and files and builds the stages again, but for the test.

    To score the test images once more would be another look at them, which is for the user to decide.
    """
    remove = f"rm -rf {shlex.join(str(path) for path in (*(root / name for name in names), *files))}"
    again = [name for name in names if name != "test"]
    return f"{remove} && snakemake --cores all {' '.join(again)}" if again else remove


def check_presence(plans: Plans, root: Path) -> list[Disagreement]:
    """Look for the folders that are not there: of what others were made from, and of what DVC has recorded."""
    there = present(plans, root)
    # Flows of controls are below roots of their own, of which DVC knows nothing.
    recorded = lockfile.recorded() if root == Path("data") else {}
    wanted = set(recorded).union(*(plan.lineage(name, plans) for name in there))
    absent = [name for name in plans if name in wanted and name not in there]
    fix = f"snakemake --cores all {' '.join(absent)}"
    return [Disagreement(name, f"{root / name} is not there", fix) for name in absent]


def check_receipts(plans: Plans, root: Path) -> list[Disagreement]:
    """Compare the receipt of every stage that is there with its plan of now."""
    found = []
    for name in present(plans, root):
        content = receipt.read(root / name)
        if content is None:
            found.append(Disagreement(name, f"{root / name} has no sound receipt", _rebuild([name], root)))
        elif content["plan"] != plans[name]:
            reasons = some(receipt.differences(content["plan"], plans[name]))
            goal = "report" if (root / "report").is_dir() else "metrics"
            fix = f"snakemake --cores all {goal if name in plan.lineage(goal, plans) else name}"
            if name == "test":
                fix = _rebuild([name], root)
            found.append(Disagreement(name, f"{root / name} is stale: {reasons}", fix))
    return found


def check_files(plans: Plans, root: Path) -> list[Disagreement]:
    """Compare the files of every stage that is there with its receipt."""
    return [
        Disagreement(name, f"{root / name} is not as its receipt says: {some(damaged)}", _rebuild([name], root))
        for name in present(plans, root)
        if receipt.read(root / name) is not None and (damaged := receipt.damage(root / name))
    ]


def check_manifests(plans: Plans, root: Path) -> list[Disagreement]:
    """Compare every row of every manifest with the bytes of its image, and its source with the stage above."""
    found, sources = [], None
    there = present(plans, root)
    for name in (name for name in ("convert", "split", "augment") if name in there):
        digests = receipt.digests(root / name)
        try:
            rows = manifest.read(root / name / manifest.NAME)[["file", "sha256", "source_sha256"]]
        except (HuskyError, ValueError, KeyError):
            rows = manifest.make([])
        listed = dict(zip(rows["file"], rows["sha256"], strict=True))
        wrong = {file for file, sha256 in listed.items() if digests.get(file) != sha256}
        wrong |= {file for file in digests if file.endswith(".jpg") and file not in listed}
        if sources is not None:
            wrong |= set(rows.loc[~rows["source_sha256"].isin(sources), "file"])
        sources = set(rows["source_sha256"])
        content = receipt.read(root / name)
        # What is not as its receipt says is found by check_files, with a cheaper fix.
        if wrong and (content is None or content["outputs"] == digests):
            what = f"{root / name / manifest.NAME} does not agree with the images: {some(sorted(wrong))}"
            rebuilt = [stage for stage in below(name, plans) if stage in there]
            found.append(Disagreement(name, what, _rebuild(rebuilt, root)))
    return found


def check_bottlenecks(plans: Plans, root: Path, name: str, cores: int) -> tuple[list[Disagreement], int, int]:
    """Compute a sample of a stage's bottlenecks again; return (what disagrees, how many were computed, of how many)."""
    rebuilt = [stage for stage in below(name, plans) if stage in present(plans, root)]
    # Else the same rows would be taken over again.
    stored = cache_file.database_folder()
    fix = _rebuild(rebuilt, root, *([stored / store.NAME] if stored else []), Path("dvc.lock"))
    folder, images = images_of(name, {above: root / above for above in plans[name]["inputs"]})
    try:
        _, features = load_features(root / name, images)
    # numpy and pandas raise many kinds of error for a file that is no array or no table.
    except Exception as error:
        return [Disagreement(name, f"{root / name} cannot be used: {error}", fix)], 0, len(images)
    chosen = sorted(random.sample(range(len(images)), min(SAMPLE, len(images))))
    files = [(folder / images["file"][row], images["sha256"][row]) for row in chosen]
    wrong = []
    parameters, precision = plans[name]["params"]["backbone"], _precision(root / name)
    if precision == "float32":
        # Here, `auto` might stand for another.
        parameters = {**parameters, "precision": precision}
    compare = _same_but_for_rounding if precision in ("bfloat16", "int8") else _same
    for positions, again in inference.compute(parameters, files, cores, root / "split") if files else ():
        kept = features[[chosen[each] for each in positions]]
        alike = kept.shape == again.shape and kept.dtype == again.dtype
        same = compare(kept, again) if alike else [False] * len(positions)
        wrong += [images["file"][chosen[each]] for each, right in zip(positions, same, strict=True) if not right]
    what = f"{root / name} has other bottlenecks than the backbone gives: {some(wrong)}"
    return [Disagreement(name, what, fix)] if wrong else [], len(files), len(images)


def _precision(folder: Path) -> str | None:
    """Return the precision that bottlenecks were computed in, or None where their identity does not say."""
    try:
        return json.loads((folder / identity.NAME).read_text())["backbone"]["precision"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _same(kept: np.ndarray, again: np.ndarray) -> np.ndarray:
    return np.isclose(kept, again, TOLERANCE, TOLERANCE).all(axis=1)


def _same_but_for_rounding(kept: np.ndarray, again: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(kept - again, axis=1)
    return distances <= TOLERANCE_OF_ROUNDED * np.linalg.norm(again, axis=1)


def check_identities(plans: Plans, root: Path, names: list[str]) -> list[Disagreement]:
    """Compare how the bottlenecks of stages were computed, and those that the heads were trained on."""
    kept = [name for name in names if (root / name / identity.NAME).is_file()]
    if not kept:
        return []
    try:
        identity.check(*(root / name for name in kept))
    except HuskyError as error:
        what, _, _ = str(error).partition(". Delete")
        rebuilt = [name for name in present(plans, root) if any(name in below(each, plans) for each in kept)]
        return [Disagreement(kept[0], what, _rebuild(rebuilt, root))]
    return []


def check_provenance(plans: Plans, root: Path) -> list[Disagreement]:
    """Compare what metrics.json and test.json say that they came from with their receipts."""
    found = []
    for name, file in (("metrics", outputs.METRICS), ("test", outputs.TEST)):
        content = receipt.read(root / name)
        if content is None:
            continue
        try:
            said = dict(json.loads((root / name / file).read_text())["provenance"])
        except (OSError, ValueError, KeyError, TypeError):
            said = {}
        true = content["plan"].get("provenance", {})
        wrong = sorted(key for key in said.keys() | true.keys() if said.get(key) != true.get(key))
        if wrong:
            what = f"{root / name / file} says that it came from another {', '.join(wrong)}"
            found.append(Disagreement(name, what, _rebuild([name], root)))
    return found


def run(plans: Plans, cores: int, root: Path = Path("data")) -> str:
    """Audit every stage that is there; return a line on it. Raises HuskyError with all that disagrees."""
    found = [
        each
        # A stale stage cannot be built again before what it reads is fixed.
        for check in (check_files, check_manifests, check_provenance, check_receipts, check_presence)
        for each in check(plans, root)
    ]
    # Bottlenecks of images that are not what they claim to be would be compared with the wrong thing.
    doubtful = {each.stage for each in found}
    there = [name for name in present(plans, root) if name not in doubtful]
    found += check_identities(plans, root, there)
    computed = kept = 0
    for name in (name for name in there if name.startswith("bottlenecks_") and {*plans[name]["inputs"]} <= {*there}):
        wrong, some_rows, all_rows = check_bottlenecks(plans, root, name, cores)
        found, computed, kept = found + wrong, computed + some_rows, kept + all_rows
    if found:
        said = [
            "".join(f"\n  {each.what}" for each in alike) + f"\n    fix: {fix}"
            for fix, alike in itertools.groupby(found, key=lambda each: each.fix)
        ]
        one = f"1 thing under {root} is not what it claims to be"
        several = f"{len(found)} things under {root} are not what they claim to be"
        raise HuskyError(f"{one if len(found) == 1 else several}:{''.join(said)}")
    return f"{len(there)} stages are what they claim to be; {computed} of {kept} bottlenecks computed again"
