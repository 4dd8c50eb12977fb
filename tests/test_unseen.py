"""unseen: a head sees neither the fold that it is asked about nor any test image."""

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN, USES_KERAS
from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.model import unseen
from huskies.training.everything import Everything

pytestmark = USES_KERAS

PARAMETERS = {**TRAIN, "widths": None}


def everything(spoilt: int | None = None) -> Everything:
    """Return 12 images of two classes with a copy of each; spoilt: an image whose features are others."""
    random = np.random.default_rng(3)
    labels = np.arange(12) % 2
    features = (random.standard_normal((24, 5)) + np.tile(labels, 2)[:, None]).astype(np.float32)
    if spoilt is not None:
        features[[spoilt, 12 + spoilt]] += 10
    images = pd.DataFrame({"label": np.where(labels, "dog", "cat")})
    return Everything(images, images, [features], np.tile(np.arange(12), 2))


FOLD = np.array([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, unseen.TEST, unseen.TEST])


def ask(given: Everything) -> np.ndarray:
    return unseen.ask(given, 24, FOLD, PARAMETERS, 2, "final")[0]


def test_an_image_is_unknown_to_the_heads_that_are_asked_about_its_fold():
    before, after = ask(everything()), ask(everything(spoilt=2))
    own = FOLD[:10] == 1
    own[2] = False
    assert (before[own] == after[own]).all()
    assert (before[FOLD[:10] != 1] != after[FOLD[:10] != 1]).all()


def test_no_head_is_trained_on_a_test_image_or_asked_about_one():
    assert ask(everything()).shape == (10, 2)
    assert (ask(everything()) == ask(everything(spoilt=11))).all()


def test_a_training_that_diverges_is_said_to():
    given = everything()
    given.features[0][0] = np.inf
    with pytest.raises(HuskyError, match="diverged"), np.errstate(invalid="ignore"):
        unseen.train(Rows(given.features, np.arange(24)), np.tile(np.arange(12) % 2, 2), PARAMETERS)
