"""From raw photos to a classifier in other people's hands, in one fresh clone: whoever is asked gives one answer."""

import base64
import csv
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import browser
import numpy as np
import pytest
from conftest import PROJECT, Clone, clone_project, do
from huskies import ledger
from huskies.exports import ask, file_formats, format_table
from huskies.images import codec
from huskies.planning import stage_list
from PIL import Image
from ruamel.yaml import YAML

pytestmark = [pytest.mark.long, pytest.mark.browser]

TITLE = "Three digits </script><b>"
# A runtime, and the formats that it reads.
RUNTIMES = {
    "tensorflow": ["keras", "saved_model"],
    "onnxruntime": ["onnx"],
    "ai-edge-litert": ["litert", "litert_int8"],
    "openvino": ["openvino"],
}
DROPPED = """([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([bytes], name));
    return given;
}"""


def test_all_that_a_user_is_given_says_what_the_flow_says(tmp_path, chromium):
    clone = clone_project(tmp_path / "clone")
    clone.set(card__title=TITLE)
    for target in ("metrics", "final", "export"):
        do(clone, "snakemake", "--cores", "2", target)
    said = do(clone, "huskies", "predict", "data/final", "data/digits", "--format", "csv")
    predicted = {row["file"]: row for row in csv.DictReader(said.splitlines())}
    assert len(predicted) == 27
    check_runtimes(clone, predicted, tmp_path / "environments")
    page = clone.folder / "data/export/classifier.html"
    for size, dark in ((browser.PHONE, False), (browser.DESKTOP, True)):
        with browser.visit(chromium, page, size=size, dark=dark) as visit:
            check_page(visit, clone, predicted, tmp_path)
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    sentence = json.loads((clone.folder / "data/final/final.json").read_text())["sentence"]
    assert re.sub(r"\s+", " ", sentence) in page.read_text(encoding="utf-8")
    check_server(clone, chromium)
    check_bytes(clone)
    # All of it without a look at the test set.
    assert ledger.read(clone.folder / ledger.PATH).empty


def check_runtimes(clone: Clone, predicted: dict[str, dict[str, str]], folder: Path) -> None:
    """Ask each file by its runtime, in a new environment that has nothing else, about raw photos."""
    folder.mkdir()
    data, photos = clone.folder / "data", sorted(predicted)[::3]
    description = json.loads((data / "export/two_huskies.json").read_text())
    backbone = json.loads((data / "final/final.json").read_text())["backbone"]
    files = [data / "convert" / Path(each).relative_to("data/digits").with_suffix(".jpg") for each in photos]
    jpegs = [(path, codec.sha256(path.read_bytes())) for path in files]
    np.save(folder / "pixels.npy", format_table.pixels_of(jpegs, backbone, description["pixels"]["shape"][1]))
    for runtime, kinds in RUNTIMES.items():
        python = environment(folder / runtime, runtime)
        for kind in kinds:
            exported = data / "export" / file_formats.FILES[kind]
            given = [kind, exported, folder / "pixels.npy", folder / "answers.npz"]
            done = subprocess.run([python, "-I", ask.__file__, *given], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            with np.load(folder / "answers.npz") as answers:
                sure, accepted = answers["probabilities"], answers["distance"] <= description["threshold"]
            for number, photo in enumerate(photos):
                row, int8 = predicted[photo], kind == "litert_int8"
                assert sure[number].max() == pytest.approx(float(row["probability"]), abs=0.2 if int8 else 0.02)
                if not int8:
                    assert description["labels"][sure[number].argmax()] == row["label"], (kind, photo)
                    assert accepted[number] == (row["accepted"] == "true"), (kind, photo)


def environment(folder: Path, runtime: str) -> Path:
    """Return Python in a new environment that has this runtime, as it is pinned, and what it brings along."""
    pins = YAML(typ="safe").load(PROJECT / stage_list.PINS)
    wanted = [f"{name}=={pins[name]}" for name in (runtime, "numpy", *(["keras"] if runtime == "tensorflow" else []))]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "bin/python"


def check_page(visit: browser.Visit, clone: Clone, predicted: dict[str, dict[str, str]], folder: Path) -> None:
    """Choose photos in the page, drop one, and give it what is none of the classes and what is no photo."""
    rows = {Path(file).name: row for file, row in predicted.items()}
    dropped, *chosen = [clone.folder / row["file"] for row in list(rows.values())[::2]]
    noise, text = folder / "noise.jpg", folder / "notes.txt"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)).save(noise)
    text.write_text("nothing")
    visit.page.set_input_files("#choose", [*chosen, noise, text])
    content = base64.b64encode(dropped.read_bytes()).decode()
    visit.page.dispatch_event(
        "#drop", "drop", {"dataTransfer": visit.page.evaluate_handle(DROPPED, [dropped.name, content])}
    )
    found = answers(visit, len(chosen) + 3)
    for photo in (dropped, *chosen):
        mine, flow = found[photo.name], rows[photo.name]
        assert (mine["label"], mine["accepted"]) == (flow["label"], flow["accepted"])
        assert float(mine["probability"]) == pytest.approx(float(flow["probability"]), abs=0.03)
    assert found["noise.jpg"]["accepted"] == "false"
    assert "None of these" in found["noise.jpg"]["text"]
    assert "Not read: this browser cannot read it as a picture." in found["notes.txt"]["text"]
    assert visit.page.inner_text("h1") == TITLE
    assert (visit.violations(), visit.errors, visit.outside) == ([], [], [])


def answers(visit: browser.Visit, count: int) -> dict[str, dict]:
    """Return what the page says of each photo by its name, once it has answered as many."""
    told = visit.page.locator("#answers > li[data-label], #answers > li.refused")
    end = time.monotonic() + 60
    while told.count() < count and time.monotonic() < end:
        time.sleep(0.05)
    read = "all => all.map(each => [each.querySelector('.name').textContent, {...each.dataset}, each.innerText])"
    return {name: {**data, "text": text} for name, data, text in told.evaluate_all(read)}


def check_server(clone: Clone, chromium: object) -> None:
    """Ask the served classifier by HTTP and in its page, and interrupt it."""
    photo = next((clone.folder / "data/digits/3").glob("*.png"))
    row = json.loads(do(clone, "huskies", "predict", "data/final", str(photo), "--format", "jsonl"))
    with served(clone) as (server, address):
        status, content = requested(f"{address}predict", photo.read_bytes())
        assert (status, json.loads(content)) == (200, {key: row[key] for key in row if key != "file"})
        with browser.visit(chromium, address, size=browser.PHONE) as visit:
            visit.page.wait_for_selector("body[data-ready=yes]")
            visit.page.set_input_files("#choose", photo)
            told = visit.page.wait_for_selector("#answers > li[data-label]")
            assert told.get_attribute("data-label") == row["label"]
            assert (visit.errors, visit.outside) == ([], [])
        assert requested(f"{address}final.json")[0] == 404
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert "serve: ended" in server.stderr.read()


@contextmanager
def served(clone: Clone) -> Iterator[tuple[subprocess.Popen, str]]:
    """Serve the clone's classifier at an address of its own."""
    command = [sys.executable, "-m", "huskies", "serve", "data/final", "--port", "0"]
    variables = {**clone.environment(), "PYTHONPATH": "workflow"}
    with subprocess.Popen(command, cwd=clone.folder, env=variables, stderr=subprocess.PIPE, text=True) as server:
        address = next(line for line in server.stderr if "serving on" in line).split()[2].rstrip(",")
        assert address.startswith("http://127.0.0.1:")
        yield server, address


def requested(address: str, content: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(address, content, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check_bytes(clone: Clone) -> None:
    """Export once more, in another process and on one core: the bytes are the same."""
    first = clone.bytes_of("export")
    for path in (clone.folder / "data/export").glob("receipt-*"):
        path.unlink()
    do(clone, "snakemake", "--cores", "1", "export")
    assert clone.bytes_of("export") == first
