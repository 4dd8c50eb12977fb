"""What a setting of experiments.csv makes of params.yaml: its parameters, valid and complete."""

import copy
from typing import Any

from huskies.errors import HuskyError, nearest
from huskies.experiments.setting_table import PATH, Setting
from huskies.planning import params

# The sections that a setting may change. What comes before the copies says which images are held out, and what comes
# after the heads says how they are judged: settings that differ there could not be compared, and another split would
# choose a setting on test images. split.repeat leaves the test images as they are.
_VARIED = ("aug", "backbone", "train")
_REPEAT = "split.repeat"


def parameters(setting: Setting, before: dict[str, Any]) -> dict[str, Any]:
    """Return the validated parameters of a setting.

    before: params.yaml as it stands, with the overrides of --config. Raises HuskyError as `cells` does, and for what
    the schema refuses, with the line of the table.
    """
    changed = copy.deepcopy(before)
    for column, value in cells(setting, before).items():
        put(changed, column, value)
    try:
        return params.settle(changed)
    except HuskyError as error:
        said = str(error).removeprefix(f"{params.FILE}: ")
        raise HuskyError(f"{setting.place}: {said}{_decimal_comma(setting)}") from None


def cells(setting: Setting, before: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a setting's cells by parameter, read as `--config` reads them: YAML, but text stays text.

    Raises HuskyError for a parameter that there is not or that may not vary, and for a cell that is no YAML.
    """
    return {
        column: params.reread(cell, _before(column, before), setting.place) for column, cell in setting.cells.items()
    }


def put(changed: dict[str, Any], column: str, value: Any) -> None:
    """Set a parameter, in place, by its dotted name, which `cells` has found to be one."""
    *parts, last = column.split(".")
    inner: Any = changed
    for part in parts:
        if isinstance(inner, list):
            inner = inner[int(part)]
        else:
            # As backbone.arguments is where there are none.
            inner[part] = {} if inner.get(part) is None else inner[part]
            inner = inner[part]
    inner[int(last) if isinstance(inner, list) else last] = value


def _before(column: str, before: dict[str, Any]) -> Any:
    """Return what a parameter is in params.yaml; None for a new key where any may stand, as an argument's."""
    place = f"{PATH}: column '{column}'"
    _check_known(place, column, before)
    inner: Any = before
    for part in column.split("."):
        if isinstance(inner, list):
            if not (part.isascii() and part.isdecimal() and int(part) < len(inner)):
                raise HuskyError(f"{place}: the list has {len(inner)} items, counted from 0. Name one of them.")
            inner = inner[int(part)]
        elif isinstance(inner, dict):
            inner = inner.get(part)
        elif inner is not None:
            raise HuskyError(f"{place}: what stands before .{part} has no parts in params.yaml. Leave .{part} out.")
    return inner


def _check_known(place: str, column: str, before: dict[str, Any]) -> None:
    section, key = [*column.split("."), ""][:2]
    known = {f"{each}.{key}" for each in _VARIED for key in before[each]} | {_REPEAT}
    if f"{section}.{key}" in known:
        return
    if not key and section in _VARIED:
        raise HuskyError(
            f"{place} is a section. Name one of its parameters, as in {section}.{next(iter(before[section]))}"
        )
    if section in before and (not key or key in before[section]):
        raise HuskyError(
            f"{place} may not vary: settings are compared on the same images, and judged in the same way. What may are "
            f"the parameters of {', '.join(_VARIED)}, and {_REPEAT}. Set it in params.yaml, for all settings."
        )
    raise HuskyError(f"{place}: there is no such parameter.{nearest(column, known)}")


def _decimal_comma(setting: Setting) -> str:
    """Return a hint where a cell has a comma in a number, as spreadsheets of many countries write it."""
    found = [cell for cell in setting.cells.values() if cell.count(",") == 1 and cell.replace(",", "").isdecimal()]
    return f" Write {found[0]} with a point: {found[0].replace(',', '.')}" if found else ""
