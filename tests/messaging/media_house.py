"""A little house that keeps files, and people who send and fetch them."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from tests.messaging.encrypted_rooms import BOTH, ENCRYPTION, ciphertext
from tests.messaging.little_house import LittleHouse, Someone
from tests.messaging.media_fakes import FakeBlobs, FakeMedia

from halfdoor.messaging.media_access import File, MediaAccess, whole
from halfdoor.messaging.media_names import FileFacts
from halfdoor.messaging.media_naming import Naming
from halfdoor.messaging.media_store import Quota
from halfdoor.messaging.media_uploads import Uploads
from halfdoor.policy.load import policy_from

SERVER: Final = "a.example"
MOST: Final = 1 << 20
PNG: Final = FileFacts("image/png", "a.png")
OPAQUE: Final = FileFacts("application/octet-stream")


class MediaHouse(LittleHouse):
    """The messaging room with files in memory."""

    quota = Quota(bytes=10 * MOST, files=100)

    def __init__(self, **policy: Any) -> None:
        super().__init__()
        self.policy = policy_from({"posture": {"allowed": list(BOTH)}, **policy}, "test")
        self.start()

    def make_naming(self) -> Naming:
        if not hasattr(self, "files"):
            self.files = FakeMedia(self.store)
            self.blobs = FakeBlobs()
        self.access = MediaAccess(
            files=self.files,
            blobs=self.blobs,
            rooms=self.rooms,
            reading=self.reading,
            keys=self.keyring,
            people=self.people,
            places=self.store,
            policy=self.policy,
            clock=self.clock,
        )
        self.naming = Naming(
            files=self.files,
            access=self.access,
            keys=self.keyring,
            people=self.people,
            server_name=SERVER,
            clock=self.clock,
            alone=self.versions is None,
        )
        return self.naming

    def start(self) -> None:
        super().start()
        self.uploads = Uploads(
            files=self.files,
            blobs=self.blobs,
            allowing=self.contacts,
            keys=self.people,
            quota=self.quota,
            most_bytes=MOST,
            clock=self.clock,
            uploaded=self.naming.unseen.uploaded,
        )

    async def upload(self, who: Someone, data: bytes = b"a picture", facts: FileFacts = PNG) -> str:
        """Upload *data*; return its id."""
        return await self.uploads.take(who.id, pieces(data), facts, announced=len(data))

    async def fetch(self, who: Someone, media_id: str) -> bytes:
        """Return all of a file."""
        return await content(self, await self.access.find(who.reader, media_id))

    async def friends(self) -> tuple[Someone, Someone, str]:
        """Return two connected adults and the conversation that both joined."""
        ada, ben = await self.person("ada"), await self.person("ben")
        self.connect(ada, ben)
        conv = await ada.create(ben)
        await ben.join(conv)
        return ada, ben, conv

    async def encrypted_friends(self) -> tuple[Someone, Someone, str]:
        """Return two connected adults in an end-to-end encrypted conversation."""
        ada, ben = await self.person("ada"), await self.person("ben")
        self.connect(ada, ben)
        conv = await ada.create(ben, initial_state=[ENCRYPTION])
        await ben.join(conv)
        return ada, ben, conv


async def content(house: MediaHouse, file: File) -> bytes:
    return b"".join([piece async for piece in whole(house.access, file)])


async def pieces(data: bytes, size: int = 50_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def broken(data: bytes, error: Callable[[], BaseException]) -> AsyncIterator[bytes]:
    """Yield *data*, and then no more comes."""
    yield data
    raise error()


def address(media_id: str, server: str = SERVER) -> str:
    return f"mxc://{server}/{media_id}"


def picture(media_id: str, **more: Any) -> dict[str, Any]:
    """The content of a picture message."""
    return {"msgtype": "m.image", "body": "a.png", "url": address(media_id), **more}


async def show(who: Someone, conv: str, media_id: str, **more: Any) -> str:
    """Send a picture message that names a file; return its event id."""
    return await who.send(conv, "m.room.message", picture(media_id, **more))


async def whisper(who: Someone, conv: str) -> str:
    """Send an encrypted event; return its id."""
    return await who.send(conv, "m.room.encrypted", ciphertext())
