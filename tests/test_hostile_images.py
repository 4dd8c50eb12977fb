"""Damaged and hostile pictures: each is converted or rejected with a reason, the same again, within time and memory."""

from itertools import islice

import hostile_images
import numpy as np
import pytest
from hostile_images import MEMORY, Totals, Victim, mutated, samples


@pytest.fixture
def victim():
    process = Victim()
    yield process
    process.close()


def _taken(victim: Victim, seeds: range) -> Totals:
    totals, valid = Totals(), list(samples().items())
    for seed in seeds:
        name, content = valid[seed % len(valid)]
        victim.take(f"{name}, seed {seed}", mutated(content, np.random.default_rng(seed)), totals)
    return totals


def test_some_damaged_pictures_are_converted_or_rejected(victim):
    totals = _taken(victim, range(400))
    assert totals.findings == []
    assert {"read", "damaged", "not a picture of a format that is read"} <= set(totals.outcomes)


@pytest.mark.long
def test_thousands_of_damaged_pictures_are_converted_or_rejected(victim):
    totals = _taken(victim, range(1000, 4000))
    assert totals.findings == []
    assert totals.outcomes.total() == 3000
    assert totals.peak < MEMORY


@pytest.mark.long
def test_bombs_in_every_header_are_defused(victim):
    totals = Totals()
    for name, content in islice(hostile_images.bombs(), 0, None, 5):
        victim.take(name, content, totals)
    assert totals.findings == []
    assert totals.outcomes["too large"] > 30


@pytest.mark.long
@pytest.mark.parametrize(
    ("harm", "outcome"),
    [
        ("import os; os.kill(os.getpid(), 9)", "died"),
        ("raise KeyError(1)", "raised"),
        ("import warnings; warnings.warn('x')", "warned"),
        ("import os; return os.urandom(9)", "differed"),
        ("import numpy; numpy.ones(1 << 27); raise UnreadableImage('large')", "large"),
        ("import time; time.sleep(60)", "hung"),
    ],
)
def test_what_must_not_happen_is_found(monkeypatch, tmp_path, harm, outcome):
    (tmp_path / "harmful.py").write_text(
        "import hostile_images\nfrom huskies.images import conversion\nfrom huskies.errors import UnreadableImage\n"
        f"def harm(content, quality, max_side):\n    {harm}\n"
        "def work(*arguments):\n    conversion.convert_image = harm\n    hostile_images._work(*arguments)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(hostile_images, "SECONDS", 3 if outcome == "hung" else 60)
    import harmful

    monkeypatch.setattr(hostile_images, "_work", harmful.work)
    totals, victim = Totals(), Victim()
    assert victim.take("it", b"x", totals) == outcome
    victim.close()
    assert len(totals.findings) == 1
    assert totals.findings[0].startswith(f"it: {outcome}: ")
