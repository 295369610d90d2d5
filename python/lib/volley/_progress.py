"""How far long work is, for whoever waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]


@contextmanager
def listener(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """A callable ``(work, done, all)``: the given one, bars of tqdm for ``True`` where it is installed, or none."""
    if progress is not True:
        yield progress or None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    bars: dict[str, tqdm] = {}

    def show(work: str, done: int, all: int) -> None:
        if work not in bars:
            bars[work] = tqdm(desc=work, total=all)
        bar = bars[work]
        # Parts are told in any order: the largest number counts.
        bar.update(max(0, done - bar.n))

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
