"""Hours of silence in a few kilobytes, as nobody's recorder writes them: FLAC and Ogg Opus by hand."""

from __future__ import annotations

from collections.abc import Iterator

_RATE = 8000
_BLOCK = 65_535
"""The most samples of a frame of FLAC: eight seconds in fourteen bytes."""
_OPUS_RATE = 48_000
_PACKETS = 255
_PACKET_SAMPLES = 5760
"""120 ms, the most of a packet of Opus: two bytes that hold two frames of no length."""
_SILENT_PACKET = bytes([0x1B, 0x02])


def flac(hours: float, *, says_seconds: float | None = None) -> bytes:
    """Return a FLAC; `says_seconds` is what it says of its length, 0 for nothing, without it the truth."""
    frames = max(1, round(hours * 3600 * _RATE / _BLOCK))
    samples = frames * _BLOCK if says_seconds is None else round(says_seconds * _RATE)
    about = (_RATE << 44 | (16 - 1) << 36 | samples).to_bytes(8, "big")
    sizes = _BLOCK.to_bytes(2, "big") * 2 + bytes(6)
    head = b"fLaC" + bytes([0x80, 0, 0, 34]) + sizes + about + bytes(16)
    return head + b"".join(_flac_frame(number) for number in range(frames))


def opus(hours: float, *, says_seconds: float | None = None) -> bytes:
    """Return an Ogg Opus; `says_seconds` is what the end of its last page says of its length."""
    pages = max(1, round(hours * 3600 * _OPUS_RATE / _PACKETS / _PACKET_SAMPLES))
    head = b"OpusHead" + bytes([1, 1, 0, 0]) + _RATE.to_bytes(4, "little") + bytes(3)
    tags = b"OpusTags" + bytes(8)
    found = [_page(0, 0, [head], kind=2), _page(1, 0, [tags])]
    for number in range(1, pages + 1):
        ends = number * _PACKETS * _PACKET_SAMPLES
        if number == pages and says_seconds is not None:
            ends = round(says_seconds * _OPUS_RATE)
        packets = [_SILENT_PACKET] * _PACKETS
        found.append(_page(number + 1, ends, packets, kind=4 if number == pages else 0))
    return b"".join(found)


def _flac_frame(number: int) -> bytes:
    head = bytes([0xFF, 0xF8, 0x74, 0x08]) + chr(number).encode() + (_BLOCK - 1).to_bytes(2, "big")
    frame = head + bytes([_crc(head, width=8, polynomial=0x07)]) + bytes(3)
    return frame + _crc(frame, width=16, polynomial=0x8005).to_bytes(2, "big")


def _page(number: int, ends: int, packets: list[bytes], *, kind: int = 0) -> bytes:
    lacing = bytes(len(packet) for packet in packets)
    head = b"OggS" + bytes([0, kind]) + ends.to_bytes(8, "little") + bytes([1, 0, 0, 0])
    page = head + number.to_bytes(4, "little") + bytes(4) + bytes([len(lacing)]) + lacing + b"".join(packets)
    return page[:22] + _crc(page, width=32, polynomial=0x04C11DB7).to_bytes(4, "little") + page[26:]


def _crc(content: bytes, *, width: int, polynomial: int) -> int:
    table = list(_table(width, polynomial))
    found, mask = 0, (1 << width) - 1
    for byte in content:
        found = ((found << 8) & mask) ^ table[(found >> (width - 8)) ^ byte]
    return found


def _table(width: int, polynomial: int) -> Iterator[int]:
    mask = (1 << width) - 1
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = ((value << 1) & mask) ^ (polynomial if value >> (width - 1) else 0)
        yield value
