"""What the two commands, `train` and `generate`, share: how they read numbers and how they say what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from collections.abc import Callable, Iterator
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line on standard error, without the usage in front, and exits with status 2."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.fail(f"{message} (--help explains all options)", status=2)

    def fail(self, message: str, status: int) -> NoReturn:
        self.exit(status, f"{self.prog}: error: {message}\n")

    @contextlib.contextmanager
    def reading_input(self) -> Iterator[None]:
        """Turn every exception into such a line. Any exception: libraries raise what they like on files they cannot read."""
        try:
            yield
        except Exception as error:
            kind = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: "
            self.fail(kind + textwrap.shorten(str(error), 600), status=2)


def at_least(minimum: int) -> Callable[[str], int]:
    """For ``type=`` of an option: a whole number that is not smaller."""

    def number(text: str) -> int:
        with contextlib.suppress(ValueError):
            if int(text) >= minimum:
                return int(text)
        raise argparse.ArgumentTypeError(f"expected a whole number >= {minimum}, got {text!r}")

    return number
