"""report: the numbers are those of metrics.json, what users wrote is text, and nothing is fetched."""

import base64
import hashlib
import itertools
import json
import re
from pathlib import Path

import pytest
from huskies import outputs
from huskies.images import manifest
from huskies.page import mistakes
from huskies.statistics import verdicts
from huskies.steps import report
from pages import HOSTILE, Made, Page, made

REJECTED = {"file": "<b>.png", "label": HOSTILE[0], "reason": "is no picture"}
FULL = Made(labels=HOSTILE, rejected=[REJECTED])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The job and the page of inputs in which there is something of everything, with hostile names."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return made(FULL, folder)


@pytest.fixture
def job(written):
    return written[0]


@pytest.fixture
def text(written) -> str:
    return written[1]


@pytest.fixture
def page(text) -> Page:
    return Page(text)


def numbers_of(job) -> dict:
    return json.loads((job.inputs["metrics"] / "metrics.json").read_text())


def rows_of(path: Path, *columns: str) -> list[list[str]]:
    return manifest.read(path)[list(columns)].to_numpy().tolist()


def test_every_number_is_that_of_metrics_json(page, job):
    numbers = numbers_of(job)
    for key, (value, _) in page.numbers.items():
        expected = numbers
        for part in key.split("."):
            expected = expected[part]
        assert value == str(expected), key
    of_heads = {f"{head}.{name}" for head in ("baseline", "augmented") for name in numbers["baseline"]}
    left_out = {"augmented.val_images"}
    expected = (of_heads - left_out) | {f"gain.{name}" for name in numbers["gain"]} | {"leaks"}
    asked = {f"cross_validation.{name}" for name in ("images", "groups", "folds", "repeats")}
    asked |= {f"cross_validation.gain.{name}" for name in ("accuracy", "low", "high")}
    for head in ("baseline", "augmented"):
        asked |= {f"cross_validation.{head}.{name}" for name in ("training_images", "accuracy", "low", "high")}
        asked |= {f"cross_validation.{head}.balanced.{name}" for name in ("accuracy", "low", "high")}
    assert page.numbers.keys() == expected | asked


def test_numbers_are_shown_as_they_are_in_the_table_of_the_stage(page):
    shown = {key: said for key, (_, said) in page.numbers.items()}
    assert shown["cross_validation.baseline.accuracy"] == "40.0\N{NO-BREAK SPACE}%"
    assert shown["cross_validation.gain.accuracy"] == "+20.0"
    assert shown["baseline.train_accuracy"] == "98.8\N{NO-BREAK SPACE}%"
    assert shown["baseline.val_accuracy"] == "50.0\N{NO-BREAK SPACE}%"
    assert shown["augmented.val_cross_entropy"] == "0.612"
    assert shown["gain.val_accuracy"] == "+50.0"
    assert shown["gain.p_value"] == verdicts.p_text(0.125)
    assert (shown["baseline.images"], shown["baseline.step"]) == ("12", "40")


def test_it_leads_with_the_sentence_of_metrics_json(page, text, job):
    assert page.said["p"][0] == numbers_of(job)["sentence"]
    assert text.index('<p class="answer') < text.index("<nav") < text.index("<h2")


def test_what_the_validation_images_alone_say_stands_below(page, text, job):
    said = numbers_of(job)["validation"]["sentence"]
    assert said != numbers_of(job)["sentence"]
    assert said in page.said["p"]
    assert text.index('id="cross-validation"') < text.index('id="comparison"')


def test_tables_have_what_the_files_have(page, job):
    folder = job.inputs["metrics"]
    assert page.values["per-class"][1:] == rows_of(folder / "per_class.csv", "precision", "recall", "f1", "images")
    names = [[label.strip(), head] for label, head in rows_of(folder / "per_class.csv", "label", "head")]
    assert [row[:2] for row in page.tables["per-class"][1:]] == names
    assert [row[-1:] for row in page.tables["confusion"][1:]] == rows_of(folder / "confusion.csv", "images")
    assert page.tables["rejected"][1:] == [["<b>.png", HOSTILE[0], "is no picture"]]


def test_images_are_counted_by_class_and_split(page):
    assert page.tables["counts"][0] == ["Class", "Training", "Augmented copies", "Validation", "Test"]
    assert page.tables["counts"][1:] == [[each.strip(), "3", "6", "2", "2"] for each in sorted(HOSTILE)] + [
        ["all", "12", "24", "8", "8"]
    ]


def test_what_users_wrote_is_text_and_stands_apart_from_the_direction_of_ours(page, text):
    assert {*HOSTILE} <= {*page.texts}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "alert(1)" not in page.said["script"][0]
    # In attributes and in figures as well, and what looks like a template is none.
    assert "<script>alert" not in text
    assert {attributes.get("value") for tag, attributes in page.tags if tag == "option"} >= {*HOSTILE}
    assert {
        attributes["data-actual"] for tag, attributes in page.tags if tag == "li" and "data-actual" in attributes
    } == {*HOSTILE}


def test_it_is_one_file_that_may_fetch_nothing(page, text):
    [policy] = [each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    digest = base64.b64encode(hashlib.sha256(page.said["script"][0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'; " in policy
    addresses = {each.get(name) for _, each in page.tags for name in ("src", "href", "xlink:href")} - {None}
    assert {address[:23] for address in addresses if not address.startswith("#")} == {"data:image/jpeg;base64,"}
    inside = {each["id"] for _, each in page.tags if "id" in each}
    assert {address[1:] for address in addresses if address.startswith("#")} <= inside
    assert {tag for tag, _ in page.tags} & {"link", "iframe", "object", "embed", "base"} == set()
    without_names = text.replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in without_names
    assert "https:" not in without_names
    assert "url(" not in without_names.replace("url(#", "")


def test_every_picture_and_figure_says_what_it_is_and_headings_descend_one_by_one(page):
    assert all(each["alt"] for tag, each in page.tags if tag == "img")
    assert all(each["role"] == "img" and each["aria-label"] for tag, each in page.tags if tag == "svg")
    assert all(each.get("scope") in ("col", "row") for tag, each in page.tags if tag == "th")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_without_scripting_every_missed_image_is_there_to_be_opened_and_the_filters_are_not(page):
    [filters] = [each for tag, each in page.tags if tag == "form"]
    assert "hidden" in filters
    missed = [each for tag, each in page.tags if tag == "li" and "data-probability" in each]
    assert len(missed) == 4
    assert not any("hidden" in each for each in missed)
    assert [tag for tag, _ in page.tags].count("details") >= 4


def test_a_missed_image_says_what_each_head_took_it_for_and_how_sure_it_was(job):
    validations = {head: manifest.read(job.inputs[f"train_{head}"] / "validation.csv") for head in outputs.HEADS}
    first, *_ = mistakes.missed_images(validations)
    assert first["label"] == min(HOSTILE)
    assert [head["right"] for head in first["heads"]] == [False, True]
    taken_for = first["heads"][0]["predicted"]
    assert taken_for != first["label"]
    assert first["probability"] == float(first["heads"][0]["probability"]) == 0.5 + 0.01 * HOSTILE.index(taken_for)


def test_the_nearest_training_images_are_shown_with_their_copies(page):
    shown = [each["alt"] for tag, each in page.tags if tag == "img" and each["alt"].startswith(("original", "copy"))]
    # Three for each of four missed images, and one of each class for the whole policy; two copies of each.
    assert len([alt for alt in shown if alt.startswith("original of ")]) >= 3 * 4 + 4
    assert len([alt for alt in shown if alt.startswith("copy 1 of ")]) == 3 * 4 + 4


def test_figures_stand_in_files_as_they_do_in_the_page(job, text):
    files = {path.stem: path.read_text(encoding="utf-8") for path in (job.output / outputs.FIGURES).iterdir()}
    assert files.keys() == {
        "comparison",
        "confusion_augmented",
        "confusion_baseline",
        "cross_validation",
        "learning_curves",
        "map",
        "per_class",
    }
    assert all(svg in text for svg in files.values())


def test_the_same_inputs_give_the_same_bytes_elsewhere(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = made(FULL, tmp_path / "elsewhere")[1]
    assert again == text
    assert str(tmp_path) not in text


def test_an_empty_flow_has_a_page_that_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Page(made(Made(factor=0, missed=0), tmp_path / "empty")[1])
    said = " ".join(page.said["p"])
    assert "No validation image was missed by either head." in said
    assert "No file was rejected." in said
    assert "There are none: aug.factor is 0." in said
    assert not {"rejected", "leaking"} & page.tables.keys()


def test_leaks_come_before_everything_else_and_are_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, text = made(Made(leaks=2), tmp_path / "leaky")
    page = Page(text)
    assert page.said["p"][0].startswith(
        "These numbers are false, for held-out images leaked into the training (leaks: 2). "
    )
    assert page.said["p"][1] == "The leaks are listed below."
    assert '<p class="answer false">' in text
    assert page.tables["leaking"][1:] == [["a.jpg", "b.jpg", "near-duplicate", "0.97"]] * 2


def test_of_long_tables_the_first_rows_are_shown_and_the_file_with_the_rest_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rejected = [{**REJECTED, "file": f"{number}.png"} for number in range(203)]
    conflicts = [{"file": f"{label}/{n}.jpg", "label": label, "sha256": f"{n}"} for n in range(202) for label in "ab"]
    page = Page(made(Made(leaks=201, rejected=rejected, conflicts=conflicts), tmp_path / "long")[1])
    assert [len(page.tables[name]) for name in ("rejected", "contradictions", "leaking")] == [1 + 200] * 3
    assert {
        "Rows left out here: 3, see data/convert/rejected.csv.",
        "Rows left out here: 2, see data/group/conflicts.csv and near.csv.",
        "Rows left out here: 1, see data/leaks/leaks.csv.",
    } <= {*page.said["p"]}


def test_classes_that_differ_in_letter_case_alone_can_be_told_apart_by_the_filters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Page(made(Made(labels=["Rose", "rose"], missed=2), tmp_path / "case")[1])
    values = [each.get("value") for tag, each in page.tags if tag == "option"]
    assert (values.count("Rose"), values.count("rose")) == (2, 2)


def test_a_class_with_a_single_image_and_parameters_of_any_shape_are_shown():
    rows = manifest.make([{"file": "rose/train_a.jpg", "label": "rose", "split": "train"}])
    [counted] = report.counts(rows, manifest.make([])).to_dict("records")
    assert counted == {"label": "rose", "train": 1, "val": 0, "test": 0, "copies": 0}
    plans = {
        "a": {"params": {"aug": {"policy": [{"p": 1.0}], "fill": [], "arguments": {}}, "raw": "ü"}},
        "b": {"params": {}},
    }
    assert report.parameters(plans) == [
        ("aug.arguments", "{}"),
        ("aug.fill", "[]"),
        ("aug.policy.0.p", "1.0"),
        ("raw", '"ü"'),
    ]
