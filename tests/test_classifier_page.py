"""classifier_page: one file that fetches nothing and says in a browser what the flow says, of the same pixels."""

import gzip
import hashlib
from pathlib import Path

import browser
import numpy as np
import pytest
from huskies.backbone import square
from huskies.exports import classifier_page
from huskies.images import codec

FOLDER = Path(classifier_page.__file__).parent
RUNTIME = FOLDER / "onnxruntime_web"
PREPARED = [
    {"resize": "squash", "interpolation": "bicubic", "shorter_side": None},
    {"resize": "squash", "interpolation": "nearest", "shorter_side": None},
    {"resize": "crop", "interpolation": "bilinear", "shorter_side": 30},
    {"resize": "crop", "interpolation": "lanczos", "shorter_side": None},
    {"resize": "pad", "interpolation": "bicubic", "shorter_side": None},
]


def test_the_runtime_is_the_one_that_its_readme_names():
    wasm = gzip.decompress((RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes())
    readme = (RUNTIME / "README.md").read_text(encoding="utf-8")
    assert f"sha256 {hashlib.sha256(wasm).hexdigest()}" in readme
    assert readme.startswith(f"# ONNX Runtime Web {classifier_page.VERSION}\n")
    script = (RUNTIME / "ort.wasm.bundle.min.mjs").read_text(encoding="utf-8")
    assert f"ONNX Runtime Web v{classifier_page.VERSION}" in script
    assert "sourceMappingURL" not in script


@pytest.mark.parametrize(("photos", "number"), [(1, 1), (400, 400), (1000, 400)])
def test_at_most_four_hundred_photos_can_be_shown(photos, number):
    found = classifier_page.shown(photos)
    assert len(found) == number
    assert (found[0], found[-1]) == (0, photos - 1)


def given(pixels: np.ndarray) -> dict:
    return {"width": pixels.shape[1], "height": pixels.shape[0], "data": pixels.ravel().tolist()}


@pytest.mark.browser
def test_pixels_are_those_of_the_flow_to_the_bit(chromium, tmp_path):
    script = (FOLDER / "pixels.js").read_text(encoding="utf-8")
    script += "const typed = (image) => ({ ...image, data: Uint8ClampedArray.from(image.data) });"
    blank = tmp_path / "blank.html"
    blank.write_text(f"<!doctype html><html lang='en'><title>a</title><script>{script}</script></html>")
    random = np.random.default_rng(0)
    with browser.visit(chromium, blank) as visit:
        for number, (height, width) in enumerate([(48, 48), (31, 77), (90, 40), (33, 32), (7, 5)]):
            pixels = random.integers(0, 256, (height, width, 3), np.uint8)
            for prepared in PREPARED:
                expected = square.fit({"preprocessing": prepared})(pixels, 24 + number)
                script = "([image, side, way]) => Array.from(square(typed(image), side, way).data)"
                found = visit.page.evaluate(script, [given(pixels), 24 + number, prepared])
                assert found == expected.ravel().tolist(), (height, width, prepared)
            shrunk = codec.shrink(pixels, 30)
            found = visit.page.evaluate("([image]) => Array.from(shrink(typed(image), 30).data)", [given(pixels)])
            # Pillow first adds up squares of pixels where it reduces by three or more.
            assert np.abs(np.array(found) - shrunk.ravel()).max() <= (0 if max(height, width) < 90 else 12)
        assert visit.errors == []


@pytest.mark.browser
def test_without_webassembly_it_says_so(chromium, tmp_path):
    scripts = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("pixels.js", "classifier.js"))
    body = (FOLDER / classifier_page.NAME).read_text(encoding="utf-8").partition("<main>")[2].partition("</main>")[0]
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><html lang='en'><title>a</title>{body}<script type='application/json' id='facts'>{{}}</script>"
        f"<script>delete globalThis.WebAssembly;\n{scripts}</script></html>"
    )
    with browser.visit(chromium, page) as visit:
        visit.page.wait_for_selector("body[data-ready=no]")
        assert visit.page.inner_text("#status") == (
            "This page cannot work here: This browser is too old, or WebAssembly is switched off in it. "
            "Open the page in another one."
        )
