"""The report's page in a real browser: it renders, filters, opens and prints, and axe-core finds no fault in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Visit, visit
from conftest import clone_project, do
from pages import HOSTILE, Made, made

pytestmark = pytest.mark.browser

# The narrowest of common phones.
NARROW = (375, 667)
LOOKS = [(NARROW, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)]


@pytest.fixture(scope="module")
def nasty(tmp_path_factory) -> Path:
    """The page of made-up inputs with hostile names: four classes, of each of which both images are missed."""
    folder = tmp_path_factory.mktemp("page")
    rejected = [{"file": "<b>.png", "label": HOSTILE[0], "reason": "is no picture"}]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        job, _ = made(Made(labels=HOSTILE, missed=2, leaks=1, rejected=rejected), folder)
    return job.output / "report.html"


def open_all(seen: Visit) -> None:
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")


def check(seen: Visit) -> None:
    """Look for faults, and for a page wider than its window, as it opens and with all that can be opened."""
    for opened in (False, True):
        if opened:
            open_all(seen)
        assert (seen.errors, seen.outside, seen.violations()) == ([], [], [])
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_a_page_with_nasty_names_has_no_fault(chromium, nasty, size, dark):
    with visit(chromium, nasty, size, dark) as seen:
        check(seen)


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_the_page_of_the_digits_has_no_fault(chromium, first_build, size, dark):
    with visit(chromium, first_build[0].folder / "data/report/report.html", size, dark) as seen:
        check(seen)


@pytest.mark.shared
@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_the_page_of_the_flowers_has_no_fault_and_is_small_enough_for_an_e_mail(chromium, tmp_path):
    clone = clone_project(tmp_path / "clone", raw=False)
    flowers = str(Path(os.environ["HUSKIES_SHARED"], "data/flowers"))
    clone.set(raw=flowers, split__validation=0.2, backbone__engine="openvino", backbone__precision="float32")
    do(clone, "snakemake", "--cores", "2", "report")
    page = clone.folder / "data/report/report.html"
    assert page.stat().st_size < 10e6
    for size, dark in LOOKS:
        with visit(chromium, page, size, dark) as seen:
            check(seen)


@pytest.fixture
def opened(chromium, nasty) -> Iterator[Visit]:
    with visit(chromium, nasty) as seen:
        yield seen


def shown(seen: Visit) -> list[tuple[str, str]]:
    """Return (actual class, what the baseline took it for) of the missed images that are to be seen, in their order."""
    items = seen.page.locator("#missed-images > li:visible").all()
    return [(each.get_attribute("data-actual"), each.get_attribute("data-predicted")) for each in items]


def test_missed_images_are_filtered_by_class_head_and_probability(opened):
    everything = shown(opened)
    assert len(everything) == 8
    assert opened.page.inner_text("#missed-status") == "8 of 8 images are shown."
    opened.page.select_option("[name=actual]", HOSTILE[0])
    assert [actual for actual, _ in shown(opened)] == [HOSTILE[0]] * 2
    assert opened.page.inner_text("#missed-status") == "2 of 8 images are shown."
    opened.page.select_option("[name=missedby]", "augmented")
    assert len(shown(opened)) == 1
    opened.page.click("button[type=reset]")
    opened.page.wait_for_function("document.getElementById('missed-status').textContent.startsWith('8 of 8')")
    opened.page.select_option("[name=predicted]", HOSTILE[3])
    assert shown(opened) == [(HOSTILE[2], HOSTILE[3])] * 2
    opened.page.select_option("[name=predicted]", "")
    # The classes are taken for the next one with 51, 52, 53 and, the last one, with 50 %.
    opened.page.fill("[name=least]", "52")
    assert {actual for actual, _ in shown(opened)} == {HOSTILE[1], HOSTILE[2]}


def test_missed_images_are_sorted_by_class_or_by_how_sure_the_mistake_was(opened):
    by_class = [actual for actual, _ in shown(opened)]
    assert by_class == sorted(by_class)
    opened.page.select_option("[name=order]", "sure")
    surest = [actual for actual, _ in shown(opened)]
    assert surest == [label for label in (*HOSTILE[2::-1], HOSTILE[3]) for _ in range(2)]
    opened.page.select_option("[name=order]", "unsure")
    assert [actual for actual, _ in shown(opened)] == surest[::-1]
    opened.page.select_option("[name=order]", "page")
    assert [actual for actual, _ in shown(opened)] == by_class


@pytest.mark.parametrize("scripting", [True, False])
def test_a_missed_image_opens_to_training_images_and_their_copies_by_the_keyboard(chromium, nasty, scripting):
    with visit(chromium, nasty, scripting=scripting) as seen:
        first = seen.page.locator("#missed-images > li").first
        copies = first.locator("img[alt^='copy 1 of ']")
        assert not copies.first.is_visible()
        first.locator("summary").focus()
        seen.page.keyboard.press("Enter")
        assert copies.count() == 3
        assert copies.first.is_visible()


def test_without_scripting_all_is_there_but_the_filters(chromium, nasty):
    with visit(chromium, nasty, scripting=False) as seen:
        assert len(shown(seen)) == 8
        assert not seen.page.is_visible("#filters")
        assert seen.page.inner_text("#missed-status") == "8 images are shown."


def test_on_paper_everything_is_open(chromium, nasty):
    with visit(chromium, nasty) as seen:
        seen.page.emulate_media(media="print")
        assert not seen.page.is_visible("nav")
        assert all(each.is_visible() for each in seen.page.locator("details td").all())
        closed = seen.page.locator("details:not([open])")
        before = closed.count()
        assert before > 0
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert closed.count() == 0
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert closed.count() == before
