"""polynomials: the article's first figure, what underfitting and overfitting are, on 30 noisy samples of a cosine.

The samples and degrees are those of scikit-learn's example "Underfitting vs. Overfitting", where it comes from:
cos(1.5 π x) at 30 places of [0, 1], noise of standard deviation 0.1, seed 0.
"""

import numpy as np
import pandas as pd
from numpy.polynomial import Chebyshev

from huskies.job import Job
from huskies.page.charts import FAINT, LOOKS, WIDTH
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg

TABLE = "polynomials.csv"
FITS, ERRORS = "fits.svg", "errors.svg"

DEGREES = range(1, 16)
SHOWN = (1, 4, 15)
SAMPLES, NOISE, SEED = 30, 0.1, 0
# As noisy as the samples and from the same places, so that no polynomial can have an error below the noise's variance.
TEST_SAMPLES = 1000


def truth(x: np.ndarray) -> np.ndarray:
    """Return cos(1.5 π x), which the samples are of; float64, of any shape."""
    return np.cos(1.5 * np.pi * x)


def samples(count: int, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, y) of `count` noisy samples, float64, sorted by x.

    The generator is numpy's legacy one, whose stream is frozen, so that the samples are those of the example.
    """
    x = np.sort(random.rand(count))
    return x, truth(x) + NOISE * random.randn(count)


def fit(x: np.ndarray, y: np.ndarray, degree: int) -> Chebyshev:
    """Return the polynomial of least squares through (x, y), in Chebyshev's basis, where rounding matters least."""
    return Chebyshev.fit(x, y, degree)


def errors(train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    """Return columns degree, train_error, test_error: mean squared errors, for each of DEGREES; train, test: (x, y)."""
    rows = []
    for degree in DEGREES:
        polynomial = fit(*train, degree)
        rows.append([degree, *(float(((polynomial(x) - y) ** 2).mean()) for x, y in (train, test))])
    return pd.DataFrame(rows, columns=["degree", "train_error", "test_error"])


def draw_fits(x: np.ndarray, y: np.ndarray) -> str:
    """Draw the polynomials of SHOWN through the samples (x, y), beside what the samples are of, as `<svg>`."""
    places = np.linspace(0, 1, 200)
    with drawing(WIDTH, 620) as figure:
        panels = figure.subplots(len(SHOWN), sharex=True)
        for axes, degree in zip(panels, SHOWN, strict=True):
            axes.plot(places, truth(places), "--", color=INK, alpha=0.6, label="cosine")
            axes.plot(places, fit(x, y, degree)(places), color=LOOKS[1][0], label="polynomial")
            axes.plot(x, y, LOOKS[0][1], color=LOOKS[0][0], markersize=4, label="samples")
            axes.set(xlim=(0, 1), ylim=(-2, 2), title=f"degree {degree}")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            f"Polynomials of degree {SHOWN[0]}, {SHOWN[1]} and {SHOWN[2]} through {SAMPLES} noisy samples of a cosine: "
            "the first is too stiff for it, the second comes close, and the third follows the noise and leaves it."
        )
        return to_svg(figure, Texts(), alt)


def draw_errors(rows: pd.DataFrame) -> str:
    """Draw both errors by degree on a logarithmic scale, as `<svg>`; rows: what `errors` returns."""
    with drawing(WIDTH, 320) as figure:
        axes = figure.subplots()
        for name, (colour, marker), line in zip(("test", "training"), LOOKS, ("-", "--"), strict=True):
            column = f"{name.removesuffix('ing')}_error"
            axes.plot(rows["degree"], rows[column], line, color=colour, marker=marker, markersize=5, label=name)
        axes.axhline(NOISE**2, color=INK, alpha=FAINT, linewidth=1, label="variance of the noise")
        axes.set(yscale="log", xlabel="degree", title="mean squared error", xticks=list(DEGREES)[::2])
        # Of itself matplotlib writes powers of ten, as mathematics.
        axes.yaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside lower center", ncols=3)
        alt = "Mean squared error on training and test samples by degree; the numbers are in polynomials.csv."
        return to_svg(figure, Texts(), alt)


def run(job: Job) -> str:
    """Fill job.output with polynomials.csv, fits.svg and errors.svg; return a line on them."""
    random = np.random.RandomState(SEED)
    train, test = samples(SAMPLES, random), samples(TEST_SAMPLES, random)
    rows = errors(train, test)
    rows.to_csv(job.output / TABLE, index=False, lineterminator="\n", float_format="%.6g")
    for name, figure in ((FITS, draw_fits(*train)), (ERRORS, draw_errors(rows))):
        (job.output / name).write_text(figure, encoding="utf-8")
    best = int(rows.loc[rows["test_error"].idxmin(), "degree"])
    return f"the polynomial of degree {best} has the least test error of degrees {DEGREES[0]} to {DEGREES[-1]}"
