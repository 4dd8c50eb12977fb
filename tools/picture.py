"""The README's picture of the workflow, as Snakemake draws it. `make picture` writes it anew."""

import re
import subprocess
import sys
from pathlib import Path

from huskies import atomic
from huskies.planning import stage_list

PROJECT = Path(__file__).parent.parent
README = PROJECT / "README.md"
COMMAND = ("snakemake", "--rulegraph", "mermaid-js", "--", "report", "test")
PLACE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def edges(rulegraph: str) -> set[tuple[str, str]]:
    """Return (rule, rule that reads what it makes) for each arrow of what `snakemake --rulegraph mermaid-js` prints."""
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", rulegraph))
    return {(names[one], names[other]) for one, other in re.findall(r"(id\d+) --> (id\d+)", rulegraph)}


def direct(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the arrows without those that a longer way stands for: its transitive reduction."""

    def reaches(start: str, end: str) -> bool:
        return start == end or any(reaches(other, end) for one, other in arrows if one == start)

    return {
        (one, other)
        for one, other in arrows
        if not any(reaches(between, other) for start, between in arrows if start == one and between != other)
    }


def mermaid(arrows: set[tuple[str, str]]) -> str:
    """Return a flowchart in Mermaid's language, its lines in the order of the stages."""
    order = list(stage_list.stages(PROJECT)).index
    ordered = sorted(arrows, key=lambda arrow: (order(arrow[1]), order(arrow[0])))
    return "\n".join(["flowchart TD", *(f"    {one} --> {other}" for one, other in ordered)]) + "\n"


def main() -> None:
    """Draw the workflow into the README."""
    snakemake = Path(sys.executable).with_name(COMMAND[0])
    drawn = subprocess.run([snakemake, *COMMAND[1:]], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    if drawn.returncode:
        sys.exit(drawn.returncode)
    text = PLACE.sub(mermaid(direct(edges(drawn.stdout))), README.read_text(encoding="utf-8"))
    atomic.write(README, text.encode())


if __name__ == "__main__":
    main()
