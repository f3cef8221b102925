"""Small pictures made lately, sealed: only a request that has the file's key opens one."""

from collections import OrderedDict
from contextlib import aclosing
from typing import Final

from halfdoor.messaging.media_access import File, MediaAccess, whole
from halfdoor.messaging.thumbnails import Small, Thumbnails
from halfdoor.sealing.labels import Denied

_MOST_BYTES: Final = 64 << 20
_SEPARATOR: Final = b"\0"


class SmallPictures:
    """Makes small pictures of files, each once as long as it is remembered.

    What is remembered is noise to this process too, until somebody comes who may fetch the file.
    """

    def __init__(
        self, access: MediaAccess, thumbnails: Thumbnails, most_bytes: int = _MOST_BYTES
    ) -> None:
        """Read files with *access*; remember at most *most_bytes* of sealed pictures."""
        self._access = access
        self._thumbnails = thumbnails
        self._most_bytes = most_bytes
        self._sealed: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    async def of(self, file: File, width: int, height: int, *, crop: bool) -> Small:
        """Return the picture in *file* within *width* and *height*.

        Raises `NoPictureError`, `ThumbnailsBusyError`, and what reading the file raises.
        """
        form = f"{width}x{height}{'-crop' if crop else ''}"
        remembered = self._remembered(file, form)
        if remembered is not None:
            return remembered
        async with aclosing(whole(self._access, file)) as pieces:
            made = await self._thumbnails.make(pieces, width, height, crop=crop)
        clear = made.content_type.encode() + _SEPARATOR + made.data
        self._remember((file.media_id, form), file.key.seal_small(form, clear))
        return made

    def _remembered(self, file: File, form: str) -> Small | None:
        name = (file.media_id, form)
        sealed = self._sealed.get(name)
        if sealed is None:
            return None
        try:
            kind, _, data = file.key.open_small(form, sealed).partition(_SEPARATOR)
        except Denied:
            return None
        self._sealed.move_to_end(name)
        return Small(kind.decode(), data)

    def _remember(self, name: tuple[str, str], sealed: bytes) -> None:
        self._bytes += len(sealed) - len(self._sealed.pop(name, b""))
        self._sealed[name] = sealed
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._sealed.popitem(last=False)[1])

    def __repr__(self) -> str:
        return f"SmallPictures(count={len(self._sealed)}, bytes={self._bytes})"
