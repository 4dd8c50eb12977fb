"""Pictures that mean harm, seeded, and what becomes of them: `python tools/hostile_images.py --minutes 60`.

Every one must end as JPEG bytes or as UnreadableImage, twice the same, within the limits of time and of memory. A
process of its own converts them, so that its death or its hanging is seen, and named by seed.
"""

import argparse
import functools
import io
import itertools
import multiprocessing
import os
import re
import struct
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image, ImageCms

WIDTH, HEIGHT = 37, 29
SECONDS, MEMORY = 120, 1 << 30
# Counts, sizes and offsets at which arithmetic goes wrong.
_NUMBERS = (0, 1, 2, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def save(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


@functools.cache
def samples() -> dict[str, bytes]:
    """Return a valid file of each kind that Pillow can write, by name."""
    random = np.random.default_rng(5)
    noise = random.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    rgba = Image.fromarray(noise)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    palette, bits = rgb.quantize(16), grey.convert("1")
    deep = Image.fromarray(random.integers(0, 1 << 16, (HEIGHT, WIDTH), dtype=np.uint16))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    more = {"save_all": True, "append_images": [rgb.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}
    return {
        "apng": save(rgb, "PNG", **more),
        "avif": save(rgba, "AVIF", exif=exif, speed=10),
        "bmp": save(rgb, "BMP"),
        "bmp palette": save(palette, "BMP"),
        "dib": save(rgb, "DIB"),
        "gif": save(palette, "GIF", transparency=3),
        "gif animated": save(rgb, "GIF", **more, disposal=2),
        "icns": save(rgba, "ICNS"),
        "ico": save(rgba.resize((32, 32)), "ICO", sizes=[(32, 32), (16, 16)]),
        "ico bmp": save(rgba.resize((32, 32)), "ICO", sizes=[(32, 32)], bitmap_format="bmp"),
        "jp2": save(rgba, "JPEG2000"),
        "j2k": save(rgb, "JPEG2000", no_jp2=True, tile_size=(16, 16)),
        "jpeg": save(rgb, "JPEG", exif=exif),
        "jpeg without its end": save(rgb, "JPEG", exif=exif)[:-2],
        "jpeg with a profile": save(rgb, "JPEG", icc_profile=_srgb()),
        "jpeg cmyk": save(rgb.convert("CMYK"), "JPEG", quality=95),
        "jpeg progressive": save(rgb, "JPEG", progressive=True, subsampling=0),
        "mpo": save(rgb, "MPO", **more),
        "pbm": save(bits, "PPM"),
        "pcx": save(rgb, "PCX"),
        "pgm 16 bits": save(deep, "PPM"),
        "plain ppm": b"P3 37 29 255\n" + b" ".join(b"%d" % value for value in noise[..., :3].ravel()),
        "png": save(rgb, "PNG", exif=exif),
        "png 16 bits": save(deep, "PNG"),
        "png palette": save(palette, "PNG", transparency=bytes(range(16))),
        "png rgba": save(rgba, "PNG"),
        "png with a profile": save(grey, "PNG", icc_profile=_srgb()),
        "png with much text": png(WIDTH, HEIGHT, 2, 8, extra=chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 21)))),
        "ppm": save(rgb, "PPM"),
        "psd": _psd(noise),
        "qoi": save(rgba, "QOI"),
        "sgi": save(rgb, "SGI"),
        "sgi 16 bits": save(grey, "SGI", bpc=2),
        "sun": struct.pack(">8I", 0x59A66A95, WIDTH + 1, HEIGHT, 24, 0, 1, 0, 0) + bytes(3 * (WIDTH + 1) * HEIGHT),
        "tga": save(rgba, "TGA"),
        "tga rle": save(rgb, "TGA", compression="tga_rle"),
        "tiff": save(rgb, "TIFF", exif=exif),
        "tiff 12 bits": save(Image.fromarray(np.asarray(deep) >> 4), "TIFF"),
        "tiff float": save(Image.fromarray(noise[..., 0] / np.float32(255)), "TIFF"),
        "tiff g4": save(bits, "TIFF", compression="group4"),
        "tiff jpeg": save(rgb, "TIFF", compression="jpeg"),
        "tiff lzw": save(rgba, "TIFF", compression="tiff_lzw", exif=exif),
        "tiff tiles": tiff(WIDTH, HEIGHT, 16, zlib.compress(bytes(3 * 16 * 16))),
        "webp": save(rgb, "WEBP", exif=exif),
        "webp animated": save(rgb, "WEBP", **more),
        "webp lossless": save(rgba, "WEBP", lossless=True),
        "xbm": save(bits, "XBM"),
        "xpm": _xpm(WIDTH, HEIGHT),
    }


def _srgb() -> bytes:
    # It holds the time at which it was made.
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = bytes(12)
    return bytes(made)


def _psd(pixels: np.ndarray) -> bytes:
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, *pixels.shape[:2], 8, 3)
    return header + bytes(12) + b"\0\0" + pixels[..., :3].transpose(2, 0, 1).tobytes()


def _xpm(width: int, height: int) -> bytes:
    rows = ",\n".join(['"' + "ab" * (width // 2) + "a" * (width % 2) + '"'] * height)
    head = f'/* XPM */\nstatic char *x[] = {{\n"{width} {height} 2 1",\n"a c #FF0000",\n"b c None",\n'
    return f"{head}{rows}\n}};\n".encode()


def tiff(width: int, height: int, tile: int, data: bytes, tile_count: int = 1) -> bytes:
    """Return an RGB TIFF in zipped tiles of tile × tile pixels, all of which are the same bytes."""
    tiles = max(tile_count, -(-width // tile) * -(-height // tile))
    values = {
        256: [width],
        257: [height],
        258: [8] * 3,
        259: [8],
        262: [2],
        277: [3],
        284: [1],
        322: [tile],
        323: [tile],
    }
    values |= {324: [0] * tiles, 325: [len(data)] * tiles}
    body = 8 + 2 + 12 * len(values) + 4
    start = body + sum(4 * len(each) for each in values.values() if len(each) > 1)
    values[324] = [start] * tiles
    entries, beside = b"", b""
    for tag, numbers in values.items():
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        place = packed if len(numbers) == 1 else struct.pack("<I", body + len(beside))
        beside += packed if len(numbers) > 1 else b""
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + place
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + bytes(4) + beside + data


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """Return the file with one to four things done to it, nearer to its beginning than to its end."""
    made = bytearray(content)
    for _ in range(random.integers(1, 5)):
        if not made:
            break
        reach = int(random.choice([64, 1024, len(made)]))
        at, length = int(random.integers(0, min(reach, len(made)))), int(random.integers(1, 65))
        other = int(random.integers(0, len(made)))
        match random.integers(0, 8):
            case 0:
                made[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                made[at] = random.integers(0, 256)
            case 2:
                del made[other:]
            case 3:
                made[at : at + length], made[other : other + length] = (
                    made[other : other + length],
                    made[at : at + length],
                )
            case 4:
                del made[at : at + length]
            case 5:
                made[at:at] = made[other : other + length]
            case 6:
                made[at : at + length] = bytes(length)
            case 7:
                form = random.choice(["<H", ">H", "<I", ">I"])
                number = int(random.choice(_NUMBERS)) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
                made[at : at + struct.calcsize(form)] = struct.pack(form, number)
    return _with_checksums(bytes(made)) if random.integers(0, 2) else bytes(made)


def _with_checksums(content: bytes) -> bytes:
    """Return a PNG whose chunks have the right checksums again, so that more than those is looked at."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    made, at = bytearray(content), 8
    while at + 12 <= len(made):
        end = at + 8 + int.from_bytes(made[at : at + 4])
        if end + 4 > len(made):
            break
        made[end : end + 4] = zlib.crc32(made[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(made)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield (name, file) of every sample with its width or height, wherever it stands in its first bytes, made huge."""
    for (name, content), form in itertools.product(samples().items(), ("B", "<H", ">H", "<I", ">I")):
        # Where the width and the height may stand: each is made huge, alone and together.
        places = [
            [None, *(found.start() for found in re.finditer(re.escape(struct.pack(form, number)), content[:600]))][:5]
            for number in (32 if name.startswith("ico") else WIDTH, 32 if name.startswith("ico") else HEIGHT)
        ]
        for one, other in itertools.product(*places):
            for claim in (255, 1000, 10_000, 60_000, 100_000, 1 << 31):
                if one != other and claim < 1 << 8 * struct.calcsize(form):
                    made = bytearray(content)
                    for place in (each for each in (one, other) if each is not None):
                        struct.pack_into(form, made, place, claim)
                    yield f"{name} {form} {claim} at {one} and {other}", _with_checksums(bytes(made))
    for number in (WIDTH, HEIGHT):
        yield f"plain ppm {number}", samples()["plain ppm"].replace(b"%d" % number, b"100000", 1)
        yield f"xpm {number}", samples()["xpm"].replace(b"%d" % number, b"100000", 1)
        yield f"xbm {number}", samples()["xbm"].replace(b"%d" % number, b"100000", 1)
    yield "tiles of 1.2 GB", tiff(WIDTH, HEIGHT, 20_000, zlib.compress(bytes(10**8)))
    yield "thin", png(1, 178_000_000, 0, 8)
    yield "png in ico", samples()["ico"].replace(struct.pack(">II", 32, 32), struct.pack(">II", 12_000, 9000))
    inner = png(10_000, 9000, 6, 8)
    yield "png in icns", b"icns" + struct.pack(">I4sI", 16 + len(inner), b"ic07", 8 + len(inner)) + inner
    yield "runs of qoi", b"qoif" + struct.pack(">IIBB", 10_000, 10_000, 3, 0) + b"\xfd" * 1_612_904 + bytes(7) + b"\1"


def png(width: int, height: int, kind: int, bits: int, fill: bytes = b"\0", extra: bytes = b"") -> bytes:
    """Return a PNG all of one byte; kind: the colour type of its header; extra: chunks before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    row = b"\0" + fill * -(-width * channels * bits // 8)
    packer = zlib.compressobj(1)
    rows = max(1, (1 << 20) // len(row))
    # What is cut short is refused before it is unpacked.
    whole, rest = divmod(height if width > 1 else 1, rows)
    data = b"".join(packer.compress(row * rows) for _ in range(whole)) + packer.compress(row * rest) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def largest(kind: str, memory: int) -> bytes:
    """Return a picture of a kind as large as the limit for so many bytes of memory admits."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = chunk(b"eXIf", exif.tobytes()[6:])
    colours = chunk(b"PLTE", bytes(768)) + chunk(b"tRNS", bytes(range(256)))
    # Bytes a pixel that the kind is reckoned with, those of its own file included.
    bytes_a_pixel = {"progressive": 10.02, "multi-scan cmyk": 12.02, "webp": 18, "webp lossless": 18, "jp2": 28.01}
    bytes_a_pixel |= {"avif": 20, "bmp": 10, "tiff": 11, "tiff lzw": 9.1, "tiff one strip": 12.01, "tiff float": 12}
    bytes_a_pixel |= {"tga": 7.1, "sgi": 10, "ppm": 10, "qoi": 9.1, "pgm 16 bits": 9, "png rgba 16 bits": 7.06}
    side = int((memory / bytes_a_pixel.get(kind, 7.03)) ** 0.5 * 0.999)
    size = (side, side)
    match kind:
        case "png":
            return png(*size, 2, 8, extra=turned)
        case "png grey":
            return png(*size, 0, 8, extra=turned)
        case "png bits":
            return png(*size, 0, 1, extra=turned)
        case "png 16 bits":
            return png(*size, 0, 16, extra=turned)
        case "png rgba 16 bits":
            return png(*size, 6, 16, fill=b"\xc8", extra=turned)
        case "png palette":
            return png(*size, 3, 8, extra=colours + turned)
        case "png rgba":
            return png(*size, 6, 8, extra=turned)
    rgb = Image.new("RGB", size, (200, 90, 9))
    form, made, options = {
        "jpeg": ("JPEG", rgb, {"exif": exif}),
        "jpeg without its end": ("JPEG", rgb, {"exif": exif}),
        "progressive": ("JPEG", rgb, {"progressive": True, "subsampling": 0, "exif": exif}),
        "multi-scan cmyk": ("JPEG", lambda: rgb.convert("CMYK"), {"progressive": True, "subsampling": 0, "exif": exif}),
        "webp": ("WEBP", rgb, {"exif": exif, "method": 0}),
        "webp lossless": ("WEBP", lambda: rgb.convert("RGBA"), {"lossless": True, "exif": exif, "method": 0}),
        "jp2": ("JPEG2000", lambda: rgb.convert("RGBA"), {}),
        "avif": ("AVIF", lambda: rgb.convert("RGBA"), {"speed": 10, "subsampling": "4:4:4", "exif": exif}),
        "bmp": ("BMP", rgb, {}),
        "gif": ("GIF", lambda: rgb.quantize(2), {"transparency": 1, "disposal": 2}),
        "tiff": ("TIFF", rgb, {"exif": exif}),
        "tiff lzw": ("TIFF", rgb, {"compression": "tiff_lzw", "exif": exif}),
        "tiff one strip": ("TIFF", rgb, {"compression": "tiff_adobe_deflate", "strip_size": 1 << 30, "exif": exif}),
        "tiff float": ("TIFF", lambda: Image.new("F", size), {"exif": exif}),
        "tga": ("TGA", rgb, {"compression": "tga_rle"}),
        "sgi": ("SGI", rgb, {}),
        "ppm": ("PPM", rgb, {}),
        "pgm 16 bits": ("PPM", lambda: Image.new("I;16", size), {}),
        "qoi": ("QOI", rgb, {}),
    }[kind]
    content = save(made() if callable(made) else made, form, **options)
    return content[:-2] if kind == "jpeg without its end" else content


LARGEST = (
    "png", "png grey", "png bits", "png 16 bits", "png rgba 16 bits", "png palette", "png rgba", "jpeg",
    "jpeg without its end", "progressive", "multi-scan cmyk", "webp", "webp lossless", "jp2", "avif", "bmp", "gif",
    "tiff", "tiff lzw", "tiff one strip", "tiff float", "tga", "sgi", "ppm", "pgm 16 bits",
)  # fmt: skip


@dataclass
class Totals:
    """What became of the files: how often each outcome, what must not be, and the most memory (bytes)."""

    outcomes: Counter = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    peak: int = 0


def judge(content: bytes, max_side: int = 64) -> tuple[str, str]:
    """Return (outcome, what must not be or "") of one file: "read", or the first words of why it is not."""
    from huskies.errors import UnreadableImage
    from huskies.images import conversion

    ends = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as escaped:
            warnings.simplefilter("always")
            try:
                ends.append(conversion.convert_image(content, 95, max_side))
            except UnreadableImage as refused:
                ends.append(str(refused))
            except Exception:
                return "raised", traceback.format_exc()
        if escaped:
            return "warned", str(escaped[0])
    one, other = ends
    if one != other:
        return "differed", f"{one[:200]!r} and {other[:200]!r}"
    if isinstance(one, str):
        unsteady = re.search(r"0x[0-9a-f]{6}|\n", one)
        return re.sub(
            r"\d+ × \d+ pixels", "a side too long", one.split(":")[0]
        ), f"not the same text in every run: {one}" if unsteady else ""
    return "read", "" if Image.open(io.BytesIO(one)).format == "JPEG" else "no JPEG"


def _work(connection, memory: int | None) -> None:
    """Judge what comes until nothing more comes. The decoders' own complaints are of no interest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if memory:
        from huskies.images import formats

        formats._MEMORY = memory
    while (content := connection.recv_bytes()) != b"end":
        forget_peak()
        outcome = judge(content)
        connection.send((*outcome, peak()))


def forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak() -> int:
    """Return the most bytes of memory that this process has had since `forget_peak`."""
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) << 10


class Victim:
    """A process that converts what it is given, and is replaced when it dies or hangs."""

    def __init__(self, memory: int | None = None) -> None:
        self._memory = memory
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._end, other = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(other, self._memory), daemon=True)
        self._process.start()
        other.close()

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def take(self, name: str, content: bytes, totals: Totals) -> str:
        """Have a file converted, add what became of it to the totals, and return it."""
        try:
            self._end.send_bytes(content)
            if not self._end.poll(SECONDS):
                raise TimeoutError
            outcome, finding, most = self._end.recv()
        except (EOFError, OSError) as error:
            self.close()
            outcome, most = ("hung" if isinstance(error, TimeoutError) else "died"), 0
            finding = f"exit status {self._process.exitcode}"
            self._start()
        if most > MEMORY:
            finding = f"{most / 2**20:.0f} MiB"
            self.close()
            self._start()
        totals.outcomes[outcome] += 1
        totals.peak = max(totals.peak, most)
        if finding:
            totals.findings.append(f"{name}: {outcome}: {finding}")
        return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first mutation; the others follow")
    arguments = parser.parse_args()
    end, totals, victim = time.monotonic() + 60 * arguments.minutes, Totals(), Victim()
    from huskies.images import formats

    for kind in LARGEST:
        outcome = victim.take(f"largest {kind}", largest(kind, formats._MEMORY - formats._BANDS), totals)
        if outcome != "read":
            totals.findings.append(f"largest {kind}: {outcome}")
    for name, content in bombs():
        victim.take(name, content, totals)
    valid = list(samples().items())
    for seed in itertools.count(arguments.seed):
        if time.monotonic() > end:
            break
        name, content = valid[seed % len(valid)]
        victim.take(f"{name}, seed {seed}", mutated(content, np.random.default_rng(seed)), totals)
    victim.close()
    print(*totals.findings, sep="\n")
    counted = ", ".join(f"{count} {outcome}" for outcome, count in totals.outcomes.most_common())
    print(
        f"{totals.outcomes.total()} pictures from seed {arguments.seed}: {counted}; "
        f"at most {totals.peak / 2**20:.0f} MiB; {len(totals.findings)} findings"
    )
    return 1 if totals.findings else 0


if __name__ == "__main__":
    sys.exit(main())
