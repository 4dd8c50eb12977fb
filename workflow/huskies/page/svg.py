"""A matplotlib figure as SVG text that may stand inline in an HTML page, a light one or a dark one.

Lines and letters take the page's own colour, several figures in one page share no ids, and what users wrote (class
names) is put in as text only after matplotlib has drawn placeholders of about the same width. So matplotlib does not
ask its font for a letter that the reader's browser has anyway, and each name can have a tooltip of its own.
"""

import hashlib
import io
import re
import unicodedata
from xml.etree import ElementTree

from matplotlib.figure import Figure

from huskies.page.drawing import INK, UNITS

_NAMESPACE = "http://www.w3.org/2000/svg"
# Braille: letters that the font has, and that no text of ours needs. The blank one fills a placeholder up.
_FIRST, _LAST, _FILL = 0x2801, 0x28FF, "\u2800"
# How wide a common letter is, measured by a Braille one.
_CELL = 0.8
_PLACEHOLDER = re.compile(f"([{chr(_FIRST)}-{chr(_LAST)}]+){_FILL}*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Texts:
    """What users wrote, for one figure: matplotlib is given placeholders, and `to_svg` puts the texts in."""

    def __init__(self):
        """Begin with no texts."""
        self._kept: list[tuple[str, str]] = []

    def shown(self, text: str, longest: int) -> str:
        """Return a placeholder for a text, which is shortened to `longest` characters; then a tooltip has all of it."""
        whole = _UNPRINTABLE.sub("\ufffd", text)
        short = whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
        cells = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in short)
        return self._keep(short, whole if short != whole else "").ljust(round(_CELL * cells), _FILL)

    def tooltip(self, text: str) -> str:
        """Return an id for an artist that shows the text when it is pointed at."""
        return self._keep("", _UNPRINTABLE.sub("\ufffd", text))

    def _keep(self, short: str, whole: str) -> str:
        self._kept.append((short, whole))
        number, digits, base = len(self._kept), "", _LAST - _FIRST + 1
        while number:
            number, digit = divmod(number, base)
            digits += chr(_FIRST + digit)
        return digits

    def find(self, drawn: str | None) -> tuple[str, str] | None:
        """Return (text, tooltip or nothing) of a placeholder, or None where `drawn` is none."""
        match = _PLACEHOLDER.fullmatch(drawn or "")
        if not match:
            return None
        base = _LAST - _FIRST + 1
        number = sum((ord(each) - _FIRST) * base**place for place, each in enumerate(match[1]))
        return self._kept[number - 1]


def to_svg(figure: Figure, texts: Texts, alt: str) -> str:
    """Return the figure as one `<svg>` element; within `drawing` alone.

    alt: what the figure tells, for those who cannot see it. The bytes depend on what is drawn and on nothing else. The
    element is as wide as what it stands in, up to a width at which its letters are a third larger.
    """
    drawn = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    root = ElementTree.fromstring(drawn.getvalue())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in list(element.attrib):
            element.attrib[name.rpartition("}")[2]] = _restyle(element.attrib.pop(name))
        _put_text(element, texts)
    _drop_global_style(root)
    _own_ids(root)
    width, height = (round(size * UNITS) for size in figure.get_size_inches())
    root.attrib.clear()
    root.attrib |= {"xmlns": _NAMESPACE, "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": alt}
    root.attrib |= {"stroke-linejoin": "round", "direction": "ltr"}
    root.attrib["style"] = f"width: 100%; height: auto; max-width: {round(width * 4 / 3)}px"
    return ElementTree.tostring(root, encoding="unicode")


def _restyle(value: str) -> str:
    return re.sub(r"'DejaVu Sans'[^;]*", "sans-serif", value.replace(INK, "currentColor"))


def _put_text(element: ElementTree.Element, texts: Texts) -> None:
    """Replace a placeholder in the element's text or id by what it stands for, and its tooltip."""
    found = texts.find(element.text) or texts.find(element.get("id"))
    if not found:
        return
    short, whole = found
    element.text = short
    if whole:
        title = ElementTree.Element("title")
        title.text, title.tail, element.text = whole, short, None
        element.insert(0, title)


def _drop_global_style(root: ElementTree.Element) -> None:
    """Remove matplotlib's style sheet, which would apply to the whole page."""
    for parent in root.iter():
        for sheet in parent.findall("style"):
            parent.remove(sheet)


def _own_ids(root: ElementTree.Element) -> None:
    """Remove the ids that nothing refers to, and make the others the figure's own."""
    reference = re.compile(r"^#(.+)$|url\(#([^)]+)\)")
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {match[1] or match[2] for value in values for match in reference.finditer(value)}
    prefix = f"f{hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:8]}-"
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                if value in used:
                    element.set(name, prefix + value)
                else:
                    del element.attrib[name]
            else:
                element.set(name, reference.sub(lambda match: match[0].replace("#", f"#{prefix}", 1), value))
