"""Made-up inputs of the stage report, the page that it makes of them, and what a reader finds in a page."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
from conftest import bare_job
from huskies import outputs, receipt
from huskies.images import codec, manifest, naming
from huskies.job import Job
from huskies.page import label_issues
from huskies.statistics import cross_validated
from huskies.steps import metrics, report

HOSTILE = ["<script>alert(1)</script>", "\"quoted\" & 'so'", "ورد {{ 7 * 7 }}", "long " * 24]
POLICY = [{"transform": "Rotate", "limit": [-20, 20], "p": 1.0}, {"transform": "HorizontalFlip", "p": 0.5}]
VOID = {"meta", "img", "br", "input", "link", "hr"}


@dataclass
class Made:
    """What a flow might have made: the classes, the copies of each image, what leaks, and what was looked at.

    missed: how many of its two validation images of each class the baseline misses; the augmented head misses one less.
    """

    labels: list[str] = field(default_factory=lambda: ["rose", "iris"])
    factor: int = 2
    missed: int = 1
    leaks: int = 0
    rejected: list[dict[str, str]] = field(default_factory=list)
    conflicts: list[dict[str, str]] = field(default_factory=list)

    def job(self, folder: Path) -> Job:
        """Write all inputs below `folder`; return the job of the report."""
        data = folder / "data"
        split, copies = self._images(data)
        rows = split[split["split"] != "test"]
        features = np.random.default_rng(1).normal(size=(len(rows), 8)).astype(np.float32)
        self._table(data / "bottlenecks_original/index.csv", rows)
        np.save(data / "bottlenecks_original/features.npy", features)
        self._table(data / "convert/rejected.csv", pd.DataFrame(self.rejected, columns=["file", "label", "reason"]))
        named = [file.replace(f"/{kind}_", "/", 1) for file, kind in zip(split["file"], split["split"], strict=True)]
        groups = pd.DataFrame({"file": named, "reasons": "near-duplicate"})
        self._table(data / "group/groups.csv", groups)
        self._table(data / "group/near.csv", pd.DataFrame(columns=["file", "other", "similarity"]))
        self._table(data / "group/conflicts.csv", pd.DataFrame(self.conflicts, columns=["file", "label", "sha256"]))
        for name, fewer in (("baseline", 0), ("augmented", 1)):
            self._training(data / f"train_{name}", rows[rows["split"] == "val"], max(0, self.missed - fewer))
        (data / "leaks").mkdir()
        found = {
            "leaks": self.leaks,
            "action": "warn",
            "traced": {"train_baseline": len(rows), "train_augmented": len(copies)},
        }
        (data / "leaks/leaks.json").write_text(json.dumps(found))
        leaking = [("a.jpg", "b.jpg", "near-duplicate", "0.97")] * self.leaks
        self._table(
            data / "leaks/leaks.csv", pd.DataFrame(leaking, columns=["file", "held_out", "reason", "similarity"])
        )
        self._metrics(data)
        names = ["convert", "group", "split", "augment", "bottlenecks_original", "train_baseline", "train_augmented"]
        inputs = {name: data / name for name in [*names, "leaks", "cross_validation", "metrics"]}
        doubted = label_issues.suspects(rows, features)
        issues = label_issues.to_correct(doubted, rows.assign(source=rows["file"]))
        self._table(data / "cross_validation/label_issues.csv", issues)
        for name, path in inputs.items():
            section = {"aug": {"factor": self.factor, "seed": 1, "policy": POLICY}} if name == "augment" else {}
            receipt.write(path, {"stage": name, "params": section, "libraries": {"numpy": "2.4.6"}})
        (folder / "out").mkdir()
        return bare_job("report", folder / "out", inputs=inputs)

    def _images(self, data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Write data/split and data/augment; return their manifests. There are no pixels of test images."""
        random = np.random.default_rng(0)
        rows, copies = [], []
        for label in self.labels:
            for kind, count in (("train", 3), ("val", 2), ("test", 2)):
                for number in range(count):
                    file = f"{naming.class_folder(label)}/{kind}_{number}.jpg"
                    source = codec.sha256(file.encode())
                    row = {"file": file, "label": label, "split": kind, "group": source[:16], "source_sha256": source}
                    if kind != "test":
                        row["sha256"] = self._image(data / "split" / file, random)
                    rows.append(row)
                    for copy in range(self.factor if kind == "train" else 0):
                        file_of_copy = naming.with_copy(file, copy)
                        sha256 = self._image(data / "augment" / file_of_copy, random)
                        copies.append({**row, "file": file_of_copy, "copy": str(copy), "sha256": sha256})
        # Two that belong together.
        rows[1]["group"] = rows[0]["group"]
        found = manifest.make(rows), manifest.make(copies)
        for name, frame in zip(("split", "augment"), found, strict=True):
            self._table(data / name / manifest.NAME, frame.sort_values("file"))
        return found[0].sort_values("file"), found[1]

    def _image(self, path: Path, random: np.random.Generator) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = codec.encode(random.integers(0, 256, (24, 16, 3), dtype=np.uint8), 90)
        path.write_bytes(content)
        return codec.sha256(content)

    def _training(self, folder: Path, rows: pd.DataFrame, missed: int) -> None:
        wrong = rows["file"].map(lambda file: int(file[-5]) < missed)
        following = dict(zip(self.labels, [*self.labels[1:], self.labels[0]], strict=True))
        frame = rows[["file", "label", "sha256"]].assign(
            predicted=rows["label"].where(~wrong, rows["label"].map(following))
        )
        for number, label in enumerate(self.labels):
            frame[f"p_{label}"] = np.where(frame["predicted"] == label, 0.5 + 0.01 * number, 0.1).round(6)
        self._table(folder / "validation.csv", frame)
        steps = pd.DataFrame({"step": [20, 40]})
        for column in ("train_accuracy", "train_cross_entropy", "val_accuracy", "val_cross_entropy"):
            steps[column] = [0.5, 0.625]
        self._table(folder / "history.csv", steps)
        right = (frame["label"] == frame["predicted"]).to_numpy()
        np.save(folder / "validation_right.npy", np.stack([right, right]))
        np.save(folder / "validation_cross_entropy.npy", np.ones((2, len(frame)), np.float32))
        scores = {"step": 40, "images": 12, "train_accuracy": 0.987654, "val_cross_entropy": 0.612345}
        (folder / "scores.json").write_text(json.dumps(scores))

    def _metrics(self, data: Path) -> None:
        """Let the stage metrics itself make the numbers."""
        (data / "metrics").mkdir()
        self._asked(data / "cross_validation")
        read = ("train_baseline", "train_augmented", "leaks", "cross_validation")
        inputs = {name: data / name for name in read}
        given = {"inputs": inputs, "params": {"train": {"keep": "best"}}, "provenance": {"raw": "0123", "code": "4567"}}
        metrics.run(bare_job("metrics", data / "metrics", **given))

    def _asked(self, folder: Path) -> None:
        """Write what the stage cross_validation makes where augmentation wins an image of each class."""
        images = pd.DataFrame({"label": self.labels * 5, "group": [str(each) for each in range(5 * len(self.labels))]})
        before = np.arange(len(images)) < 2 * len(self.labels)
        after = np.arange(len(images)) < 3 * len(self.labels)
        numbers = cross_validated.summarise({"baseline": before[None], "augmented": after[None]}, images)
        numbers |= {"folds": 5, "repeats": 2, "leaks": 0, "leaks_action": "warn"}
        for head, count in (("baseline", 8), ("augmented", 24)):
            numbers[head]["training_images"] = count
        folder.mkdir()
        (folder / outputs.CROSS_VALIDATION).write_text(json.dumps(numbers))
        (folder / outputs.TABLE).write_text(cross_validated.table(numbers))

    def _table(self, path: Path, frame: pd.DataFrame) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)


class Page(HTMLParser):
    """What a reader finds in a page: the numbers of metrics.json by key, tables, texts, and addresses.

    numbers: (exact value, what is shown) by key. tables: the texts of each row's cells, by the table's id. values: the
    exact values in each row of a table, likewise. texts: what stands in `<bdi>`. tags: (name, attributes) of every one.
    """

    def __init__(self, text: str):
        """Read all of it."""
        super().__init__()
        self.numbers: dict[str, tuple[str, str]] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.values: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: dict[str, list[str]] = {}
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._table = ""
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "table":
            self._table = found["id"]
            self.tables[self._table], self.values[self._table] = [], []
        if tag == "tr":
            self.tables[self._table].append([])
            self.values[self._table].append([])
        if tag not in VOID:
            self._open.append((tag, found, []))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        for _, _, said in self._open:
            said.append(data)

    def handle_endtag(self, tag):
        opened, found, said = self._open.pop()
        assert opened == tag
        text = "".join(said)
        if tag == "data" and "data-key" in found:
            assert self.numbers.get(found["data-key"], (found["value"],))[0] == found["value"]
            self.numbers[found["data-key"]] = found["value"], text
        elif tag == "data" and any(each == "td" for each, _, _ in self._open):
            self.values[self._table][-1].append(found["value"])
        elif tag in ("td", "th"):
            self.tables[self._table][-1].append(text.strip())
        elif tag == "bdi":
            self.texts.append(text)
        elif tag in ("p", "script", "style", "h1", "h2", "h3", "h4", "a", "svg"):
            self.said.setdefault(tag, []).append(text)


def made(made_up: Made, folder: Path) -> tuple[Job, str]:
    """Run the stage on made-up inputs; return its job and the page."""
    job = made_up.job(folder)
    report.run(job)
    return job, (job.output / outputs.REPORT).read_text(encoding="utf-8")
