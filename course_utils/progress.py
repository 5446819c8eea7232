"""Progress bars whose last state stays in a saved notebook. Those of `tqdm.auto` are widgets, which die with their kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tqdm.std import tqdm


class NotebookBar(tqdm):
    """A `tqdm` that shows itself as one plain-text output of the cell, which later states replace."""

    monitor_interval = 0   # no thread that would draw into whichever cell is running by then

    def __init__(self, *args, **kwargs):
        from IPython.display import DisplayHandle

        # gui=True: tqdm writes nothing to a stream and leaves drawing to display().
        super().__init__(*args, gui=True, miniters=1, bar_format="{l_bar}{bar:20}{r_bar}", **kwargs)
        if not self.disable:
            self.handle = DisplayHandle()
            # A bar that is to vanish begins empty, too: nbval compares the first state with the saved, last one.
            self.handle.display({"text/plain": str(self) if self.leave else ""}, raw=True)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        self.handle.update({"text/plain": str(self) if msg is None else msg}, raw=True)

    def close(self) -> None:
        if not self.disable:
            super().close()
            self.display(None if self.leave else "")

    def clear(self, nolock: bool = False) -> None:
        """Nothing to wipe: other outputs of the cell stand beside the bar."""


def progress_bar(
    iterable: Iterable | None = None, *, total: int | None = None, description: str = "", disable: bool = False,
    unit: str = "batch", leave: bool = True,
) -> tqdm:
    """A `tqdm` over ``iterable``, or one to `update` by hand up to ``total`` and to close, best by ``with``.

    In a notebook its last state becomes part of the saved output; ``leave=False`` empties it at the end.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kind = NotebookBar if hasattr(shell, "kernel") else tqdm   # a terminal's IPython has no kernel
    return kind(iterable, total=total, desc=description, disable=disable, unit=unit, leave=leave)
