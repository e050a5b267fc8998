#!/usr/bin/env python3
"""Draws every raster icon from the SVG sources in this folder: run it after an SVG was changed, and commit the result.

It needs Python 3 with GObject introspection and librsvg (Debian: python3-gi gir1.2-gdkpixbuf-2.0 librsvg2-common).
ICO and ICNS are plain containers, written here, so that no further tool is needed.

tray/*.png have a light moon with a dark edge, since Linux and Windows do not tell the colour of the panel.
tray/*-template.png are for macOS, which paints the opaque part in the colour of its menu bar.
"""

import re
import struct
from pathlib import Path

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Gio, GdkPixbuf, GLib  # noqa: E402

HERE = Path(__file__).resolve().parent
TRAY_STATES = ("idle", "running", "needs-you", "failed")
TRAY_PX = 48
# What macOS gets: black on nothing. The dark edge around a sign is not drawn; a stroke inside a sign is a hole.
TEMPLATE_STYLE = {
    ".moon": "fill: #000",
    ".edge": "display: none",
    ".sign": "fill: #000",
}


def draw(svg: str, size_px: int) -> GdkPixbuf.Pixbuf:
    stream = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(svg.encode()))
    return GdkPixbuf.Pixbuf.new_from_stream_at_scale(stream, size_px, size_px, True, None)


def png(image: GdkPixbuf.Pixbuf) -> bytes:
    _, data = image.save_to_bufferv("png", ["compression"], ["9"])
    return bytes(data)


def bitmap(image: GdkPixbuf.Pixbuf) -> bytes:
    """A 32-bit bitmap as ICO wants it: bottom-up BGRA, then an empty one-bit mask."""
    size, stride = image.get_width(), image.get_rowstride()
    pixels = image.get_pixels()
    rows = []
    for y in reversed(range(size)):
        row = bytearray(pixels[y * stride : y * stride + size * 4])
        row[0::4], row[2::4] = row[2::4], row[0::4]
        rows.append(bytes(row))
    mask = bytes(((size + 31) // 32 * 4) * size)
    return struct.pack("<IiiHHIIiiII", 40, size, size * 2, 1, 32, 0, 0, 0, 0, 0, 0) + b"".join(rows) + mask


def ico(svg: str) -> bytes:
    # Only the 256 px entry may be PNG: older readers want bitmaps for the others.
    entries = [(size, bitmap(draw(svg, size))) for size in (16, 24, 32, 48, 64)]
    entries.append((256, png(draw(svg, 256))))
    offset = 6 + 16 * len(entries)
    head, body = struct.pack("<HHH", 0, 1, len(entries)), b""
    for size, data in entries:
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), offset + len(body))
        body += data
    return head + body


def icns(svg: str) -> bytes:
    kinds = ((b"icp4", 16), (b"icp5", 32), (b"ic11", 32), (b"ic12", 64), (b"ic07", 128))
    kinds += ((b"ic08", 256), (b"ic13", 256), (b"ic09", 512), (b"ic14", 512), (b"ic10", 1024))
    body = b""
    for kind, size in kinds:
        data = png(draw(svg, size))
        body += kind + struct.pack(">I", len(data) + 8) + data
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def template(svg: str) -> str:
    for name, style in TEMPLATE_STYLE.items():
        svg = re.sub(re.escape(name) + r" \{[^}]*\}", f"{name} {{ {style} }}", svg)
    # The ring of "running" stays a stroke; the strokes inside filled signs become holes through a mask.
    if 'class="cut" cx' in svg:
        return re.sub(r"\.cut \{[^}]*\}", ".cut { fill: none; stroke: #000; stroke-width: 2.1 }", svg)
    cut = re.search(r'<path class="cut" d="([^"]+)"/>', svg)
    if cut is None:
        return svg
    hole = (
        '<mask id="hole"><rect width="24" height="24" fill="#fff"/>'
        f'<path d="{cut[1]}" fill="none" stroke="#000" stroke-width="2.1" stroke-linecap="round"/></mask>'
    )
    svg = svg.replace(cut[0], "")
    return svg.replace('<path class="sign"', f'{hole}<path class="sign" mask="url(#hole)"')


def main() -> None:
    mark = (HERE / "nox.svg").read_text()
    for name, size in (("32x32", 32), ("128x128", 128), ("128x128@2x", 256), ("icon", 512), ("64x64", 64)):
        (HERE / f"{name}.png").write_bytes(png(draw(mark, size)))
    (HERE / "icon.ico").write_bytes(ico(mark))
    (HERE / "icon.icns").write_bytes(icns(mark))
    for state in TRAY_STATES:
        svg = (HERE / "tray" / f"{state}.svg").read_text()
        (HERE / "tray" / f"{state}.png").write_bytes(png(draw(svg, TRAY_PX)))
        (HERE / "tray" / f"{state}-template.png").write_bytes(png(draw(template(svg), TRAY_PX)))


if __name__ == "__main__":
    main()
