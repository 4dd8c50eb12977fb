"""What a table calls an image leads to it where only one can be meant, and nowhere else."""

import unicodedata

import pytest
from huskies.images.table_names import WITHOUT_ENDINGS, Found, Names

APART = unicodedata.normalize("NFD", "café")
OTHER_FOLDERS = "other folders before the names"


@pytest.mark.parametrize("typed", ["cat/a.jpg", "./cat/a.jpg", "cat\\a.jpg", ".\\cat\\a.jpg"])
def test_the_path_of_an_image_leads_to_it_typed_on_any_system(typed):
    assert Names(["cat/a.jpg", "a.jpg"]).find(typed) == Found("cat/a.jpg")


@pytest.mark.parametrize(
    ("typed", "how"),
    [
        ("CAT/A.JPG", "names in another letter case"),
        (" cat/a.jpg ", "blanks at the ends of names left out"),
        ("a.jpg", OTHER_FOLDERS),
        ("/home/me/cat/a.jpg", OTHER_FOLDERS),
        ("C:\\photos\\cat\\a.jpg", OTHER_FOLDERS),
        ("cat/a", WITHOUT_ENDINGS),
        ("A", WITHOUT_ENDINGS),
    ],
)
def test_a_name_that_differs_is_found_with_the_way_in_which_it_does(typed, how):
    assert Names(["cat/a.jpg", "dog/b.jpg"]).find(typed) == Found("cat/a.jpg", how)


@pytest.mark.parametrize("typed", ["", " ", "/", ".", "c.jpg", "dog/a.jpg", "a.png", "cat/../cat/a.jpg", "cat"])
def test_any_other_name_leads_nowhere(typed):
    assert Names(["cat/a.jpg"]).find(typed) == Found("")


def test_a_name_that_fits_several_images_gives_them_and_none():
    names = Names(["cat/a.jpg", "dog/a.jpg", "x.jpg", "x.png"])
    assert names.find("a.jpg") == Found("", several=("cat/a.jpg", "dog/a.jpg"))
    assert names.find("x") == Found("", several=("x.jpg", "x.png"))


def test_the_fullest_path_is_meant():
    names = Names(["a.jpg", "cat/a.jpg", "old/cat/a.jpg"])
    assert names.find("/home/old/cat/a.jpg") == Found("old/cat/a.jpg", OTHER_FOLDERS)
    assert names.find("CAT/A.jpg") == Found("cat/a.jpg", "names in another letter case")


def test_the_image_beside_the_table_is_meant():
    names = Names(["a.jpg", "cat/a.jpg", "dog/a.jpg", "dog/in/b.jpg", "cat/b.jpg"])
    assert names.find("a.jpg", "dog") == Found("dog/a.jpg")
    assert names.find("b.jpg", "dog") == Found("dog/in/b.jpg", OTHER_FOLDERS)
    assert names.find("a.jpg") == Found("a.jpg")


def test_the_image_in_the_same_letter_case_is_meant():
    names = Names(["cat/a.jpg", "cat/A.jpg"])
    assert names.find("A.jpg") == Found("cat/A.jpg", OTHER_FOLDERS)
    assert names.find("a.JPG").several == ("cat/a.jpg", "cat/A.jpg")


def test_a_whole_name_goes_before_one_without_its_ending():
    assert Names(["a.b", "a.b.jpg"]).find("A.B") == Found("a.b", "names in another letter case")
    assert Names(["a.b.jpg"]).find("a.b") == Found("a.b.jpg", WITHOUT_ENDINGS)


@pytest.mark.parametrize(("typed", "on_disk"), [("café", APART), (APART, "café")])
def test_an_accent_may_be_composed_in_another_way(typed, on_disk):
    assert Names([f"{on_disk}.jpg"]).find(f"{typed}.jpg") == Found(f"{on_disk}.jpg")


def test_the_folder_of_the_table_may_have_its_accents_apart():
    names = Names([f"{APART}/a.jpg", f"{APART}/in/b.jpg", "tea/a.jpg", "tea/b.jpg"])
    assert names.find("a.jpg", APART) == Found(f"{APART}/a.jpg")
    assert names.find("b.jpg", APART) == Found(f"{APART}/in/b.jpg", OTHER_FOLDERS)
