"""The lines of training, augmenting and overheads, from the benchmarks of each, shorter than those are alone."""

from collections.abc import Iterator

import augmenting
import overheads
import training
from page import Line


def of_training(quick: bool) -> Iterator[Line]:
    """Yield how many times the steps a second of plain `fit` and of text bottlenecks are ours."""
    found = training.steps_per_second(*(100, 1) if quick else (5000, 3))
    yield Line("training", "steps on bottlenecks, the curves included", found["ours"], "steps/s")
    yield Line("training", "against plain fit", found["ratio"], "×", at_least=3)
    text = found["ours"] / found["text bottlenecks"]
    yield Line("training", "against text bottlenecks, as retrain.py reads them", text, "×")


def of_augmenting(quick: bool) -> Iterator[Line]:
    """Yield two cores against one, albumentations against imgaug, and what a larger factor costs."""
    factor = 1 if quick else 5
    two = augmenting.two_cores((factor,), (augmenting.SIDE,), 1 if quick else 3)
    ratio = two[f"{augmenting.SIDE} pixels, factor {factor}, ratio"]
    yield Line("augment", "two cores against one, process and imports included", ratio, "×", at_least=1.8)
    imgaug = augmenting.against_imgaug(1 if quick else 3)
    if imgaug:
        yield Line("augment", "against imgaug, same operations", imgaug["ratio"], "×", at_least=1.5)
    else:
        note = "left out: IMGAUG_PYTHON does not name a Python that has imgaug; see benchmarks/augmenting.py"
        yield Line("augment", "against imgaug, same operations", float("nan"), "", note=note)


def of_a_larger_factor() -> Iterator[Line]:
    """Yield the time from factor 5 to factor 10 against that of factor 10 from nothing."""
    found = augmenting.growing_factor()
    what, note = "factor 5 → 10 against factor 10 from nothing", f"{found['5 to 10']:.1f} s"
    yield Line("augment", what, found["ratio"], "×", at_most=0.55, note=note)


def of_overheads(quick: bool) -> Iterator[Line]:
    """Yield a run with nothing to do against an empty Snakefile, and the listing of many raw files."""
    found = overheads.nothing_to_do(1 if quick else 5)
    note = f"{found['ratio, processor']:.2f} × by processor time"
    yield Line("overheads", "nothing to do, against an empty Snakefile", found["ratio"], "×", at_most=1.3, note=note)
    files = 1000 if quick else 100_000
    seconds = overheads.raw_listing(files)["unchanged"]
    yield Line("overheads", f"listing of {files} unchanged raw files", seconds, "s", at_most=2)
