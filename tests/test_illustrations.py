"""illustrations: a page shows as much as fits into an e-mail, and counts the rest."""

from huskies.images import manifest
from huskies.page import illustrations, label_issues, mistakes
from pages import Made, Page, made


def test_of_very_many_missed_images_the_surest_are_shown_and_the_rest_is_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(illustrations, "MOST_MISSED", 3)
    page = Page(made(Made(missed=2), tmp_path / "many")[1])
    assert len([each for tag, each in page.tags if tag == "li" and "data-probability" in each]) == 3
    assert "1 more, of which the heads were less sure, are in validation.csv of each training." in page.said["p"]


def test_of_a_large_group_of_duplicates_a_few_are_shown_and_all_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(illustrations, "MOST_OF_GROUP", 1)
    page = Page(made(Made(), tmp_path / "grouped")[1])
    assert "train, joined as near-duplicate: 2 images, of which 1 are shown" in page.said["p"]
    shown = [each["alt"] for tag, each in page.tags if tag == "img" and each["alt"].startswith("Image ")]
    suspected = len(page.tables["suspects"][1:])
    assert len(shown) == suspected + 1


def test_a_map_of_very_many_training_images_shows_some_and_every_validation_image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(illustrations, "MOST_POINTS", 4)
    job, text = made(Made(), tmp_path / "crowded")
    assert "missed ones ringed; of 6 training images, 4 are drawn</figcaption>" in text
    rows = manifest.read(job.inputs["split"] / manifest.NAME)
    rows = rows[rows["split"] != "test"]
    drawn = illustrations.drawn_points(rows[["file", "split"]], rows)
    least = sorted(rows.loc[rows["split"] == "train", "sha256"])[:4]
    assert set(drawn["file"]) == set(rows.loc[(rows["split"] == "val") | rows["sha256"].isin(least), "file"])


def test_the_most_pictures_that_a_page_may_have_fit_into_an_e_mail():
    beside = mistakes.NEAREST * (1 + illustrations.FEWER_COPIES)
    pictures = illustrations.MOST_MISSED * (1 + beside) + label_issues.LIMIT
    pictures += illustrations.MOST_GROUPS * illustrations.MOST_OF_GROUP
    # A policy of 20 transforms, each with three arguments of which both ends are shown.
    of_transform = illustrations.TRIED * (1 + illustrations.COPIES) + 1 + 2 * 3
    pictures += illustrations.ORIGINALS * (1 + illustrations.COPIES) + 20 * of_transform
    # 6.85 kB is what a thumbnail of a photo takes in the page.
    assert 6.85e3 * pictures < 8e6
