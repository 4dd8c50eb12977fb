"""polynomials: scikit-learn's samples; too low a degree misses the curve, and too high a one learns the noise."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from conftest import bare_job
from huskies.article import polynomials
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

SVG = "{http://www.w3.org/2000/svg}"


def the_samples() -> tuple[np.ndarray, np.ndarray]:
    return polynomials.samples(30, np.random.RandomState(0))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The stage's folder, and the line that it says."""
    folder = tmp_path_factory.mktemp("polynomials")
    return folder, polynomials.run(bare_job("polynomials", folder))


def test_the_samples_are_those_of_scikit_learns_example():
    np.random.seed(0)
    expected = np.sort(np.random.rand(30))
    noisy = np.cos(1.5 * np.pi * expected) + np.random.randn(30) * 0.1
    x, y = the_samples()
    assert (x == expected).all()
    assert y == pytest.approx(noisy)


@pytest.mark.parametrize("degree", [1, 4])
def test_a_polynomial_is_what_scikit_learn_fits(degree):
    x, y = the_samples()
    regression = make_pipeline(PolynomialFeatures(degree), LinearRegression()).fit(x[:, None], y)
    places = np.linspace(0, 1, 50)
    assert polynomials.fit(x, y, degree)(places) == pytest.approx(regression.predict(places[:, None]))


def test_a_polynomial_of_degree_n_goes_through_n_plus_1_points():
    x, y = the_samples()
    assert polynomials.fit(x[::2], y[::2], 14)(x[::2]) == pytest.approx(y[::2])


def test_errors_are_mean_squares_on_either_set():
    x = np.linspace(0, 1, 40)
    rows = polynomials.errors((x, 3 * x), (x, 3 * x + 2))
    assert rows["degree"].tolist() == list(range(1, 16))
    assert rows["train_error"].to_numpy() == pytest.approx(0)
    assert rows["test_error"].to_numpy() == pytest.approx(4)


def test_training_error_falls_with_the_degree_and_test_error_falls_and_rises(made):
    rows = pd.read_csv(made[0] / "polynomials.csv").set_index("degree")
    assert rows["train_error"].is_monotonic_decreasing
    assert rows.loc[[1, 4, 15]].round(4).to_numpy().tolist() == [[0.2259, 0.2005], [0.0116, 0.0108], [0.005, 4.2766]]
    assert made[1] == "the polynomial of degree 4 has the least test error of degrees 1 to 15"


def test_the_figures_name_what_they_show_in_light_and_dark_pages(made):
    for name, expected in (("fits.svg", {"degree 1", "degree 4", "degree 15"}), ("errors.svg", {"test", "training"})):
        root = ElementTree.fromstring((made[0] / name).read_text(encoding="utf-8"))
        assert expected <= {text.text for text in root.iter(f"{SVG}text")}
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert "currentColor" in (made[0] / name).read_text(encoding="utf-8")


def test_the_bytes_repeat(made, tmp_path):
    polynomials.run(bare_job("polynomials", tmp_path))
    assert sorted(path.name for path in made[0].iterdir()) == ["errors.svg", "fits.svg", "polynomials.csv"]
    for path in made[0].iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
