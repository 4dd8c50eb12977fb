"""article: every row of the article is there, with numbers that are those of the runs, and nothing is fetched."""

import csv
import re
from html import escape

import numpy as np
import pytest
from article_inputs import HOSTILE, POLICY, SENTENCE, number, written
from browser import DESKTOP, PHONE, visit
from conftest import PROJECT
from huskies.article import article
from huskies.planning import stage_list
from pages import Page
from ruamel.yaml import YAML

ROWS = [
    "polynomials",
    "noise",
    "label_safety",
    "flowers",
    "gradient_descent",
    "distorted",
    "leaky",
    "prefix_mode",
    "old_bottlenecks",
    "tuning",
    "retrain",
    "sweep",
    "best",
]
ON_FLOWERS = {"flowers", "gradient_descent", "distorted", "leaky", "prefix_mode", "old_bottlenecks", "tuning"}
# Of retrain.py for TensorFlow 1 in tensorflow/hub, of its last version, of that of tensorflow-for-poets-2, and the
# article's own.
FLAGS = {
    "image_dir": "",
    "output_graph": "/tmp/output_graph.pb",
    "intermediate_output_graphs_dir": "/tmp/intermediate_graph/",
    "intermediate_store_frequency": "0",
    "output_labels": "/tmp/output_labels.txt",
    "summaries_dir": "/tmp/retrain_logs",
    "how_many_training_steps": "4000",
    "learning_rate": "0.01",
    "testing_percentage": "10",
    "validation_percentage": "10",
    "eval_step_interval": "10",
    "train_batch_size": "100",
    "test_batch_size": "-1",
    "validation_batch_size": "100",
    "print_misclassified_test_images": "False",
    "bottleneck_dir": "/tmp/bottleneck",
    "final_tensor_name": "final_result",
    "flip_left_right": "False",
    "random_crop": "0",
    "random_scale": "0",
    "random_brightness": "0",
    "tfhub_module": "https://tfhub.dev/google/imagenet/inception_v3/feature_vector/1",
    "saved_model_dir": "",
    "logging_verbosity": "INFO",
    "checkpoint_path": "/tmp/_retrain_checkpoint",
    "architecture": "inception_v3",
    "model_dir": "/tmp/imagenet",
    "prefix_mode": "",
}


def texts() -> dict:
    return YAML(typ="safe").load((PROJECT / article.TEXTS).read_text(encoding="utf-8"))


def flags() -> list[dict[str, str]]:
    with open(PROJECT / article.FLAGS, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def without_flowers(tmp_path_factory):
    return written(tmp_path_factory.mktemp("article"), flowers=False)


def test_every_row_of_the_article_is_there_in_its_order(article_made):
    _, page, table, _ = article_made
    assert [row["row"] for row in texts()["rows"]] == ROWS
    assert table["row"].drop_duplicates().tolist() == ROWS
    assert re.findall(r'<section id="(\w+)"', page) == ["overview", *ROWS]
    assert page.count("<h3>Why ours differs</h3>") == len(ROWS)


def test_the_page_shows_the_numbers_of_the_table_and_no_others(article_made):
    _, text, table, _ = article_made
    page = Page(text)
    shown = table.dropna(subset="ours")
    for row, of_row in shown.groupby("row"):
        expected = [
            [value for value in (each.article, each.ours, each.low, each.high) if not np.isnan(value)]
            for each in of_row.itertuples()
        ]
        found = [[float(value) for value in values] for values in page.values[f"{row}-numbers"][1:]]
        assert [np.round(values, 6).tolist() for values in found] == expected


def test_what_users_and_runs_wrote_is_text(article_made):
    _, page, _, _ = article_made
    for hostile in (HOSTILE, SENTENCE, POLICY, "<u>x"):
        assert hostile not in page
        assert escape(hostile) in page


def test_the_page_is_one_file_that_fetches_nothing(article_made):
    page = Page(article_made[1])
    assert [
        attributes["http-equiv"] for tag, attributes in page.tags if tag == "meta" and "http-equiv" in attributes
    ] == ["Content-Security-Policy"]
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert {tag for tag, _ in page.tags} & {"link", "iframe", "object"} == set()
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {link for link in links if not link.startswith("#")} == {"../../docs/sweep.md", "../../docs/flowers.md"}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")


def test_without_the_flowers_the_other_rows_are_made_and_these_say_how_to_mend_it(without_flowers):
    said, page, table, _ = without_flowers
    assert said.endswith("; 7 of 13 rows not made, for the flowers are missing")
    assert table["row"].drop_duplicates().tolist() == ROWS
    missing = table[table["note"] == article.MISSING]
    assert set(missing["row"]) == ON_FLOWERS
    assert missing["ours"].isna().all()
    assert page.count(escape(article.MISSING)) == 1 + len(ON_FLOWERS)
    assert "kaggle datasets download --path data olgabelitskaya/flower-color-images" in article.MISSING
    assert page.count("<h3>Why ours differs</h3>") == len(ROWS) - len(ON_FLOWERS)
    assert number(table, "noise", "baseline: validation accuracy")["ours"] == 0.25


def test_the_page_says_which_backbones_it_was_made_with(article_made, tmp_path):
    assert "<li><bdi>MobileNetV2</bdi>: a smaller and newer network with ImageNet weights</li>" in article_made[1]
    _, page, _, _ = written(tmp_path, backbones=("MobileNet",), seeds=1)
    assert "the bundled network, since neither of the others could be had here" in page


def test_the_bytes_repeat(article_made, tmp_path):
    _, page, table, _ = written(tmp_path)
    assert page == article_made[1]
    assert table.equals(article_made[2])


def test_every_text_has_what_it_speaks_of(article_made):
    page = article_made[1]
    assert not re.search(r"\{\w+\}", re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL))
    for row in texts()["rows"]:
        assert row.keys() - {"flowers", "link"} == {"row", "title", "article", "reported", "ours", "why"}
        assert bool(row.get("flowers")) == (row["row"] in ON_FLOWERS)


def test_flags_of_retrain_stand_once_each_with_their_defaults():
    named = [(each["flag"][2:], each["default"]) for each in flags() if each["flag"].startswith("--")]
    assert dict(named) == FLAGS
    assert len(named) == len(FLAGS)
    assert not [each for each in flags() if each["keys"] and each["instead"]]
    others = {each["flag"] for each in flags()} - {f"--{name}" for name in FLAGS}
    assert others == {
        "_nohash_ in file names",
        "batches balanced by class",
        "labels",
        "exported graph",
        "list of misclassified images",
    }


@pytest.mark.parametrize("key", sorted({key for each in flags() for key in each["keys"].split()}))
def test_a_key_that_the_table_of_flags_names_is_one_of_params_yaml(key):
    values = YAML(typ="safe").load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    section, _, inner = key.partition(".")
    assert section in values
    assert not inner or inner in values[section]


@pytest.mark.parametrize("link", [row["link"] for row in texts()["rows"] if "link" in row])
def test_what_the_page_refers_to_is_there(link):
    assert (PROJECT / link).is_file()


def test_the_article_lists_every_file_that_its_page_is_made_of():
    package = PROJECT / stage_list.PACKAGE
    files = {package / "article/article.html", package / "page/parts.html", PROJECT / article.TEXTS}
    files |= {PROJECT / article.FLAGS, *(package / "page" / name for name in ("layout.html", "page.css", "page.js"))}
    listed = stage_list.controls(PROJECT)["article"]["deps"]
    assert {each for each in listed if not each.endswith(".py")} == {
        path.relative_to(PROJECT).as_posix() for path in files
    }
    assert [path.name for path in (package / "article").glob("*.html")] == ["article.html"]


@pytest.mark.browser
@pytest.mark.parametrize(("size", "dark"), [((375, 667), False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)])
def test_the_page_has_no_fault_in_a_browser(chromium, article_made, tmp_path, size, dark):
    path = tmp_path / "article.html"
    path.write_text(article_made[1], encoding="utf-8")
    with visit(chromium, path, size, dark) as seen:
        for opened in (False, True):
            if opened:
                seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            assert (seen.errors, seen.outside, seen.violations()) == ([], [], [])
            assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
