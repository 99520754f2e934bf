"""The media types of files, by their first bytes: what clients say of them is often wrong."""

from typing import Final

from jackfield.errors import InvalidRequest

_SOUNDS: Final = (
    (b"ID3", "audio/mp3"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"FORM", "audio/aiff"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
)
_PICTURES: Final = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_BOXED: Final = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif"}
_SYNC: Final = 0xE0


def sound_type(data: bytes) -> str:
    """The media type of sound. Raises InvalidRequest if it is of no known kind."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    for start, kind in _SOUNDS:
        if data.startswith(start):
            return kind
    if data[:1] == b"\xff" and data[1:2] and data[1] & _SYNC == _SYNC:
        return "audio/mp3"
    known = "WAV, MP3, AAC, OGG, FLAC, AIFF, MP4 or WebM"
    raise InvalidRequest(f"The file is not a sound that Google can read: {known}.", param="file")


def picture_type(data: bytes) -> str:
    """The media type of an image. Raises InvalidRequest if it is of no known kind."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _BOXED:
        return _BOXED[data[8:12]]
    for start, kind in _PICTURES:
        if data.startswith(start):
            return kind
    known = "PNG, JPEG, WebP, HEIC or HEIF"
    raise InvalidRequest(f"It is not an image that Google can read: {known}.", param="image")
