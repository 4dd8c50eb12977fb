"""What a million photos would take, on paper: time, memory, disk, files and money, from costs that were measured.

`.venv/bin/python benchmarks/scaling.py` writes the tables of docs/scaling.md. Costs of an image and of a pair of images
are those of growth.csv, less what each start costs; those of photos are of docs/performance.md. What could not be
measured is an assumption, and stands below with its name.
"""

from typing import NamedTuple

import pandas as pd
from clones import PROJECT
from huskies import atomic

GROWTH, PAGE = PROJECT / "benchmarks/growth.csv", PROJECT / "docs/scaling.md"
SIZES = (10**4, 10**6, 10**8)
FACTOR = 5
HELD_OUT = 0.2
# Milliseconds of one core: for a photo of 12 megapixels; for a copy of 384 pixels; for a row of bottlenecks, to decode
# and resize it and by MobileNetV2 at 224 in float32. docs/performance.md, "photos", has them.
CONVERT, AUGMENT, PREPARE = 33 + 11 + 0.6, 0.9 + 0.6 + 0.6 / FACTOR, 0.6 + 1.4
NETWORK = 6.0
# Milliseconds of one core for an image in `group`, its near-duplicates included: growth.md, at 10 000.
GROUP = 15.3
# Bytes: a photo of 12 megapixels, a JPEG of 384 pixels, a row of 1 696 features, and the memory that DVC takes for an
# image and its copies (growth.md), which is more than any stage does.
PHOTO, JPEG, ROW, MEMORY = 3_500_000, 51_000, 4 * 1696, 20_000


class Machine(NamedTuple):
    """Cores of one node, the dollars for an hour of it, how many there are, and whether a GPU runs the network."""

    name: str
    cores: int
    price: float = 0
    nodes: int = 1
    gpu: bool = False


# Assumptions: what such machines have, and ask for an hour. With a GPU the network takes no time beside decoding, which
# is the best that it can be: none was measured.
MACHINES = (
    Machine("laptop, 8 cores", 8),
    Machine("GPU node, 16 cores", 16, 2.5, gpu=True),
    Machine("50 nodes of 32 cores", 32, 1.4, nodes=50),
)
DISK = 0.02  # dollars for a GB and a month


class Cost(NamedTuple):
    """Seconds of one core for an image, and for a pair of images, of which there are as many as images squared."""

    image: float
    pair: float = 0.0

    def of(self, images: int) -> float:
        """Return the hours of one core for so many images."""
        return (self.image * images + self.pair * images**2) / 3600


def grown(growth: pd.DataFrame, what: str) -> Cost:
    """Return what a stage costs, by its times for 1 000, 10 000 and 100 000 images, less what its start takes."""
    seconds = growth[growth["what"] == what].set_index("images")["cpu_s"]
    early = (seconds[10_000] - seconds[1000]) / 9000
    late = (seconds[100_000] - seconds[10_000]) / 90_000
    pair = max(0.0, (late - early) / (110_000 - 11_000))
    return Cost(late - 110_000 * pair, pair)


def stages(growth: pd.DataFrame, gpu: bool) -> dict[str, tuple[Cost, bool]]:
    """Return the cost of each stage, and whether several machines share it, in shards."""
    copies = FACTOR * (1 - HELD_OUT)
    network = 0 if gpu else NETWORK
    leaks, baseline, augmented = (grown(growth, each) for each in ("leaks", "train_baseline", "train_augmented"))
    # `group` compares all images with all others, as `leaks` does those that are held out with the rest.
    among_all = leaks.pair / (2 * HELD_OUT * (1 - HELD_OUT))
    return {
        "convert": (Cost(CONVERT / 1000), True),
        "group": (Cost(GROUP / 1000, among_all), False),
        "augment": (Cost(copies * AUGMENT / 1000), True),
        "bottlenecks": (Cost((1 + copies) * (PREPARE + network) / 1000), True),
        "trainings": (Cost(baseline.image + augmented.image), False),
        "leaks": (leaks, False),
        "record": (grown(growth, "record"), False),
    }


def hours(growth: pd.DataFrame, machine: Machine, images: int) -> dict[str, float]:
    """Return the hours that each stage takes: on all cores in shards, on those of one machine, or on one for DVC."""
    found = {}
    for stage, (cost, shared) in stages(growth, machine.gpu).items():
        cores = machine.cores * machine.nodes if shared else machine.cores
        found[stage] = cost.of(images) / (1 if stage == "record" else cores)
    return found


def time_table(growth: pd.DataFrame) -> list[str]:
    """Return a line for each number of photos and machine: hours of each stage, together, and what they cost."""
    names = list(stages(growth, gpu=False))
    lines = [f"| photos | machine | {' | '.join(names)} | together | dollars |", "|---" * (len(names) + 4) + "|"]
    for images in SIZES:
        for machine in MACHINES:
            each = hours(growth, machine, images)
            whole = sum(each.values())
            price = f"{significant(whole * machine.price * machine.nodes)}" if machine.price else "–"
            cells = [said(each[name]) for name in names]
            lines.append(f"| {power(images)} | {machine.name} | {' | '.join(cells)} | {said(whole)} | {price} |")
    return lines


def space_table() -> list[str]:
    """Return a line for each number of photos: files, disk, and the memory of the largest process."""
    lines = [
        "| photos | files below data/ | raw photos | data/ | with DVC's cache | a month | memory |",
        "|---" * 7 + "|",
    ]
    copies = FACTOR * (1 - HELD_OUT)
    for images in SIZES:
        files, raw = images * (2 + copies), images * PHOTO / 1e9
        made = images * ((2 + copies) * JPEG + (1 + copies) * ROW) / 1e9
        month = (raw + 2 * made) * DISK
        cells = [f"{significant(files)}", *(f"{significant(each)} GB" for each in (raw, made, 2 * made))]
        cells += [f"{significant(month)} dollars", f"{significant(images * MEMORY / 1e9)} GB"]
        lines.append(f"| {power(images)} | {' | '.join(cells)} |")
    return lines


def said(time: float) -> str:
    """Return a time, given in hours, as one would say it."""
    for unit, of_an_hour in (("years", 24 * 365), ("days", 24), ("h", 1), ("min", 1 / 60)):
        if time >= 2 * of_an_hour:
            return f"{significant(time / of_an_hour)} {unit}"
    return f"{significant(time * 3600)} s"


def significant(value: float) -> str:
    """Return a number with two digits that count, and blanks between thousands."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}".replace(",", " ") if rounded >= 10 else f"{rounded:g}"


def power(images: int) -> str:
    """Return a number of photos as people say it."""
    return f"{images:,}".replace(",", " ")


def page(growth: pd.DataFrame, text: str) -> str:
    """Return a page with both tables between their marks."""
    for name, lines in (("time", time_table(growth)), ("space", space_table())):
        begin, end = f"<!-- {name}: by benchmarks/scaling.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + "\n".join([begin, "", *lines, "", end]) + after
    return text


def main() -> None:
    """Write the tables into the page."""
    atomic.write(PAGE, page(pd.read_csv(GROWTH), PAGE.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main()
