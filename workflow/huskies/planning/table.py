"""table: prints the numbers of the present parameters and of no others, and where the page is."""

from pathlib import Path
from typing import Any

from huskies import outputs, receipt
from huskies.errors import HuskyError, some


def run(plans: dict[str, dict[str, Any]], root: Path = Path("data")) -> str:
    """Return the table of data/metrics and a line on the page. Raises HuskyError where they are of another plan."""
    for stage in ("metrics", "report"):
        content, damaged = receipt.read(root / stage), receipt.damage(root / stage)
        if content is None or content["plan"] != plans[stage] or damaged:
            reasons = receipt.differences(content["plan"], plans[stage]) if content else []
            raise HuskyError(
                f"{root / stage} is not of the present parameters, code and images: {some(reasons or damaged)}. "
                "Make it: snakemake --cores all report"
            )
    page = root / "report" / outputs.REPORT
    return f"{(root / 'metrics' / outputs.TABLE).read_text(encoding='utf-8')}page: {page}\n"
