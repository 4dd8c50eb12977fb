"""Made-up images with their manifests, jobs of the bottleneck stages, and what Keras itself makes of the images."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import BACKBONE, PROJECT, bare_job
from huskies import cache_file, digests, imports, outputs, receipt
from huskies.backbone import identity, store
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.planning import plan
from huskies.steps import bottlenecks
from PIL import Image

CODE = list(plan.code("bottlenecks_original", imports.Package()))


def picture(number: int, side: int = 40) -> bytes:
    """Return a JPEG of blocks of colour, another one for each number."""
    blocks = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST))
    return codec.encode(pixels, 95)


def write_images(folder: Path, files: dict[str, bytes]) -> Path:
    """Fill a folder with images and their manifest; the split is the prefix of the name."""
    folder.mkdir(exist_ok=True)
    rows = []
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        label, name = file.split("/")
        sha256 = codec.sha256(content)
        rows.append(
            {"file": file, "label": label, "split": name.split("_")[0], "source_sha256": sha256, "sha256": sha256}
        )
    manifest.write(manifest.make(rows), folder / manifest.NAME)
    return folder


def some_images(count: int, first: int = 0) -> dict[str, bytes]:
    return {f"cat/train_{number:03}.jpg": picture(number) for number in range(first, first + count)}


def make_job(
    source: Path, output: str = "out", stage: str = "bottlenecks_original", cores: int = 1, **more: Any
) -> Job:
    parameters = {**BACKBONE, **more}
    Path(output).mkdir()
    weights = Path("backbones", parameters["weights"])
    return bare_job(
        stage=stage,
        params={"backbone": parameters, "convert": {"max_side": 400}},
        inputs={"split": source.with_name("split"), "augment": source}
        if stage == "bottlenecks_augmented"
        else {"split": source},
        files={str(weights): digests.file_digest(weights)} if weights.is_file() else {},
        code=dict.fromkeys(CODE, "0"),
        libraries={"keras": "1", "tensorflow": "1"},
        output=Path(output),
        cores=cores,
    )


def forget() -> None:
    """Delete the store of bottlenecks."""
    for path in cache_file.cache_folder().glob(f"{store.NAME}*"):
        path.unlink()


def identity_of(job: Job) -> str:
    return identity.of(job, job.params["backbone"])


def finished(job: Job) -> Path:
    """Give the output of a job the receipt that the runner gives it."""
    receipt.write(job.output, {"stage": job.stage})
    return job.output


def refusal(job: Job) -> str:
    with pytest.raises(HuskyError) as error:
        bottlenecks.run(job)
    return str(error.value)


def plain_keras(files: dict[str, bytes], layer: str | None = None, side: int = 32) -> np.ndarray:
    """Return what Keras' own predict makes of the same pixels, with Keras' own preprocessing."""
    import keras

    model = keras.applications.MobileNet(
        alpha=0.5, weights=None, include_top=False, pooling=None if layer else "avg", input_shape=(side, side, 3)
    )
    model.load_weights("backbones/mini.weights.h5")
    if layer:
        model = keras.Model(model.input, model.get_layer(layer).output)
    pixels = np.stack([codec.resize(codec.decode(content), side) for content in files.values()]).astype(np.float32)
    features = model.predict(keras.applications.mobilenet.preprocess_input(pixels), verbose=0)
    return features.mean(axis=(1, 2)) if layer else features


def change_a_number(folder: Path) -> None:
    features = np.load(folder / outputs.FEATURES)
    features[0, 0] += 1
    np.save(folder / outputs.FEATURES, features)


def flowers(shared: Path, folder: Path, side: int) -> tuple[list[tuple[Path, str]], np.ndarray]:
    """Return (four of the article's photos as JPEGs, with their sha256; their pixels, float32)."""
    files, pixels = [], []
    for number in (1, 52, 113, 208):
        jpeg = codec.encode(codec.decode((shared / f"data/flowers/{number:04}.png").read_bytes()), 95)
        path = folder / f"{number}.jpg"
        path.write_bytes(jpeg)
        files.append((path, codec.sha256(jpeg)))
        pixels.append(codec.resize(codec.decode(jpeg), side))
    return files, np.stack(pixels).astype(np.float32)


def compute_in_a_process(parameters: dict[str, Any], files: list[tuple[Path, str]], **environment: str) -> Any:
    """Return what a fresh interpreter says: the features as lists, or the message of the HuskyError."""
    script = """
import json, sys
from pathlib import Path
from huskies.backbone import tensorflow_setup
from huskies.backbone import inference
from huskies.backbone import network
from huskies.backbone.features import images_of
from huskies.backbone.features import load_features
from huskies.errors import HuskyError
from huskies.backbone.features import images_of
from huskies.backbone.features import load_features

parameters, files = json.loads(sys.argv[1])
try:
    batches = inference.compute(parameters, [(Path(path), sha256) for path, sha256 in files], 1)
    said = [row.tolist() for _, features in batches for row in features]
except HuskyError as error:
    said = str(error)
print(json.dumps({"said": said}))
"""
    asked = json.dumps([parameters, [(str(path), sha256) for path, sha256 in files]])
    done = subprocess.run(
        [sys.executable, "-c", script, asked],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "workflow"), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])["said"]
