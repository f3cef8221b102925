"""Is a text that was sent still to be found in the files, as it was or in another spelling?"""

import mmap
from base64 import b64encode
from pathlib import Path


def spellings(canary: str) -> dict[str, list[bytes]]:
    """Return how *canary* may be spelt: raw, hex, and base64 at each of three places."""
    raw = canary.encode()
    shifted = []
    for shift in range(3):
        text = b64encode(bytes(shift) + raw)
        # The first and last characters also hold what stands beside it.
        shifted.append(text[(0, 2, 3)[shift] : -4])
    return {
        "raw": [raw],
        "base64": [*shifted, *(one.translate(_URL_SAFE) for one in shifted)],
        "hex": [raw.hex().encode(), raw.hex().upper().encode()],
    }


def found_in(folder: Path, canary: str) -> dict[str, int]:
    """Return in how many files below *folder* each kind of spelling stands."""
    kinds = spellings(canary)
    found = dict.fromkeys(kinds, 0)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
            for kind, texts in kinds.items():
                found[kind] += any(content.find(text) >= 0 for text in texts)
    return found


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
