"""The rows of the stage article on its two traps: old bottlenecks, and tuning on one validation set."""

from collections.abc import Mapping
from pathlib import Path

from huskies.article import drawings
from huskies.article.numbers import Found, Number, Table, of_images, read


def of_old_bottlenecks(inputs: Mapping[str, Path]) -> Found:
    """Return what a cache by name would have reported after each change, beside ours; reads old_bottlenecks."""
    found = read(inputs["old_bottlenecks"] / "old_bottlenecks.json")
    numbers, groups = [], {}
    for change in found["changes"]:
        name, images, keyed = change["change"], change["val_images"], change["name_keyed"]
        old = f"{keyed['old']} of {keyed['copies']} copies' bottlenecks are old ones"
        each = {
            "cache by name": of_images(f"{name}: cache by name", keyed["val_accuracy"], images, note=old, leading=True),
            "by content": of_images(f"{name}: by content", change["ours"]["val_accuracy"], images, leading=True),
        }
        numbers += each.values()
        groups[name] = {said: (number.ours, number.low, number.high) for said, number in each.items()}
    alt = "Validation accuracy with old bottlenecks under the same names, and with those of the changed images."
    figure = drawings.intervals(groups, "validation accuracy, %", alt, "{:.1f} % ({:.1f} to {:.1f})")
    apart = [abs(each["name_keyed"]["val_accuracy"] - each["ours"]["val_accuracy"]) for each in found["changes"]]
    facts = {"changes": str(len(found["changes"])), "apart": f"{100 * max(apart):.1f}"}
    return Found(numbers, facts, [("Reported by a cache by name, and by ours", figure)])


def of_tuning(inputs: Mapping[str, Path]) -> Found:
    """Return how the policy that is best on validation does on test images; reads the stage tuning."""
    found = read(inputs["tuning"] / "tuning.json")
    tried = len(found["policies"])
    numbers = [
        of_images(f"best of {tried} on validation images", found["best_val"], found["val_images"], leading=True),
        of_images("the same on test images", found["best_test"], found["test_images"], leading=True),
        Number("lower end of the chance band of the best on validation", found["chance_low"]),
        Number("upper end of the chance band of the best on validation", found["chance_high"]),
        Number("mean of all on test images", found["mean_test"]),
    ]
    figure = drawings.tuning(found, "Accuracy of each policy on test images over that on validation images.")
    cells = [
        [str(each["policy"]), (each["val_accuracy"], "percent"), (each["test_accuracy"], "percent")]
        for each in found["policies"]
    ]
    table = Table("Every policy that was tried", ["Policy", "Validation", "Test"], cells)
    facts = {"tried": str(tried), "val_images": str(found["val_images"]), "sentence": found["sentence"]}
    return Found(numbers, facts, [("Validation against test", figure)], [table])
