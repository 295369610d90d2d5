"""The two parties, on the files of the program ``volley``."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_X_y

from volley import _volley
from volley._labels import labels_of, names_of, refuse_categories
from volley._progress import Progress, listener
from volley._settings import Settings
from volley._volley import Model, Plan


class Owner:
    """An owner's project: the folder that ``volley init`` makes.

    What goes to the server is in :attr:`upload`. What stays is in ``private``, which only its owner may read. A
    notebook and the program work on the same project, and a server trains by either::

        owner = Owner.create("digits", X, y)
        owner.generate_keys()
        owner.encrypt(X, y)
        # send owner.upload; there: volley train upload, or Server("upload").train()
        model = owner.decrypt("digits/upload/model.vly")
    """

    def __init__(self, project: str | PathLike[str]) -> None:
        """Opens a project that Python or the program made."""
        self._owner = _volley.Owner(Path(project))

    @classmethod
    def create(
        cls,
        project: str | PathLike[str],
        X: Any,
        y: Any,
        *,
        shareable: bool = False,
        statistical_bits: int | None = None,
        shared_decryptions: int | None = None,
        **settings: Any,
    ) -> Owner:
        """Plans for the shape of a table, and makes the folder.

        The settings are those of :class:`VolleyClassifier` that a plan is made by: ``iterations``, ``security`` and so on.
        A decrypted model says something of the secret key. With ``shareable`` decryption adds noise that hides it, and the
        plan is made for that: within 2^-``statistical_bits`` (30 by default) over so many ``shared_decryptions`` (1) under
        the project's key.
        """
        X, y, columns = _table(X, y)
        (samples, features), classes = X.shape, np.unique(y)
        if len(classes) < 2:
            raise ValueError(f"a training has at least 2 classes, the labels have one: {classes.tolist()[0]!r}")
        options = Settings(**settings).options()
        if shareable:
            options["shareable"] = (
                30 if statistical_bits is None else statistical_bits,
                1 if shared_decryptions is None else shared_decryptions,
            )
        elif statistical_bits is not None or shared_decryptions is not None:
            raise ValueError("statistical_bits and shared_decryptions are of plans with shareable=True")
        plan = Plan(samples, features, len(classes), options)
        _volley.Owner.create(Path(project), plan, columns)
        return cls(project)

    @property
    def upload(self) -> Path:
        """The folder that goes to the server, as it is."""
        return Path(self._owner.upload)

    def generate_keys(
        self, *, passphrase: str | None = None, replace: bool = False, progress: bool | Progress | None = None
    ) -> None:
        """Makes the secret key, which stays, and the evaluation keys, as ``volley keygen`` does."""
        with listener(progress) as told:
            self._owner.generate_keys(passphrase=passphrase, replace=replace, progress=told)

    def encrypt(
        self,
        X: Any,
        y: Any,
        *,
        class_weight: str | None = None,
        passphrase: str | None = None,
        replace: bool = False,
        progress: bool | Progress | None = None,
    ) -> None:
        """Encrypts labelled rows and completes the upload, as ``volley encrypt`` does.

        The columns of a DataFrame go by the names that were planned for, in any order.
        """
        if class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight is {class_weight!r}, it should be None or 'balanced'")
        advice = ", and other columns take another plan"
        X = by_name(X, self._owner.planned_features, "the one that was planned for", advice)
        X, y, columns = _table(X, y)
        classes, indices = np.unique(y, return_inverse=True)
        names = names_of(classes)
        with listener(progress) as told:
            self._owner.encrypt_rows(
                X,
                [names[index] for index in indices],
                columns,
                balanced=class_weight == "balanced",
                passphrase=passphrase,
                replace=replace,
                progress=told,
            )

    def decrypt(self, model: str | PathLike[str], *, private: bool = False, passphrase: str | None = None) -> Model:
        """Decrypts a model that the server returned, as ``volley decrypt`` does.

        It must stay with the owner, unless it is :attr:`~Model.shareable`. That of a shareable plan is, is counted, and is
        refused where as many as planned were decrypted. ``private`` decrypts it to the last bit, for the owner alone.
        """
        return self._owner.decrypt(Path(model), private=private, passphrase=passphrase)

    def encrypt_rows(
        self,
        X: Any,
        rows: str | PathLike[str],
        *,
        passphrase: str | None = None,
        replace: bool = False,
    ) -> Path:
        """Encrypts rows to be scored by a model that stays encrypted, as ``volley encrypt-rows`` does.

        They go into the file ``rows``, which the server gets. Takes a training of two iterations or more. The columns of
        a DataFrame go by the names that were encrypted, in any order.
        """
        refuse_categories(X)
        X = by_name(X, self._owner.encrypted_features, "the one that was encrypted")
        X, rows = check_array(X, dtype=np.float64), Path(rows)
        self._owner.encrypt_for_scores(X, rows, passphrase=passphrase, replace=replace)
        return rows

    def decrypt_scores(
        self, scores: str | PathLike[str], *, rows: str | PathLike[str] | None = None, passphrase: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decrypts scores that the server returned, as ``volley decrypt-scores`` does: classes, and scores by row.

        Scores of other rows than those in the file ``rows``, or than those that were encrypted last, are refused. They
        must stay with the owner.
        """
        classes, decrypted = self._owner.decrypt_scores(
            Path(scores), rows=None if rows is None else Path(rows), passphrase=passphrase
        )
        return labels_of(classes), decrypted

    def __repr__(self) -> str:
        return repr(self._owner)


class Server:
    """A server with the folder that an owner sent. It has no secret key."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._server = _volley.Server(Path(folder))

    def train(self, *, memory: int | None = None, progress: bool | Progress | None = None) -> Path:
        """Trains, as ``volley train`` does, and gives the path of the encrypted model.

        It takes no more than ``memory`` bytes, or than there are. Every iteration leaves its model,
        ``model-after-1.vly`` and so on, and a checkpoint. Ctrl-C ends it between two files of rows. Ended or killed, it
        goes on where it was, here or in the program. What a disk or the memory does not hold is refused before.
        """
        with listener(progress) as told:
            return Path(self._server.train(memory=memory, progress=told))

    def stop(self) -> None:
        """Tells a training that it need not go on, as ``volley stop`` does: from another process, or from its progress.

        It ends with the model of the last iteration that was done.
        """
        self._server.stop()

    def score(
        self,
        rows: str | PathLike[str],
        scores: str | PathLike[str],
        *,
        memory: int | None = None,
        replace: bool = False,
        progress: bool | Progress | None = None,
    ) -> Path:
        """Scores encrypted rows by the encrypted model, as ``volley score`` does, into the file ``scores``."""
        with listener(progress) as told:
            self._server.score(Path(rows), Path(scores), memory=memory, replace=replace, progress=told)
        return Path(scores)

    def __repr__(self) -> str:
        return repr(self._server)


def by_name(X: Any, known: list[str] | None, table: str, advice: str = "") -> Any:
    """Columns with names, in the order of those of a table before. Others are refused."""
    if known is None or not hasattr(X, "columns"):
        return X
    columns = {str(name): name for name in X.columns}
    for one, others, where in ((known, columns, "this table"), (columns, known, table)):
        for name in one:
            if name not in others:
                raise ValueError(f"the column {name!r} is not in {where}{advice}")
    return X[[columns[name] for name in known]]


def _table(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """Features, labels, and the names of the columns where they have any."""
    refuse_categories(X)
    columns = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    X, y = check_X_y(X, y, dtype=np.float64)
    check_classification_targets(y)
    return X, y, columns
