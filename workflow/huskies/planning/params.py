"""params.yaml: the only configuration, checked against its schema before anything runs."""

import copy
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huskies.backbone import candidates, presets
from huskies.errors import HuskyError, nearest
from huskies.planning import plain_yaml

if TYPE_CHECKING:
    from jsonschema import ValidationError

FILE = Path("params.yaml")
SCHEMA = Path("workflow/params.schema.json")

# Of sections that there were: why there is nothing to set any longer.
_GONE = {"repeats": "cross-validation has replaced `snakemake repeats`, and has a section cross_validation of its own."}


def load(
    path: Path = FILE, overrides: dict[str, Any] | None = None, own: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the validated parameters of a file, with overrides such as those of `snakemake --config` merged in.

    own: what a flow has otherwise than the file, below the overrides.

    Raises HuskyError as `read` and `settle` do.
    """
    return settle(merge(merge(read(path), own or {}), plain_yaml.plain(overrides or {}, "--config")))


def read(path: Path = FILE) -> dict[str, Any]:
    """Return what a file of parameters says. Raises HuskyError if it cannot be read or is no YAML of JSON's types."""
    text = _text(path)
    if not text.strip():
        raise HuskyError(f"{path} is empty, as a DVC that was interrupted leaves it. Restore it: git checkout {path}")
    params = plain_yaml.read(text, str(path))
    if not isinstance(params, dict):
        raise HuskyError(f"{path} must map keys to values, as 'raw: data/digits' does.")
    return params


def settle(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as stages take them: valid, and complete where a preset or a candidate leaves something out.

    Raises HuskyError for what the schema or the checks beyond it refuse.
    """
    validate(params, SCHEMA)
    settled = copy.deepcopy(params)
    settled["encoders"]["candidates"] = _candidates(settled)
    settled["backbone"] = presets.settle(settled["backbone"])
    return _with_floats(settled, SCHEMA)


def _candidates(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the section `backbone` of each candidate of the contest, complete and settled as the section itself is."""
    found = []
    for number, section in enumerate(candidates.complete(params["backbone"], params["encoders"]["candidates"])):
        try:
            validate({**params, "backbone": section, "encoders": {"candidates": []}}, SCHEMA)
            found.append(presets.settle(section))
        except HuskyError as error:
            said = str(error).removeprefix("params.yaml: ")
            raise HuskyError(f"params.yaml: encoders.candidates.{number}: {said}") from None
    return found


def _text(path: Path) -> str:
    try:
        # A pipe or a device would be waited for, or never end.
        if path.exists() and not path.is_file():
            raise HuskyError(f"{path} is no file. Move it away, and restore the file: git checkout {path}")
        with open(path, encoding="utf-8") as file:
            return file.read(plain_yaml.SIZE_AT_MOST + 1)
    except FileNotFoundError:
        raise HuskyError(
            f"there is no {path}. Run in the folder that holds it, or restore it: git checkout {path}"
        ) from None
    except OSError as error:
        raise HuskyError(f"cannot read {path}: {error.strerror}. Restore it: git checkout {path}") from None
    except UnicodeDecodeError as error:
        raise HuskyError(f"{path} is not valid YAML: {error}") from None


def _with_floats(params: dict[str, Any], schema_path: Path) -> dict[str, Any]:
    """Return params with 0 as 0.0 where any number may stand: to DVC the two are one, so they must be to plans."""
    described = json.loads(schema_path.read_text(encoding="utf-8"))["properties"]
    for section, schema in described.items():
        for key, each in schema.get("properties", {}).items():
            # Where `auto` may stand as well, words stay.
            if "number" in each.get("type", ()) and not isinstance(params[section].get(key, ""), str):
                params[section][key] = float(params[section][key])
    return params


def merge(params: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return params with the keys of each section replaced by those that overrides has.

    Snakemake delivers nested values of --config as strings; one that replaces something other than a string, or auto,
    for which anything may stand, is read again as YAML.
    """
    merged = copy.deepcopy(params)
    for section, value in overrides.items():
        before = merged.get(section)
        if isinstance(before, dict) and isinstance(value, str):
            value = _parse(value)
        if isinstance(before, dict) and isinstance(value, dict):
            before.update({key: reread(each, before.get(key)) for key, each in value.items()})
        else:
            merged[section] = reread(value, before)
    return merged


def reread(value: Any, before: Any = None, source: str = "--config") -> Any:
    """Return a value that came as text, read as YAML unless it replaces text, as `merge` has it.

    before: what it replaces. source: where it comes from, for messages. Raises HuskyError for text that is no YAML.
    """
    if isinstance(value, str):
        return value if isinstance(before, str) and before != "auto" else _parse(value, source)
    if isinstance(value, list):
        return [reread(each, source=source) for each in value]
    return {key: reread(each, source=source) for key, each in value.items()} if isinstance(value, dict) else value


def _parse(text: str, source: str = "--config") -> Any:
    return plain_yaml.read(text, f"{source}: {plain_yaml.shown(text, 60)}")


def lookup(params: dict[str, Any], dotted: str) -> Any:
    """Return the value at a dotted key, as DVC writes it: "backbone.weights"."""
    for key in dotted.split("."):
        params = params[key]
    return params


def validate(params: dict[str, Any], schema_path: Path) -> None:
    """Raise HuskyError, naming the key, for the first thing that is wrong with the parameters."""
    for where, value in _numbers(params):
        if not math.isfinite(value):
            raise HuskyError(f"params.yaml: {where} is {value}. Use a finite number.")
    errors = _errors(params, json.loads(schema_path.read_text(encoding="utf-8")))
    if errors:
        raise HuskyError(_explain(errors[0]))
    if params["split"]["validation"] + params["split"]["test"] >= 1:
        raise HuskyError("params.yaml: split.validation and split.test leave nothing to train on. Lower them.")
    _check_products(params)
    _check_paths(params)
    presets.settle(params["backbone"])


def _errors(params: dict[str, Any], schema: dict[str, Any]) -> list["ValidationError"]:
    """Return what a schema has against the parameters, in the order of their keys."""
    # Stages find their parameters checked, and start without it.
    from jsonschema import Draft202012Validator, validators

    # JSON Schema takes 5.0 for an integer, and Python's range does not.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = validators.extend(Draft202012Validator, type_checker=types)(schema)
    return sorted(validator.iter_errors(params), key=lambda each: list(map(str, each.path)))


def _check_products(params: dict[str, Any]) -> None:
    """Refuse counts that are right each by itself, and together more than an array of 32-bit positions has."""
    for factors in (
        ("train.steps", "train.batch_size"),
        ("distort.steps", "train.batch_size"),
        ("noise.images", "noise.side", "noise.side"),
    ):
        if math.prod(lookup(params, factor) for factor in factors) >= 1 << 31:
            raise HuskyError(f"params.yaml: {' times '.join(factors)} is 2147483648 or more. Lower one of them.")


def _check_paths(params: dict[str, Any]) -> None:
    for key in ("raw", "article.flowers", "backbone.weights"):
        path = lookup(params, key).encode()
        if len(path) > 4000 or any(len(part) > 255 for part in path.split(b"/")):
            raise HuskyError(
                f"params.yaml: {key} is longer than a path can be: 255 bytes a name, 4000 in all. Shorten it."
            )


def _numbers(value: Any, where: str = ""):
    if isinstance(value, float):
        yield where, value
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _numbers(each, f"{where}.{key}".lstrip("."))


def _explain(error: "ValidationError") -> str:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        key = next(each for each in error.instance if each not in known)
        if not where and key in _GONE:
            return f"params.yaml: there is no section '{key}' any longer. Delete it: {_GONE[key]}"
        dotted = ".".join(filter(None, [where, plain_yaml.shown(str(key))[1:-1]]))
        return f"params.yaml: unknown key '{dotted}'.{nearest(str(key), known)}"
    if error.validator == "required":
        missing = next(each for each in error.validator_value if each not in error.instance)
        return f"params.yaml: the key '{'.'.join(filter(None, [where, missing]))}' is missing. Add it."
    wanted = {
        "type": lambda value: f"must be of type {value if isinstance(value, str) else ' or '.join(value)}",
        "minimum": lambda value: f"must be at least {value}",
        "maximum": lambda value: f"must be at most {value}",
        "exclusiveMinimum": lambda value: f"must be above {value}",
        "exclusiveMaximum": lambda value: f"must be below {value}",
        "enum": lambda value: f"must be one of {', '.join('null' if each is None else str(each) for each in value)}",
        "minLength": lambda value: "must not be empty",
        "pattern": lambda value: (
            "must be a number or auto" if value == "^auto$" else "must be a plain file name, without a folder"
        ),
    }
    reason = wanted[error.validator](error.validator_value) if error.validator in wanted else error.message
    return f"params.yaml: {where} is {plain_yaml.shown(error.instance)}, but {reason}."
