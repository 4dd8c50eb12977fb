"""YAML of which nothing but JSON's types can come, in bounded time: no dates, no sets, no bombs of aliases."""

import json
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from huskies.errors import HuskyError

# Characters of a text, and what its values come to where every alias stands for all that it repeats. The time that
# YAML takes grows with their product with the depth.
SIZE_AT_MOST = 100_000
DEPTH_AT_MOST = 32

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_PLAIN = {
    ScalarNode: {f"{_TAG}{each}" for each in ("str", "int", "float", "bool", "null")},
    SequenceNode: {f"{_TAG}seq"},
    MappingNode: {f"{_TAG}map"},
}
_ALLOWED = "Text, numbers, true, false, null, lists and mappings may stand here"
# What the file system, a terminal or UTF-8 does not take.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TOO_LARGE = f"it has more than {SIZE_AT_MOST} characters, aliases written out. Shorten it."
_TOO_DEEP = f"lists and mappings are nested more than {DEPTH_AT_MOST} deep, or hold themselves."


class _Refused(Exception):
    """The reason, and the node that it is about, if it is one."""

    def __init__(self, reason: str, node: Node | None = None):
        super().__init__(reason)
        self.line = node.start_mark.line + 1 if node is not None else None


class _ShallowComposer(Composer):
    """Ends with the first node that lies too deep, since the scanner takes time for every level at every step."""

    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Any:
        self._depth += 1
        if self._depth > DEPTH_AT_MOST + 1:
            raise _Refused(_TOO_DEEP, parent)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read(text: str, source: str) -> Any:
    """Return what a YAML text says, in JSON's types.

    source: what messages call the text. Raises HuskyError for a text that is no YAML, says anything else, or is too
    large or too deep, and says in which line.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _ShallowComposer
    try:
        if len(text) > SIZE_AT_MOST:
            raise _Refused(_TOO_LARGE)
        node = yaml.compose(text)
        if node is None:
            return None
        _check(node, SIZE_AT_MOST)
        value = yaml.constructor.construct_document(node)
    except _Refused as refusal:
        where = source if refusal.line is None else f"{source}, line {refusal.line}"
        raise HuskyError(f"{where}: {refusal}") from None
    # A tag that its text belies ends in any of the last three.
    except (YAMLError, ValueError, LookupError, TypeError) as error:
        raise HuskyError(f"{source} is not valid YAML: {' '.join(str(error).split())[:500]}") from None
    return plain(value, source)


def _check(node: Node, budget: int, depth: int = 0) -> int:
    """Return what is left of the budget after a node and all below it, at each of its aliases anew."""
    tags = next(tags for kind, tags in _PLAIN.items() if isinstance(node, kind))
    if str(node.tag) not in tags:
        kind = str(node.tag).removeprefix(_TAG)
        raise _Refused(f"{shown(_text_of(node))} is of YAML's type {kind}. {_ALLOWED}; quote what is text.", node)
    if depth > DEPTH_AT_MOST:
        raise _Refused(_TOO_DEEP, node)
    budget -= 1 + len(node.value if isinstance(node, ScalarNode) else ())
    if budget < 0:
        raise _Refused(_TOO_LARGE, node)
    if isinstance(node, SequenceNode):
        for each in node.value:
            budget = _check(each, budget, depth + 1)
    elif isinstance(node, MappingNode):
        for key, each in node.value:
            if str(key.tag) not in (f"{_TAG}str", _MERGE) or not isinstance(key, ScalarNode):
                raise _Refused(f"the key {shown(_text_of(key))} is not text. Quote it, or choose another.", key)
            budget = _check(each, budget - len(key.value), depth + 1)
    return budget


def _text_of(node: Node) -> str:
    return node.value if isinstance(node, ScalarNode) else "[…]" if isinstance(node, SequenceNode) else "{…}"


def shown(value: Any, limit: int = 200) -> str:
    """Return a value in one line of about `limit` characters, for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    # JSON leaves these as they are, and no terminal could write them.
    text = re.sub(r"[\x7f-\x9f\ud800-\udfff\u2028\u2029]", "\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def plain(value: Any, source: str) -> Any:
    """Return a copy of a value that some parser made, -0.0 as 0.0. Raises HuskyError unless it is of JSON's types.

    Numbers are those of 64 bits, text is what a file name may be; the value is as bounded as that of `read`.
    """
    left = SIZE_AT_MOST

    def copy(each: Any, where: tuple) -> Any:
        nonlocal left
        left -= 1 + (len(each) if isinstance(each, str) else 0)
        if left < 0:
            raise HuskyError(f"{source}: {_TOO_LARGE}")
        if len(where) > DEPTH_AT_MOST:
            raise HuskyError(f"{source}: {_dotted(where[:3])}: {_TOO_DEEP}")
        if isinstance(each, dict):
            for key in each:
                if not isinstance(key, str):
                    raise HuskyError(f"{_place(source, where)} has a key that is not text: {shown(str(key))}.")
            return {copy(key, where): copy(inner, (*where, key)) for key, inner in each.items()}
        if isinstance(each, list):
            return [copy(inner, (*where, position)) for position, inner in enumerate(each)]
        if reason := _refusal(each):
            raise HuskyError(f"{_place(source, where)} {reason}")
        # To DVC the two zeros are one, so they must be to plans.
        return each + 0.0 if isinstance(each, float) else each

    return copy(value, ())


def _refusal(value: Any) -> str:
    """Return what is wrong with a single value; the empty string where it may stand."""
    if isinstance(value, str):
        return f"is {shown(value)}, which has a character that no text may have." if _NO_TEXT.search(value) else ""
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return "is a whole number of more than 64 bits. Use a smaller one."
    if value is None or isinstance(value, int | float):
        return ""
    return f"is of type {type(value).__name__}. {_ALLOWED}."


def _place(source: str, where: tuple) -> str:
    return f"{source}: {_dotted(where)}" if where else f"{source}: it"


def _dotted(where: tuple) -> str:
    return ".".join(shown(str(each))[1:-1] for each in where)
