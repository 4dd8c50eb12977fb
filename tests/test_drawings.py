"""drawings: the figures of the article's page, and the picture of the sweep."""

import numpy as np
from huskies.article import drawings


def test_a_smoothed_accuracy_is_never_above_one():
    overshooting = np.array([0.5, 0.9, *[1.0] * 10])
    assert drawings.smoothed(overshooting).max() == 1
