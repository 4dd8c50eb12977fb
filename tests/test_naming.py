"""Names under data/: reversible, safe on any file system, and never shared."""

import hashlib
import unicodedata

import pytest
from huskies.errors import HuskyError
from huskies.images import naming
from hypothesis import assume, given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
# As a source really is: a path of parts that are neither empty nor "." or "..", and hold no slash.
PART = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda part: part not in (".", "..")
)
# Few letters, so that hypothesis finds names that differ only in case, ending or separator.
CLASHING = st.text("aAbß_-. ", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))
PATH = st.lists(st.one_of(PART, CLASHING), min_size=1, max_size=3).map("/".join)
IMAGE = st.builds("{}{}".format, PATH, st.sampled_from([".png", ".PNG", ".jpg", ".tar.gif"]))


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("husky", "husky"),
        ("Siberian husky", "Siberian husky"),
        ("dogs/husky", "dogs%2Fhusky"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        (".hidden", "%2Ehidden"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("etc.", "etc%2E"),
        (" husky ", "%20husky%20"),
        ("<script>", "%3Cscript%3E"),
        ('a:b*c?d"e|f\\g', "a%3Ab%2Ac%3Fd%22e%7Cf%5Cg"),
        ("two\nlines\t", "two%0Alines%09"),
        ("🐶", "🐶"),
        ("👩‍👧", "👩‍👧"),
        ("כלב", "כלב"),
        ("كلب أبيض", "كلب أبيض"),
    ],
)
def test_a_label_becomes_a_folder_name_and_comes_back(label, folder):
    assert naming.class_folder(label) == folder
    assert naming.label_of(folder) == label


@settings(deadline=None)
@given(TEXT)
def test_every_label_comes_back_from_its_folder_and_the_folder_is_safe(label):
    assume(len(label) < 20)
    folder = naming.class_folder(label)

    assert naming.label_of(folder) == unicodedata.normalize("NFC", label)
    assert not set(folder) & set('/\\:*?"<>|\0\n\r')
    assert folder[0] not in ". "
    assert folder[-1] not in ". "
    assert len(folder.encode()) <= 200


@settings(deadline=None)
@given(TEXT, TEXT)
def test_two_labels_never_share_a_folder(one, other):
    assume(unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other))
    assume(len(one) < 20 and len(other) < 20)
    assert naming.class_folder(one) != naming.class_folder(other)


def test_a_label_has_one_folder_however_its_accents_are_composed():
    assert naming.class_folder(unicodedata.normalize("NFD", "café")) == unicodedata.normalize("NFC", "café")


def test_an_empty_label_is_refused():
    with pytest.raises(HuskyError) as refusal:
        naming.class_folder("")
    assert str(refusal.value) == "a label is empty. Give every image a label."


def test_a_label_of_200_bytes_is_the_longest():
    assert naming.class_folder("ä" * 100) == "ä" * 100
    with pytest.raises(HuskyError) as refusal:
        naming.class_folder("ä" * 100 + "x")
    expected = f"the label '{'ä' * 40}…' makes a folder name over 200 bytes. Shorten it."
    assert str(refusal.value) == expected


def test_a_stem_is_the_path_without_its_ending_where_it_is_the_only_such():
    assert naming.stems(["a/b.png", "c.d.JPG", "no ending", ".x.png"]) == ["a_b", "c.d", "no ending", "%2Ex"]


def test_stems_that_would_collide_get_the_digest_of_their_path():
    stems = naming.stems(["x.png", "X.JPG", "y.png"])
    digests = [hashlib.sha256(path).hexdigest()[:12] for path in (b"x.png", b"X.JPG")]
    assert stems == [f"x-{digests[0]}", f"X-{digests[1]}", "y"]


def test_a_stem_does_not_depend_on_the_order_of_listing():
    sources = ["x.png", "x.jpg", "a/x.png", "a_x.png"]
    there, back = naming.stems(sources), naming.stems(sources[::-1])
    assert there == back[::-1]


def test_a_file_named_like_a_stem_with_digest_does_not_share_it():
    taken = f"{naming.stems(['x.png', 'x.jpg'])[0]}.png"
    stems = naming.stems(["x.png", "x.jpg", taken])
    assert len(set(stems)) == 3


def test_an_overlong_stem_is_cut_and_stays_unique():
    one, other = "ä" * 150 + "1.png", "ä" * 150 + "2.png"
    stems = naming.stems([one, other])
    assert len(set(stems)) == 2
    assert all(stem.startswith("ä" * 90 + "-") and len(stem.encode()) <= 200 for stem in stems)
    assert naming.stems([one])[0] == stems[0]


@settings(deadline=None)
@given(st.lists(IMAGE, min_size=1, max_size=8, unique=True))
def test_no_two_files_ever_share_a_name_even_where_letter_case_does_not_count(sources):
    stems = naming.stems(sources)
    assert len({stem.casefold() for stem in stems}) == len(sources)


@settings(deadline=None)
@given(st.lists(IMAGE, min_size=1, max_size=5, unique=True), st.integers(2, 12))
def test_no_copy_shares_a_path_with_another_copy_or_an_original(sources, factor):
    originals = [naming.with_split(naming.converted("dog", stem), "train") for stem in naming.stems(sources)]
    copies = [naming.with_copy(file, k) for file in originals for k in range(factor)]
    assert len({file.casefold() for file in copies}) == len(copies)


@settings(deadline=None)
@given(TEXT, IMAGE, st.sampled_from(naming.SPLITS), st.integers(0, 10**6))
def test_a_name_says_label_split_stem_and_copy(label, source, split, copy):
    assume(len(label) < 20)
    [stem] = naming.stems([source])
    original = naming.with_split(naming.converted(label, stem), split)
    label = unicodedata.normalize("NFC", label)

    assert naming.parse_original(original) == (label, split, stem)
    assert naming.parse_copy(naming.with_copy(original, copy)) == (label, split, stem, copy)


def test_names_as_the_article_has_them():
    assert naming.with_split("roses/1234_abc.jpg", "val") == "roses/val_1234_abc.jpg"
    assert naming.with_copy("roses/train_1234_abc.jpg", 7) == "roses/train_1234_abc_7.jpg"


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match=r"^no such split: valid$"):
        naming.with_split("roses/a.jpg", "valid")


@pytest.mark.parametrize(
    "file", ["roses/a.jpg", "roses/valid_a.jpg", "roses/train_a.png", "roses/train", "roses/_a.jpg"]
)
def test_what_is_no_split_image_is_not_parsed(file):
    with pytest.raises(ValueError, match=f"^not the name of a split image: {file}$"):
        naming.parse_original(file)


@pytest.mark.parametrize(
    "file", ["roses/train_a.jpg", "roses/train_a_.jpg", "roses/train_a_x.jpg", "roses/train_a_².jpg"]
)
def test_what_is_no_copy_is_not_parsed(file):
    with pytest.raises(ValueError, match=f"^not the name of an augmented copy: {file}$"):
        naming.parse_copy(file)


def test_nohash_siblings_share_all_before_nohash():
    assert naming.sibling_key("roses/a_nohash_1.jpg") == naming.sibling_key("roses/a_nohash_2_b.png") == "roses/a"
    assert naming.sibling_key("roses/b_nohash_1.jpg") == "roses/b"


def test_other_files_have_no_siblings():
    assert naming.sibling_key("roses/a_1.jpg") is None
    assert naming.sibling_key("x_nohash_1/a.jpg") is None
