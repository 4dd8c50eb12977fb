"""Which backbones the article's rows use: the best of those that can be had on this machine, chosen before any job."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies.backbone.weights import keras_folder
from huskies.errors import HuskyError, nearest

FOLDER = Path("workflow/article/backbones")
# The article's own network, and a smaller one beside it; of each, the first that can be had.
WANTED = (("InceptionV3", "InceptionV3_mixed8"), ("MobileNetV2",))
BUNDLED = "MobileNet"
# Where the choice is handed down to the processes that Snakemake starts, which parse again.
CHOSEN = "HUSKIES_ARTICLE_BACKBONES"

# The names under which Keras 3 keeps the ImageNet weights without the last layer: see keras/src/applications/.
_KERAS_FILES = {
    "InceptionV3": "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "MobileNetV2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
}
# Seconds that Keras may take to fetch 80 MB, and to find out that it cannot.
_PATIENCE = 120
_FETCH = "import sys, keras; getattr(keras.applications, sys.argv[1])(include_top=False, weights='imagenet')"


def read(name: str) -> dict[str, Any]:
    """Return the section `backbone` of a backbone's parameter file."""
    return YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["backbone"]


def weights(backbone: dict[str, Any]) -> Path:
    """Return where the weights of a section `backbone` lie: in backbones/, or in Keras' folder of models."""
    if backbone["weights"] != "imagenet":
        return Path("backbones", backbone["weights"])
    return keras_folder() / _KERAS_FILES[backbone["name"]]


def fetch(backbone: dict[str, Any]) -> bool:
    """Let Keras download the ImageNet weights, in a process of its own; return whether they are there now."""
    command = [sys.executable, "-c", _FETCH, backbone["name"]]
    place = weights(backbone)
    place.parent.mkdir(parents=True, exist_ok=True)
    # Keras writes straight to the final name, and what is cut off there would count as downloaded ever after.
    with tempfile.TemporaryDirectory(dir=place.parent) as home:
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_HOME": home}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return False
        found = Path(home, "models", place.name)
        if done.returncode == 0 and found.is_file():
            os.replace(found, place)
    return place.is_file()


def choose(backbones: dict[str, dict[str, Any]], may_fetch: bool) -> tuple[list[str], str]:
    """Return (names of the backbones to use, a line on them and on what could not be had).

    backbones: the section `backbone` of each, by name. What lies there comes before what would have to be downloaded,
    so that whoever has put weights into backbones/ does not wait for a network that is not there.
    may_fetch: otherwise, the first of each kind is taken as if a download would succeed.
    """
    chosen, missing = [], []
    for names in WANTED:
        there = [name for name in names if weights(backbones[name]).is_file()]
        if not there:
            of_keras = [name for name in names if backbones[name]["weights"] == "imagenet"]
            there = [name for name in of_keras if not may_fetch or fetch(backbones[name])]
        chosen += there[:1]
        missing += names[: names.index(there[0])] if there else names
    said = f"article: backbones {', '.join(chosen or [BUNDLED])}"
    if missing:
        said += f"; not to be had: {', '.join(f'{name} ({weights(backbones[name])})' for name in missing)}"
    return chosen or [BUNDLED], said


def settle(may_fetch: bool) -> list[str]:
    """Return the backbones' names: those that Snakemake's first process chose, which says so on stderr.

    may_fetch: as in `choose`. Raises HuskyError where what was handed down names no backbone.
    """
    backbones = {name: read(name) for name in (*(each for names in WANTED for each in names), BUNDLED)}
    handed_down = os.environ.get(CHOSEN)
    if handed_down:
        names = handed_down.split(",")
        if unknown := [name for name in names if name not in backbones]:
            raise HuskyError(f"{CHOSEN}: there is no backbone '{unknown[0]}'.{nearest(unknown[0], backbones)}")
        return names
    names, said = choose(backbones, may_fetch)
    print(said, file=sys.stderr)
    os.environ[CHOSEN] = ",".join(names)
    return names
