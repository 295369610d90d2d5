"""The two parties, on the files of the program ``volley``."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_X_y

from volley import _volley
from volley._labels import names_of, refuse_categories
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
    def create(cls, project: str | PathLike[str], X: Any, y: Any, **settings: Any) -> Owner:
        """Plans for the shape of a table, and makes the folder.

        The settings are those of :class:`VolleyClassifier` that a plan is made by: ``iterations``, ``security`` and so on.
        """
        X, y, _ = _table(X, y)
        samples, features = X.shape
        plan = Plan(samples, features, len(np.unique(y)), Settings(**settings).options())
        _volley.Owner.create(Path(project), plan)
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
        """Encrypts labelled rows and completes the upload, as ``volley encrypt`` does."""
        if class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight is {class_weight!r}, it should be None or 'balanced'")
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

    def decrypt(self, model: str | PathLike[str], *, passphrase: str | None = None) -> Model:
        """Decrypts a model that the server returned, as ``volley decrypt`` does. It must stay with the owner."""
        return self._owner.decrypt(Path(model), passphrase=passphrase)

    def __repr__(self) -> str:
        return repr(self._owner)


class Server:
    """A server with the folder that an owner sent. It has no secret key."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._server = _volley.Server(Path(folder))

    def train(self, *, progress: bool | Progress | None = None) -> Path:
        """Trains, as ``volley train`` does, and gives the path of the encrypted model.

        Ctrl-C ends it between two files of rows. Every iteration leaves a checkpoint, which a training that was ended
        goes on from, here or in the program.
        """
        with listener(progress) as told:
            return Path(self._server.train(told))

    def __repr__(self) -> str:
        return repr(self._server)


def _table(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """Features, labels, and the names of the columns where they have any."""
    refuse_categories(X)
    columns = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    X, y = check_X_y(X, y, dtype=np.float64)
    check_classification_targets(y)
    return X, y, columns
