"""The media types of files, by their first bytes: clients often declare a wrong type."""

from typing import Final

from jackfield.errors import InvalidRequest

_AUDIO: Final = (
    (b"ID3", "audio/mp3"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"FORM", "audio/aiff"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
)
_IMAGES: Final = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_IMAGE_BRANDS: Final = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif"}
_MP3_SYNC: Final = 0xE0


def audio_type(data: bytes) -> str:
    """The media type of audio. Raises InvalidRequest if it is not a known one."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    for start, kind in _AUDIO:
        if data.startswith(start):
            return kind
    if data[:1] == b"\xff" and data[1:2] and data[1] & _MP3_SYNC == _MP3_SYNC:
        return "audio/mp3"
    known = "WAV, MP3, AAC, OGG, FLAC, AIFF, MP4 or WebM"
    raise InvalidRequest(f"The file is not audio that Google can read: {known}.", param="file")


def image_type(data: bytes) -> str:
    """The media type of an image. Raises InvalidRequest if it is not a known one."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _IMAGE_BRANDS:
        return _IMAGE_BRANDS[data[8:12]]
    for start, kind in _IMAGES:
        if data.startswith(start):
            return kind
    known = "PNG, JPEG, WebP, HEIC or HEIF"
    raise InvalidRequest(f"It is not an image that Google can read: {known}.", param="image")
