"""The process that small pictures are made in: it knows no key, opens no file, and ends soon.

It is started by path, with an empty environment, and imports nothing of ours. For each picture it
makes a child, which takes the picture from the socket it is given, within limits that a picture
made to do harm runs into, and gives the small one back (docs/decisions/0030-files-of-people.md).
"""

import contextlib
import io
import os
import resource
import signal
import socket
import struct

from PIL import AvifImagePlugin, Image, ImageOps

# As Pillow names them. Whatever else it could read, no child of ours tries to.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
MAX_SOURCE_BYTES = 32 << 20
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
_MEMORY = 768 << 20
_CPU_SECONDS = 5
_SECONDS = 10
# Width, height, and whether the picture is cut to just that.
REQUEST = struct.Struct("!HH?")
# What an answer begins with.
JPEG, PNG, NO_PICTURE = b"J", b"P", b"X"
_QUALITY = 82


def small(source: bytes, width: int, height: int, *, crop: bool) -> bytes:
    """Return the answer for *source*: its kind, and the picture within *width* and *height*.

    Nothing but the picture is left: no place, no camera, no comment.
    """
    with Image.open(io.BytesIO(source), formats=FORMATS) as picture:
        if max(picture.size) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
            raise ValueError("more pixels than anybody looks at")
        # A JPEG can be read at half, a quarter, an eighth of its size.
        picture.draft("RGB", (width * 2, height * 2))
        picture.load()
        shown = ImageOps.exif_transpose(picture)
    clear = shown.mode in {"RGBA", "LA", "PA"} or "transparency" in shown.info
    shown = shown.convert("RGBA" if clear else "RGB")
    if crop:
        ratio = min(1.0, shown.width / width, shown.height / height)
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        shown = ImageOps.fit(shown, size, Image.Resampling.LANCZOS)
    else:
        shown.thumbnail((width, height), Image.Resampling.LANCZOS)
    shown.info.clear()
    out = io.BytesIO()
    if clear:
        shown.save(out, "PNG")
        return PNG + out.getvalue()
    shown.save(out, "JPEG", quality=_QUALITY)
    return JPEG + out.getvalue()


def answer(line: socket.socket) -> None:
    """Take one picture from *line* and give back the small one, or say that there is none."""
    with line, line.makefile("rb") as source:
        width, height, crop = REQUEST.unpack(source.read(REQUEST.size))
        data = source.read(MAX_SOURCE_BYTES + 1)
        try:
            if len(data) > MAX_SOURCE_BYTES:
                raise ValueError("too long")
            made = small(data, width, height, crop=crop)
        except Exception:  # noqa: BLE001 - whatever a decoder raises, there is no picture
            made = NO_PICTURE
        with contextlib.suppress(OSError):
            line.sendall(made)


def confine() -> None:
    """Give up what a child needs not: files, processes, memory and time without end."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
    ):
        resource.setrlimit(limit, (most, most))
    signal.alarm(_SECONDS)


def rehearse() -> None:
    """Read each format once: what is loaded when it is needed must be here before `confine`."""
    for name in FORMATS:
        for mode in ("RGB", "P", "L"):
            out = io.BytesIO()
            Image.new(mode if name in {"GIF", "PNG"} else "RGB", (64, 48)).save(out, name)
            small(out.getvalue(), 32, 32, crop=True)
    out = io.BytesIO()
    Image.new("RGBA", (64, 48)).save(out, "PNG")
    small(out.getvalue(), 32, 32, crop=False)


def main() -> None:
    """Make a child for each socket that comes in; end when nobody can send one any more."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    rehearse()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # The server ends us by closing the line, not its terminal by a key.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=0)
    while True:
        message, handles, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            confine()
            answer(socket.socket(fileno=handles[0]))
            os._exit(0)
        for handle in handles:
            os.close(handle)


if __name__ == "__main__":
    main()
