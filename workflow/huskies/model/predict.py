"""predict: asks a classifier about photos, wherever one is, without the project that made it."""

import argparse
import dataclasses
import os
import signal
import sys

from huskies import imports, progress
from huskies.backbone import openvino_engine
from huskies.errors import HuskyError, some
from huskies.model import answers, fetched, folder, given_photos, printed
from huskies.model.folder import Model

# Photos that an explanation names.
_NEAREST = 3
NOTHING_READ = "none of the photos could be read. Each row says why."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `huskies predict` takes to its parser."""
    parser.add_argument("model", help="a folder, as data/final, or repository@revision")
    parser.add_argument("image", nargs="+", help="a file, a folder, a pattern or a zip; - for standard input")
    parser.add_argument("--format", choices=printed.FORMATS, default="table", help="how answers are printed")
    parser.add_argument("--top", type=_number, default=3, help="how many labels each answer has, at most")
    parser.add_argument("--explain", action="store_true", help="the photos trained on that look most like it")
    parser.add_argument("--cores", type=_number, default=len(os.sched_getaffinity(0)), help="photos at once")


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number from 1")
    return int(text)


def run(asked: argparse.Namespace) -> int:
    """Print an answer to each photo; return the exit status, 0.

    Raises HuskyError for a model or a photo that there is not, before anything is printed, and where none of the photos
    could be read.
    """
    # Whoever reads the answers may end first, as in `huskies predict … | head`.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    named = given_photos.find(asked.image)
    with fetched.at(asked.model) as place:
        model, remarks = at_hand(folder.read(place))
        for line in remarks:
            progress.say(f"predict: {line}")
        return _print(model, named, asked)


def at_hand(model: Model) -> tuple[Model, list[str]]:
    """Return the classifier as this machine can ask it, and a line on each thing that is not as it was trained."""
    remarks, backbone = [], model.backbone
    if backbone["engine"] == "openvino" and backbone["precision"] not in openvino_engine.precisions():
        remarks.append(f"this processor has no {backbone['precision']}, so that probabilities may differ a little")
        model = dataclasses.replace(model, backbone={**backbone, "engine": "auto", "precision": "auto"})
    trained = model.numbers["identity"]["libraries"]
    here = imports.versions(set(trained))
    other = [f"{name} {here[name]}, not {version}" for name, version in trained.items() if here[name] != version]
    if other:
        remarks.append(
            f"other versions than those it was trained with: {some(other)}; probabilities may differ a little"
        )
    return model, remarks


def _print(model: Model, named: list[given_photos.Photo], asked: argparse.Namespace) -> int:
    head, line = printed.printer(asked.format, model.labels)
    sys.stdout.write(head)
    given = answers.answer(model, named, len(named), asked.cores, asked.top, _NEAREST if asked.explain else 0)
    # On a terminal the answers themselves show how far it is.
    shown = given if sys.stdout.isatty() else progress.bar(given, len(named), "predict")
    read = 0
    for answer in shown:
        sys.stdout.write(line(answer))
        read += not answer.reason
    sys.stdout.flush()
    if not read:
        raise HuskyError(NOTHING_READ)
    return 0
