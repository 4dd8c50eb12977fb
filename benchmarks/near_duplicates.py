"""How many planted copies are found, how many images are wrongly joined, and how many splits are wrongly refused.

Run in the project's folder: `HUSKIES_SHARED=… .venv/bin/python benchmarks/near_duplicates.py`, where HUSKIES_SHARED has
data/flowers and the other sets, and KERAS_HOME the weights of MobileNetV2. It prints the tables of
benchmarks/near_duplicates.md; with names of sets as arguments, only the table of refused splits for these.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from huskies.backbone import inference
from huskies.images import codec, groups
from huskies.near_duplicates import across, candidates, comparison, descriptor
from huskies.planning import params
from huskies.steps import group, split

CORES = os.cpu_count() or 1
PLANTED = 150
# Pictures of one thing, by looking at what was joined.
BURSTS = {"flowers": [{"0052", "0178"}, {"0054", "0073"}, {"0113", "0132", "0145"}], "digits": []}
PAPER = {"flowers": (0, 0, 0), "digits": (255, 255, 255)}
SETS = ("hands", "products", "letters", "flowers", "digits")
SPLITS = 10
# Fractions for validation and test.
FRACTIONS = {"digits": (0.11, 0.78)}
BACKBONES = {
    "bundled": {},
    "MobileNetV2": {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "input_size": 224},
}

Random = np.random.Generator


def warped(image: np.ndarray, angle: float, zoom: float, shift: np.ndarray, border: int, paper: tuple) -> np.ndarray:
    """Return the image turned about its middle (degrees), enlarged and shifted (fractions of its sides)."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    matrix[:, 2] += shift * (width, height)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border, borderValue=paper)


def resized(image: np.ndarray, random: Random, _: tuple) -> np.ndarray:
    """Return the image at half, 0.7 or 1.5 times its size."""
    scale = random.choice([0.5, 0.7, 1.5])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def recompressed(image: np.ndarray, random: Random, _: tuple) -> np.ndarray:
    """Return the image after JPEG at quality 30 to 60."""
    return codec.decode(codec.encode(image, int(random.integers(30, 61))))


def cropped(image: np.ndarray, random: Random, _: tuple) -> np.ndarray:
    """Return a window of 85 to 95 % of each side, at any place."""
    sides = [round(side * random.uniform(0.85, 0.95)) for side in image.shape[:2]]
    top, left = (random.integers(0, whole - side + 1) for whole, side in zip(image.shape, sides, strict=False))
    return image[top : top + sides[0], left : left + sides[1]]


def brightened(image: np.ndarray, random: Random, _: tuple) -> np.ndarray:
    """Return the image brightened or darkened by up to 25 %, and clipped."""
    return np.clip(image * random.uniform(0.75, 1.25), 0, 255).astype(np.uint8)


def turned_a_little(image: np.ndarray, random: Random, paper: tuple) -> np.ndarray:
    """Return the image turned by 3 to 10 degrees either way; what that leaves free is black, or white for digits."""
    angle = random.choice([-1, 1]) * random.uniform(3, 10)
    return warped(image, angle, 1.0, np.zeros(2), cv2.BORDER_CONSTANT, paper)


def another_shot(image: np.ndarray, random: Random, paper: tuple) -> np.ndarray:
    """Return the image turned, nearer, shifted, a little brighter or darker, and with other noise."""
    angle, zoom, shift = random.uniform(-4, 4), random.uniform(1.0, 1.15), random.uniform(-0.05, 0.05, 2)
    moved = warped(image, angle, zoom, shift, cv2.BORDER_REPLICATE, paper)
    noisy = moved * random.uniform(0.9, 1.1) + random.normal(0, 5, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def all_at_once(image: np.ndarray, random: Random, paper: tuple) -> np.ndarray:
    """Return the image mirrored, resized and recompressed."""
    return recompressed(np.ascontiguousarray(resized(image[:, ::-1], random, paper)), random, paper)


KINDS: dict[str, Callable] = {
    "resized to 50, 70 or 150 %": resized,
    "recompressed, quality 30 to 60": recompressed,
    "cropped to 85 to 95 % of each side": cropped,
    "brightened or darkened by up to 25 %": brightened,
    "mirrored": lambda image, *_: image[:, ::-1],
    "upside down": lambda image, *_: image[::-1],
    "turned by 90°": lambda image, *_: np.rot90(image),
    "turned by 180°": lambda image, *_: np.rot90(image, 2),
    "turned by 270°": lambda image, *_: np.rot90(image, 3),
    "turned by 3 to 10°": turned_a_little,
    "another shot (turned, nearer, shifted, noise)": another_shot,
    "mirrored, resized and recompressed": all_at_once,
}


@dataclass(frozen=True)
class Found:
    """What was found of one kind in one data set.

    origin, planted: of each image, the number of its original, and whether it is a copy.
    pairs, compared: the candidates, and the similarity of each, 0 where they are not one.
    by_features, by_pixels: recall among the candidates of either way. gate: (recall, false alarms) of stage leaks.
    """

    origin: np.ndarray
    planted: np.ndarray
    pairs: list[tuple[int, int]]
    compared: list[float]
    by_features: float
    by_pixels: float
    gate: tuple[float, int]


def raw_files(data: str) -> list[Path]:
    """Return the images of a data set, by name."""
    folder = Path("data/digits") if data == "digits" else Path(os.environ["HUSKIES_SHARED"], "data", data)
    files = [file for file in folder.rglob("*") if file.suffix.lower() in (".png", ".jpg")]
    return sorted(files, key=lambda file: file.stem)


def read(data: str) -> tuple[list[str], list[np.ndarray]]:
    """Return (names, images as convert makes them) of a data set."""
    files = raw_files(data)
    return [file.stem for file in files], [stored(codec.decode(file.read_bytes())) for file in files]


def labels(data: str) -> list[str]:
    """Return the label of each image of a data set."""
    files = raw_files(data)
    if data != "flowers":
        return [file.parent.name for file in files]
    table = pd.read_csv(files[0].parent / "flower_labels.csv", dtype=str).set_index("file")["label"]
    return [table[file.name] for file in files]


def stored(image: np.ndarray) -> np.ndarray:
    """Return the image after the JPEG that convert would make of it."""
    return codec.decode(codec.encode(np.ascontiguousarray(image), 95))


def seen(pixels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return (thumbnails, descriptors) of images."""
    thumbnails = np.stack([codec.resize(each, comparison.SIDE) for each in pixels])
    return thumbnails, np.concatenate(list(descriptor.compute(thumbnails, CORES)))


def written(folder: Path, pixels: list[np.ndarray]) -> pd.DataFrame:
    """Write images into a folder; return columns file, sha256."""
    folder.mkdir(parents=True)
    rows = []
    for number, each in enumerate(pixels):
        content = codec.encode(each, 95)
        (folder / f"{number}.jpg").write_bytes(content)
        rows.append({"file": f"{folder.name}/{number}.jpg", "sha256": codec.sha256(content)})
    return pd.DataFrame(rows)


def features(folder: Path, rows: pd.DataFrame, backbone: str = "bundled") -> np.ndarray:
    """Return what a backbone makes of images below a folder, one row each."""
    files = [(folder / row.file, row.sha256) for row in rows.itertuples()]
    computed = inference.compute(params.load()["backbone"] | BACKBONES[backbone], files, CORES)
    return np.concatenate([each for _, each in computed])


def grouped(size: int, found: list[tuple[int, int]]) -> np.ndarray:
    """Return the group of each image."""
    return np.array(groups.join(size, found))


def thing(name: str, data: str) -> str:
    """Return what a picture is of: the first name of its burst, or its own."""
    return next((min(burst) for burst in BURSTS[data] if name in burst), name)


def false_merges(origin: np.ndarray, leaders: np.ndarray, names: list[str], data: str) -> int:
    """Return how many images share a group with one that is neither their copy, nor their original, nor a burst's."""
    things = pd.Series([thing(names[each], data) for each in origin])
    return int((things.groupby(leaders).transform("nunique") > 1).sum())


def right(origin: np.ndarray, pairs: set[tuple[int, int]]) -> int:
    """Return how many pairs are of one original."""
    return sum(origin[one] == origin[other] for one, other in pairs)


def joined(found: Found) -> list[tuple[int, int]]:
    """Return the pairs that are one."""
    return [pair for pair, similarity in zip(found.pairs, found.compared, strict=True) if similarity]


def recall(found: Found, pairs: list[tuple[int, int]]) -> float:
    """Return the share of planted copies that are in the group of their original."""
    leaders = grouped(len(found.origin), pairs)
    leader_of = dict(zip(found.origin[~found.planted], leaders[~found.planted], strict=True))
    together = [leader_of[each] == leader for each, leader in zip(found.origin, leaders, strict=True)]
    return float(np.mean(np.array(together)[found.planted]))


def measure(data: str, kinds: dict[str, Callable]) -> tuple[list[str], dict[str, Found]]:
    """Plant copies of each kind among all images of a data set, one kind at a time."""
    names, originals = read(data)
    thumbnails, descriptors = seen(originals)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        trained = written(Path(folder, "originals"), originals)
        of_trained = features(Path(folder), trained)
        for number, (kind, change) in enumerate(kinds.items()):
            random = np.random.default_rng(number)
            chosen = random.choice(len(originals), PLANTED, replace=False)
            copies = [stored(change(originals[each], random, PAPER[data])) for each in chosen]
            of_copies = seen(copies)
            # In the stage, which of two images comes first is by sha256.
            order = random.permutation(len(originals) + PLANTED)
            origin, planted = np.concatenate([np.arange(len(originals)), chosen])[order], order >= len(originals)
            all_thumbnails = np.concatenate([thumbnails, of_copies[0]])[order]
            all_descriptors = np.concatenate([descriptors, of_copies[1]])[order]
            alike = candidates.pairs_within(candidates.nearest_by_features(all_descriptors))
            pixels = candidates.pairs_within(candidates.nearest_by_pixels(all_thumbnails))
            held_out = written(Path(folder, str(number)), copies)
            of_held_out = features(Path(folder), held_out)
            gate = across.find_near(Path(folder), held_out, trained, (of_held_out, of_trained), CORES)
            told = [(int(Path(row.file).stem), int(chosen[int(Path(row.held_out).stem)])) for row in gate.itertuples()]
            pairs = sorted(alike | pixels)
            everything = pd.concat([trained, held_out], ignore_index=True).iloc[order]
            files = [(Path(folder, row.file), row.sha256) for row in everything.itertuples()]
            results[kind] = Found(
                origin=origin,
                planted=planted,
                pairs=pairs,
                compared=list(comparison.compare_all(files, all_thumbnails, pairs, CORES)),
                by_features=right(origin, alike) / PLANTED,
                by_pixels=right(origin, pixels) / PLANTED,
                gate=(
                    sum(one == other for one, other in told) / PLANTED,
                    sum(thing(names[one], data) != thing(names[other], data) for one, other in told),
                ),
            )
            print(data, kind, recall(results[kind], joined(results[kind])), flush=True)
    return names, results


def table(data: str, names: list[str], results: dict[str, Found]) -> list[str]:
    """Return what was found of each kind as Markdown."""
    lines = [
        f"## {data}: {len(names)} images, {PLANTED} planted copies of each kind",
        "",
        "| copies | found | images wrongly joined | nearest by network / pixels | gate: found, false alarms |",
        "|---|---|---|---|---|",
    ]
    found_of_all, wrong_of_all, images_of_all = [], 0, 0
    for kind, found in results.items():
        pairs = joined(found)
        share, size = recall(found, pairs), len(found.origin)
        wrong = false_merges(found.origin, grouped(size, pairs), names, data)
        found_of_all.append(share)
        wrong_of_all, images_of_all = wrong_of_all + wrong, images_of_all + size
        lines.append(
            f"| {kind} | {share:.1%} | {wrong} of {size}, {wrong / size:.2%} | "
            f"{found.by_features:.1%} / {found.by_pixels:.1%} | {found.gate[0]:.1%}, {found.gate[1]} |"
        )
    gates = [found.gate[0] for found in results.values()]
    alarms = sum(found.gate[1] for found in results.values())
    lines.append(
        f"| **all** | **{np.mean(found_of_all):.1%}** | **{wrong_of_all / images_of_all:.2%}** | | "
        f"**{np.mean(gates):.1%}, {alarms}** |"
    )
    return [*lines, ""]


def untouched(data: str, names: list[str], results: dict[str, Found]) -> str:
    """Return, as a line, which originals were joined with which."""
    found = next(iter(results.values()))
    pairs = {
        "/".join(sorted(names[found.origin[each]] for each in pair))
        for pair in joined(found)
        if not found.planted[list(pair)].any()
    }
    return f"Joined among the {data} themselves: {', '.join(sorted(pairs))}."


def refused(data: str) -> Iterator[str]:
    """Yield, as lines of a table, in how many splits the gate names pairs, and which, for each backbone.

    What `group` joins is kept together; nothing is planted.
    """
    names, images = read(data)
    thumbnails, descriptors = seen(images)
    with tempfile.TemporaryDirectory() as folder:
        rows = written(Path(folder, data), images).assign(label=labels(data), group="", source=names)
        rows["source_sha256"] = rows["sha256"]
        files = [(Path(folder, row.file), row.sha256) for row in rows.itertuples()]
        found = [pair[:2] for pair in group.find_near(files, thumbnails, lambda: descriptors, CORES)]
        grouped_rows = groups.find_groups(rows, [(rows["file"][one], rows["file"][other]) for one, other in found])
        rows["group"] = grouped_rows["group"]
        for backbone in BACKBONES:
            of_all, named, splits = features(Path(folder), rows, backbone), set(), 0
            for seed in range(1, SPLITS + 1):
                split_of, _ = split.assign(rows, *FRACTIONS.get(data, (0.2, 0.2)), seed)
                is_trained = (rows["group"].map(split_of) == "train").to_numpy()
                held_out, trained = (rows[each].reset_index(drop=True) for each in (~is_trained, is_trained))
                pairs = across.find_near(
                    Path(folder), held_out, trained, (of_all[~is_trained], of_all[is_trained]), CORES
                )
                named |= {tuple(sorted((row.file, row.held_out))) for row in pairs.itertuples()}
                splits += len(pairs) > 0
            called = ["/".join(names[int(Path(file).stem)] for file in pair) for pair in sorted(named)]
            yield f"| {data} | {backbone} | {splits} of {SPLITS} | {', '.join(called) or 'none'} | {len(found)} |"


def main(chosen: list[str]) -> None:
    """Print the tables."""
    for data in () if chosen else ("flowers", "digits"):
        names, results = measure(data, KINDS)
        print(*table(data, names, results), untouched(data, names, results), "", sep="\n")
    print(
        "| set | backbone | refused splits | pairs named | pairs that group joined |", "|---|---|---|---|---|", sep="\n"
    )
    for data in chosen or SETS:
        for line in refused(data):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
