"""What the two commands, `train` and `generate`, share: options from dataclasses, and how they say what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import NoReturn

from transformers import HfArgumentParser

from .processes import rank
from .tasks import CourseWarning


class Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Shows the text below the options as it is, and the defaults that say something."""

    def _get_help_string(self, action):
        return action.help if action.default in (None, False, "") else super()._get_help_string(action)


class Parser(HfArgumentParser):
    """Says what is wrong in one line on standard error, without the usage in front, and exits with status 2."""

    def __init__(self, *dataclasses, **options):
        super().__init__(dataclasses, allow_abbrev=False, **options)
        # Where the locale is C, German answers to a pipe would be lost in a traceback.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")

    def parse(self, argv: Sequence[str]) -> tuple:
        """The dataclasses, filled."""
        *filled, rest = self.parse_args_into_dataclasses(argv, return_remaining_strings=True, look_for_args_file=False)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return tuple(filled)

    def error(self, message: str) -> NoReturn:
        self.fail(f"{message} (--help explains all options)", status=2)

    def fail(self, message: str, status: int) -> NoReturn:
        """End with one line on standard error."""
        self.exit(status, f"{self.prog}: error: {message}\n")

    @contextlib.contextmanager
    def reading_input(self) -> Iterator[None]:
        """Turn every exception into such a line. Any exception: libraries raise what they like on files that they cannot read."""
        try:
            yield
        except BrokenPipeError:  # whoever read the answers has enough, such as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
            sys.exit(141)  # as a shell reports it of other commands
        except Exception as error:
            kind = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: "
            self.fail(kind + textwrap.shorten(str(error), 600), status=2)


@contextlib.contextmanager
def notes() -> Iterator[None]:
    """Print every `CourseWarning` as a line on standard error, by the first process alone; silence those of libraries. And end
    with one line and status 130 when the user interrupts."""
    def show(message, category, *place, **options) -> None:
        if issubclass(category, CourseWarning) and rank() == 0:
            print(f"note: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", CourseWarning)
        warnings.showwarning = show
        try:
            yield
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(130)
