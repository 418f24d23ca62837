"""Reading a text file, and the sentence for one that cannot be read or written."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

from steerkit_core.errors import SteerkitError, lowered


def read_text(path: Path, refusal: type[SteerkitError] = SteerkitError) -> str:
    """The text of a UTF-8 file; a byte order mark, as some editors write it, is dropped.

    Raises:
        SteerkitError: of the class `refusal`: there is no such file, or it cannot be read as UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refusal(unreadable(path, error)) from None
    skipped = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    try:
        return data[skipped:].decode()
    except UnicodeDecodeError as error:
        offset = skipped + error.start
        line = data.count(b"\n", 0, offset) + 1
        raise refusal(
            f"{path}:{line}: not UTF-8 at byte {offset} (0x{data[offset]:02x}): save the file as UTF-8"
        ) from None


def unreadable(path: Path, error: OSError) -> str:
    """Why a file cannot be read, in one sentence."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file"
    return f"{path}: cannot be read: {reason_of(error)}"


def unwritable(path: Path, error: OSError) -> str:
    """Why a file or folder cannot be written, in one sentence."""
    return f"{path}: cannot be written: {reason_of(error)}"


def reason_of(error: OSError) -> str:
    """What the operating system says, as the end of a sentence."""
    return lowered(error.strerror or type(error).__name__)
