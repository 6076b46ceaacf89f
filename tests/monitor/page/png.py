"""Makes a screenshot small: a palette of the colours that it has most of, with the standard library alone."""

import struct
import zlib
from collections import Counter

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunks(data):
    """The chunks of a file, as (type, content)."""
    at = len(MAGIC)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def rows(data):
    """The width, and each row as its bytes for each pixel and their number (PNG specification, section 9)."""
    parts = list(chunks(data))
    width, _, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError("not a PNG of 8 bits for each of RGB or RGBA")
    size = 3 if kind == 2 else 4
    raw = zlib.decompress(b"".join(content for name, content in parts if name == b"IDAT"))
    before, found = bytes(width * size), []
    for start in range(0, len(raw), width * size + 1):
        how, line = raw[start], bytearray(raw[start + 1 : start + 1 + width * size])
        for at in range(len(line)) if how else ():
            left, up = (line[at - size] if at >= size else 0), before[at]
            corner = before[at - size] if at >= size else 0
            if how == 4:
                guess = left + up - corner
                line[at] = (line[at] + min((abs(guess - near), order, near) for order, near in enumerate((left, up, corner)))[2]) & 255
            else:
                line[at] = (line[at] + (0, left, up, (left + up) // 2)[how]) & 255
        before = bytes(line)
        found.append([before[at : at + 3] for at in range(0, len(before), size)])
    return width, found


def smaller(data):
    """The same picture with at most 256 colours: all frequent ones as they are, each other one as the nearest of these."""
    width, lines = rows(data)
    palette = [colour for colour, _ in Counter(pixel for line in lines for pixel in line).most_common(256)]
    place = {colour: at for at, colour in enumerate(palette)}

    def nearest(colour):
        if colour not in place:
            place[colour] = min(range(len(palette)), key=lambda at: sum((one - other) ** 2 for one, other in zip(palette[at], colour)))
        return place[colour]

    pixels = b"".join(b"\0" + bytes(nearest(pixel) for pixel in line) for line in lines)
    written = [
        (b"IHDR", struct.pack(">IIBBBBB", width, len(lines), 8, 3, 0, 0, 0)), (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""),
    ]
    return MAGIC + b"".join(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)) for name, content in written)
