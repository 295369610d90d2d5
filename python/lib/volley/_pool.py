"""A party of a pool, on the files of the program ``volley``."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from volley import _volley
from volley._labels import names_of, refuse_categories
from volley._party import _table, by_name
from volley._progress import Progress, listener
from volley._settings import Iterations
from volley._volley import Model


class Pool:
    """One party of a pool: several owners, none of whom shows its rows, and a server train one model.

    Each party has a folder of its own, which ``volley pool next`` can go on with. What a party sends is in
    :attr:`exchange`, which is mirrored to all of them by any means::

        north = Pool.invite("north", X, y, name="north", members=["north", "east"], classes=["oak", "elm"])
        # north/exchange goes to the others; there:
        east = Pool.join("east", X, y, name="east")
        server = Pool.serve("server")
        # by everyone, again and again, as files arrive:
        north.next()
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        """Opens the folder of a party that Python or the program made."""
        self._folder, self._pool = Path(folder), _volley.Pool(Path(folder))

    @classmethod
    def invite(
        cls,
        folder: str | PathLike[str],
        X: Any,
        y: Any,
        *,
        name: str,
        members: Sequence[str],
        classes: Sequence[Any],
        threshold: int | None = None,
        iterations: Iterations = "auto",
        statistical_bits: int = 40,
        memory: int | None = None,
        predict: int = 0,
        statistics: str | PathLike[str] | None = None,
    ) -> Pool:
        """Invites the other members, as ``volley pool init`` does.

        ``classes`` are those of all owners: no owner need have rows of each. ``threshold`` owners are enough to decrypt
        the model where it is given. ``predict`` is the number of rows whose scores owners may ask for.
        """
        options = {
            "members": list(members),
            "threshold": threshold,
            "classes": names_of(np.asarray(classes)),
            "iterations": str(iterations),
            "statistical_bits": statistical_bits,
            "memory": memory,
            "predict": predict,
            "statistics": None if statistics is None else Path(statistics),
        }
        _volley.Pool.invite(Path(folder), _owner(folder, X, y, name), options)
        return cls(folder)

    @classmethod
    def join(cls, folder: str | PathLike[str], X: Any, y: Any, *, name: str) -> Pool:
        """Takes part as an owner, where the invitation has arrived in the exchange folder."""
        _volley.Pool.join(Path(folder), _owner(folder, X, y, name))
        return cls(folder)

    @classmethod
    def serve(cls, folder: str | PathLike[str]) -> Pool:
        """Takes part as the server, which has no rows."""
        _volley.Pool.join(Path(folder), None)
        return cls(folder)

    @property
    def exchange(self) -> Path:
        """The folder that is mirrored to all parties."""
        return self._folder / "exchange"

    @property
    def name(self) -> str:
        """The name by which this party sends."""
        return self._pool.name

    @property
    def members(self) -> list[str]:
        """The owners, in their order."""
        return self._pool.members

    def next(
        self,
        *,
        fingerprint: str | None = None,
        memory: int | None = None,
        leave_training: bool = False,
        force: bool = False,
        progress: bool | Progress | None = None,
    ) -> list[str]:
        """Does all that is due, as ``volley pool next`` does, and returns the steps that were done.

        With ``leave_training`` a server does not train. ``private/job`` of its folder then has an upload for ``volley
        train``, on as many machines as are wanted, and a later call sends the model. With ``force`` an owner's rows are
        sent though columns look unlike those of all owners, as in another unit.

        An owner confirms the ``fingerprint`` that it has compared with every other owner, by another way than the
        exchange folder: nothing that depends on its key is sent before.
        """
        with listener(progress) as told:
            return self._pool.next(
                fingerprint=fingerprint,
                memory=memory,
                leave_training=leave_training,
                force=force,
                progress=told,
            )

    @property
    def awaited(self) -> dict[str, list[str]]:
        """Who is waited for, by step. Nobody where the pool has done its work."""
        return dict(self._pool.outlook[0])

    @property
    def fingerprint(self) -> str | None:
        """What the owners compare, once it is known."""
        return self._pool.outlook[1]

    @property
    def needs(self) -> dict[str, Any] | None:
        """What the pool takes, in the figures of ``volley pool status --json``. None before there is a plan.

        ``keys`` has a dictionary for each step that makes keys: ``step``, ``by`` whom it is done, ``read_bytes``,
        ``written_bytes``, ``seconds_on_one_core`` that are foreseen for this machine, and ``taken_seconds`` where this
        party has done it. Others are ``rows`` of each owner, ``parameters``, ``statistical_bits``, ``decryptions``,
        ``scores`` in a pool with ``predict``, ``server_memory_bytes`` and ``server_seconds_on_one_core``.
        """
        return self._pool.needs

    @property
    def model(self) -> Model | None:
        """The model, once this owner has it."""
        return self._pool.model

    def ask(self, X: Any, *, by: Sequence[str] = ()) -> None:
        """Asks for scores of rows that nobody else will see, as ``volley pool score`` does.

        The owners ``by`` decrypt them, by default those who opened the model. The columns of a DataFrame go by
        the names of the pool, in any order; others are in its order.
        """
        refuse_categories(X)
        X = by_name(X, self._pool.features, "the pool")
        self._pool.ask(check_array(X, dtype=np.float64), list(by))

    @property
    def predictions(self) -> list[Path]:
        """The files of classes and scores that this owner has got so far, a CSV file for each request."""
        return [Path(file) for file in self._pool.predictions]

    def __repr__(self) -> str:
        return repr(self._pool)


def _owner(folder: str | PathLike[str], X: Any, y: Any, name: str) -> dict[str, Any]:
    """The owner of a table, which later steps read again: it is kept where only its owner may read it."""
    X, y, columns = _table(X, y)
    classes, indices = np.unique(y, return_inverse=True)
    labels = names_of(classes)
    private = Path(folder) / "private"
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    table = private / "table.csv"
    with open(os.open(table, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if columns is not None:
            writer.writerow(["label", *columns])
        writer.writerows([labels[index], *map(repr, row)] for index, row in zip(indices, X.tolist()))
    return {"name": name, "table": table, "has_header": columns is not None}
