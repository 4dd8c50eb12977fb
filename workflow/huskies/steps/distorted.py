"""distorted: the head trained on images that are distorted anew in every step, as retrain.py can; only on request.

The four distortions have retrain.py's names, units and order (function add_input_distortions of tensorflow/hub's
examples/image_retraining/retrain.py). Since no step sees the same pixels twice, no bottleneck of a training image is
of use: every step sends its whole batch through the backbone. cost.json has what that costs beside a step on
bottlenecks. It is a measurement, and the only file of any stage that is not the same in another run.
"""

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from huskies import outputs
from huskies.backbone import identity, inference
from huskies.backbone.features import Rows, load_features, rows_of
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.job import Job
from huskies.training import fit, head, regularisation, saved

DISTORTIONS = ("flip_left_right", "random_crop", "random_scale", "random_brightness")


def distort(pixels: np.ndarray, random: np.random.Generator, settings: dict[str, Any], side: int) -> np.ndarray:
    """Return an image, uint8, H × W × 3, distorted at random, as side × side × 3, uint8.

    settings: the section `distort` of params.yaml. The image is resized, bilinear, to a square whose side is longer
    than `side` by random_crop percent, and by up to random_scale percent more; a square of `side` is cut out
    anywhere; it is mirrored half of the time if flip_left_right; its pixels are multiplied by a number that is up to
    random_brightness percent below or above 1. Where retrain.py differs: it reduces without smoothing, which blurs
    nothing and aliases; and it keeps fractions of pixel values and values above 255, which no photograph has.
    """
    # All are drawn whatever is on, so that turning one on changes nothing of the others.
    scale, top, left, mirror, brightness = random.random(5)
    longer = int(side * (100 + settings["random_crop"]) / 100 * (1 + settings["random_scale"] / 100 * scale))
    resized = codec.resize(pixels, longer, Image.Resampling.BILINEAR)
    row, column = (int(each * (longer - side + 1)) for each in (top, left))
    cropped = resized[row : row + side, column : column + side]
    if settings["flip_left_right"] and mirror < 0.5:
        cropped = cropped[:, ::-1]
    factor = 1 + settings["random_brightness"] / 100 * (2 * brightness - 1)
    return np.clip(np.rint(cropped * factor), 0, 255).astype(np.uint8)


def features_of_steps(
    job: Job, files: list[tuple[Path, str]], drawn: np.ndarray, settings: dict[str, Any], seed: int
) -> Iterator[np.ndarray]:
    """Yield the features of each step's distorted images, float32, batch size × D.

    files: (path, sha256) of each training image. drawn: the images of each step, int, steps × batch size. What is
    made of an image follows from (seed, step, position in the batch). The backbone is frozen, so it computes the next
    steps while the head takes this one.
    """
    size = drawn.shape[1]

    def fit(pixels: np.ndarray, side: int, number: int) -> np.ndarray:
        return distort(pixels, np.random.default_rng([seed, *divmod(number, size)]), settings, side)

    chosen = [files[each] for each in drawn.ravel()]
    parts = inference.compute(job.params["backbone"], chosen, job.cores, job.inputs["split"], fit)
    rows = itertools.chain.from_iterable(features for _, features in parts)
    while step := list(itertools.islice(rows, size)):
        yield np.stack(step)


def learn(
    steps: Iterator[np.ndarray],
    drawn: np.ndarray,
    training: tuple[Rows, np.ndarray],
    validation: tuple[Rows, np.ndarray],
    classes: int,
    parameters: dict[str, Any],
) -> tuple[tuple, float]:
    """Return (what fit.fit returns, seconds a step) for a head that learns from the features of `steps`.

    training: the undistorted rows. They standardise the features, and the curves are over them. Seconds are the
    median over the points of the curves, so that neither compiling nor another program counts.
    """
    model = head.Head(*training, classes, parameters)
    shares = fit.draw_shares(*drawn.shape, parameters["mixup"], parameters["seed"])
    steps = itertools.chain([next(steps)], steps)
    clock = [(0, time.perf_counter())]

    def advance(start: int, stop: int) -> None:
        for step in range(start, stop):
            model.learn(next(steps), training[1][drawn[step]], None if shares is None else shares[step])
        clock.append((stop, time.perf_counter()))

    followed = fit.follow(model, advance, len(drawn), training, validation, parameters["keep"], "distorted")
    taken, seconds = np.diff(np.array(clock), axis=0).T
    return (model, *followed), float(np.median(seconds / taken))


def seconds_on_bottlenecks(
    training: tuple[Rows, np.ndarray], drawn: np.ndarray, classes: int, parameters: dict[str, Any]
) -> float:
    """Return the seconds a step of the same head takes on bottlenecks, scoring left out."""
    model = head.Head(*training, classes, parameters)
    # The first time compiles.
    model.advance(drawn)
    start = time.perf_counter()
    model.advance(drawn)
    return (time.perf_counter() - start) / len(drawn)


def check(settings: dict[str, Any]) -> None:
    """Raise HuskyError if no distortion is on."""
    if not any(settings[each] for each in DISTORTIONS):
        raise HuskyError(
            f"no distortion is on: {', '.join(f'distort.{each}' for each in DISTORTIONS)} are all off in params.yaml. "
            "Set one there, or for one run: snakemake --cores all distorted --config distort='{random_crop: 10}'"
        )


def run(job: Job) -> str:
    """Fill job.output with what saved.save writes, scores.json and cost.json; return a line on them.

    The training images are those of train_baseline, which leaks has traced; of held-out ones there are the
    validation bottlenecks, undistorted.
    """
    settings = job.params["distort"]
    check(settings)
    originals = rows_of(job.inputs["split"], "train", "val")
    settled = inference.settle(job.params["backbone"], job.inputs["split"])
    identity.check(job.inputs["bottlenecks_original"], computed=identity.of(job, settled))
    index, features = load_features(job.inputs["bottlenecks_original"], originals)
    labels, training, validation = fit.divide(index, [features])
    parameters = {**job.params["train"], "steps": settings["steps"]}
    parameters = regularisation.choose(
        training, originals[originals["split"] == "train"], settled.get("widths"), parameters
    )
    drawn = fit.draw_batches(
        training[1],
        parameters["steps"],
        parameters["batch_size"],
        parameters["class_balanced"],
        parameters["seed"],
    )
    files = [(job.inputs["split"] / row.file, row.sha256) for row in index[index["split"] == "train"].itertuples()]
    steps = features_of_steps(job, files, drawn, settings, parameters["seed"])
    fitted, seconds = learn(steps, drawn, training, validation, len(labels), parameters)
    cheap = seconds_on_bottlenecks(training, drawn, len(labels), parameters)

    found = json.loads((job.inputs["leaks"] / outputs.LEAKS).read_text())["leaks"]
    scores = {**saved.save(job.output, index, labels, validation[0], fitted), "leaks": found}
    (job.output / outputs.SCORES).write_text(json.dumps(scores, indent=1) + "\n")
    cost = {
        "seconds_per_step_distorted": round(seconds, 6),
        "seconds_per_step_bottlenecks": round(cheap, 6),
        "ratio": round(seconds / cheap, 1),
        "steps": parameters["steps"],
        "batch_size": parameters["batch_size"],
        "cores": job.cores,
    }
    (job.output / outputs.COST).write_text(json.dumps(cost, indent=1) + "\n")
    return (
        f"{scores['images']} training images distorted anew in each step, kept step {scores['step']} of "
        f"{parameters['steps']}: train {scores['train_accuracy']:.1%}, validation {scores['val_accuracy']:.1%}; "
        f"{seconds:.2g} s a step, {cost['ratio']:.0f} times one on bottlenecks"
        + (f". WARNING: {found} leaks: see data/leaks" if found else "")
    )
