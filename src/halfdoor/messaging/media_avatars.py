"""Pictures that profiles show: they are for everybody, so the entity has the keys (SEALING §3)."""

from halfdoor.messaging.media_access import MediaAccess
from halfdoor.messaging.media_errors import NotYetUploadedError, UnknownMediaError
from halfdoor.messaging.media_names import media_id_of
from halfdoor.messaging.media_store import MediaStore, NoMediaError
from halfdoor.messaging.media_uploads import Allowing
from halfdoor.messaging.reading import Reader
from halfdoor.safety.refusal import ContactRefused, Reason


class Avatars:
    """Gives the entity the key of the picture that a person's profile names, and takes it back."""

    def __init__(
        self, *, files: MediaStore, access: MediaAccess, allowing: Allowing, server_name: str
    ) -> None:
        """Find files with *access*; ask *allowing* who may show pictures at all."""
        self._files = files
        self._access = access
        self._allowing = allowing
        self._server_name = server_name

    async def name(self, reader: Reader, address: str) -> None:
        """Let everybody fetch the file that *reader*'s profile is about to name.

        Only a file of their own; any other address is kept as it is and opens nothing. Raises
        `ContactRefused` for somebody who may send no media.
        """
        if address and (await self._allowing.check_active(reader.user)).no_media:
            raise ContactRefused(Reason.OWN_NO_MEDIA)
        media_id = media_id_of(address, self._server_name)
        if media_id is None:
            return
        try:
            file = await self._access.find(reader, media_id)
            if file.owner == reader.user:
                await self._files.show(reader.user, media_id, file.key.give_to_the_entity())
        except (UnknownMediaError, NotYetUploadedError, NoMediaError, ContactRefused):
            return

    async def unname(self, reader: Reader, address: str = "") -> None:
        """Destroy the key of a picture that the profile names no more, unless it is *address*."""
        media_id = media_id_of(address, self._server_name)
        if media_id is None or await self._files.avatar_key(media_id) is None:
            await self._files.hide(reader.user)
