"""The files of a house, joined by hand: where they lie, who may fetch them, and their pages."""

from typing import TYPE_CHECKING

from halfdoor.apps.blobs import blobs_of, quota_of
from halfdoor.messaging.media_access import MediaAccess
from halfdoor.messaging.media_avatars import Avatars
from halfdoor.messaging.media_naming import Naming
from halfdoor.messaging.media_store import Quota
from halfdoor.messaging.media_sweep import MediaSweep
from halfdoor.messaging.media_uploads import Uploads
from halfdoor.messaging.small_pictures import SmallPictures
from halfdoor.messaging.thumbnails import Thumbnails
from halfdoor.safety.measures import Limits
from halfdoor.store.blobs.objects import ObjectBlobs
from halfdoor.web.matrix.media import MediaPages
from halfdoor.web.router import Route

if TYPE_CHECKING:
    from halfdoor.apps.house import House


def media_in(house: "House") -> "MediaRooms":
    """Return the files of *house*, whose rooms, reading and facts are there already."""
    media = house.setting.media
    blobs = blobs_of(media, house.setting.data_dir)
    return MediaRooms(house, blobs, quota_of(media), media.max_upload_bytes)


class MediaRooms:
    """Everything about files that stands between the web and the store."""

    def __init__(self, house: "House", blobs: ObjectBlobs, quota: Quota, most_bytes: int) -> None:
        """Join what is there of *house* already: rooms, reading, facts and keyring."""
        self._house = house
        self._quota = quota
        self._most_bytes = most_bytes
        self.files = house.store.media
        self.blobs = blobs
        self.sweep = MediaSweep(house.store.media_sweeping, blobs, house.clock)
        self.thumbnails = Thumbnails()
        name = house.setting.server_name
        self.access = MediaAccess(
            files=self.files,
            blobs=blobs,
            rooms=house.rooms,
            reading=house.reading,
            keys=house.keyring,
            people=house.facts,
            places=house.store.mailbox,
            policy=house.setting.policy,
            clock=house.clock,
        )
        self.naming = Naming(
            files=self.files,
            access=self.access,
            keys=house.keyring,
            people=house.facts,
            server_name=name,
            clock=house.clock,
            alone=house.nodes is None,
        )
        self.avatars = Avatars(
            files=self.files, access=self.access, allowing=self, server_name=name
        )
        self.uploads = Uploads(
            files=self.files,
            blobs=blobs,
            allowing=self,
            keys=house.facts,
            quota=quota,
            most_bytes=most_bytes,
            clock=house.clock,
            uploaded=self.naming.unseen.uploaded,
        )

    async def check_active(self, user: str) -> Limits:
        """Refuse a suspended account, else return what it may not do."""
        # Who may contact whom is joined later than files, which it needs not.
        return await self._house.contacts.check_active(user)

    def routes(self) -> list[Route]:
        """Return the pages of files."""
        return MediaPages(
            uploads=self.uploads,
            access=self.access,
            small=SmallPictures(self.access, self.thumbnails),
            server_name=self._house.setting.server_name,
        ).routes()

    async def close(self) -> None:
        """Let the process end in which small pictures are made, and the threads of blobs."""
        await self.thumbnails.close()
        self.blobs.close()

    def __repr__(self) -> str:
        return f"MediaRooms({self.blobs!r})"
