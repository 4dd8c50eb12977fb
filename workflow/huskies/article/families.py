"""Where the flows with other parameters lie: the controls, the article's rows, the sweep, the user's settings.

Each is planned when it is asked for. Their rules have a place below data/ and a hash as wildcards, and ask here what is
to be read there.
"""

from collections.abc import Callable
from typing import Any

from huskies.controls import flows
from huskies.errors import HuskyError
from huskies.planning.flow import Flow

# How the places of a family's flows below data/ begin.
_PLACES = {
    "noise": ("noise/",),
    "leakage": ("leakage/",),
    "article": ("article/", "article_rows/"),
    "sweep": ("sweep/", "sweep_flows/"),
    "experiments": ("experiments/", "experiment_stages/"),
}


class Families:
    """All flows beside the main one, by family and place."""

    def __init__(self, main: Flow, overrides: dict[str, Any], may_fetch: Callable[[], bool]):
        """Plan nothing yet.

        main: the user's flow. overrides: those of --config. may_fetch: tells whether the article's weights may be
        downloaded for this command.
        """
        self.main, self._overrides, self._may_fetch = main, overrides, may_fetch
        self._made: dict[str, list[Flow]] = {}
        self._makers: dict[tuple[str, str], Flow] = {}

    def family(self, name: str) -> list[Flow]:
        """Return the flows of a family, planned at the first time; the last has the stage that sums them up."""
        if name not in self._made:
            self._made[name] = self._plan(name)
            for flow in self._made[name]:
                for stage, digest in flow.hashes.items():
                    # What several flows share, any of them makes.
                    self._makers.setdefault((_place(flow, stage), digest), flow)
        return self._made[name]

    def _plan(self, name: str) -> list[Flow]:
        if name == "noise":
            return [flows.noise(self._overrides)]
        if name == "leakage":
            return flows.leakage(self.main, self.family("noise")[-1])
        if name == "experiments":
            from huskies.experiments import setting_flows

            return setting_flows.make(self.main, self._overrides)
        # Both choose among backbones and policies, which takes more imports.
        from huskies.article import row_flows, sweep_flows

        if name == "sweep":
            return sweep_flows.make(self._overrides)
        noise = self.family("noise")[-1]
        return list(row_flows.make(self.main, noise, self._overrides, self._may_fetch()).values())

    def result(self, name: str) -> str:
        """Return the receipt that a family is asked for."""
        last = self.family(name)[-1]
        return last.receipt(name if name in last.plans else "metrics")

    def making(self, place: str, digest: str) -> Flow:
        """Return the flow below data/<place> that makes the plan with this hash.

        Raises HuskyError where none does, as of other parameters.
        """
        name = next((name for name, begins in _PLACES.items() if f"{place}/".startswith(begins)), "")
        if name:
            self.family(name)
        if (place, digest) not in self._makers:
            raise HuskyError(
                f"data/{place}/…/receipt-{digest}.json may be of other parameters than those of now, and no rule makes "
                f"it. Ask for what it is part of by its name, as in: snakemake --cores all {name or 'metrics'}"
            )
        return self._makers[place, digest]


def _place(flow: Flow, stage: str) -> str:
    """Return where a stage of a flow lies below data/: what lies at the top, as data/sweep/, is a place of its own."""
    root = flow.root_of(stage)
    return root.removeprefix("data/") if root != "data" else stage


_known: list[Families] = []


def remember(families: Families) -> None:
    """Keep the flows of this command, for the rules of every module of the Snakefile."""
    _known[:] = [families]


def known() -> Families:
    """Return what `remember` has kept."""
    return _known[0]
