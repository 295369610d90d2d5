"""The estimator of scikit-learn."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from volley._labels import labels_of, names_of, refuse_categories
from volley._progress import Progress, listener
from volley._settings import Iterations, Settings
from volley._volley import Model, Plan, Training, train_encrypted, train_in_clear

Execution = Literal["encrypted", "clear"]


@dataclass(frozen=True)
class Report:
    """What a training gave. A notebook shows it as a table."""

    execution: Execution
    training_accuracy: float
    largest_score: float
    polynomial_range: float
    seconds: dict[str, float]
    plan: str | None

    def rows(self) -> list[tuple[str, str]]:
        """Names and values, to be shown."""
        where = "on ciphertexts, in this process" if self.execution == "encrypted" else "in clear"
        rows = [
            ("trained", where),
            ("accuracy", f"{100 * self.training_accuracy:.1f} % of the rows trained on"),
            ("largest score", f"{self.largest_score:.1f}; scores up to {self.polynomial_range:.1f} are allowed"),
        ]
        return rows + [(part, f"{seconds:.2f} s") for part, seconds in self.seconds.items()]

    def __str__(self) -> str:
        lines = [f"{name:<18} {value}" for name, value in self.rows()]
        return "\n".join(lines + (["", self.plan] if self.plan else []))

    def _repr_html_(self) -> str:
        cells = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in self.rows()]
        plan = f"<pre>{html.escape(self.plan)}</pre>" if self.plan else ""
        return f"<table>{''.join(cells)}</table>{plan}"


class VolleyClassifier(ClassifierMixin, BaseEstimator):
    """Multiclass logistic regression that is trained on CKKS ciphertexts.

    ``fit`` does the work of both parties in this process. It plans, makes keys, encrypts the rows, trains on the
    ciphertexts and decrypts the model. So it shows what a training on a server that cannot read the rows gives and
    takes, and protects nothing by itself. Where there is a server, :class:`volley.Owner` and :class:`volley.Server`
    do the same through files. Prediction is in clear: the model belongs to whoever has the rows.

    What is encrypted: the features, the labels and the scaling of the gradient. What the training in the middle sees
    of the data is its shape alone.

    Parameters
    ----------
    iterations : int or "auto"
        Iterations of the training. With "auto" two, which suit most tables.
    profile : {"standard", "standardised", "paper"}
        How features are prepared and steps are taken. "standard" standardises and whitens them.
    sigmoid_degree, sigmoid_range, learning_rate, weight_decay, momentum_limit : optional
        Settings of the training. By default those of the profile.
    class_weight : {"balanced"}, optional
        With "balanced" all classes count alike, however few rows one has.
    execution : {"encrypted", "clear"}
        With "clear" the same algorithm trains in clear, without keys: for searches of parameters. The model is the
        same but for the noise of the ciphertexts.
    security : {128, 192, 256}
        Bits of security against classical attacks.
    log_n : int, optional
        log2 of the ring degree. By default the cheapest that fits.
    memory : int, optional
        Most bytes of memory that keys and ciphertexts may take.
    small_keys : bool
        Evaluation keys of at most 60 MB, for more time.
    progress : bool or callable, optional
        A callable gets ``(work, done, all)``. True shows bars where tqdm is installed.

    Attributes
    ----------
    classes_ : ndarray
        The labels, in scikit-learn's order.
    coef_, intercept_ : ndarray
        Coefficients of *prepared* features, as the program writes them: a standardised feature is cut off at four
        deviations, so preparing it cannot be folded into its coefficient. ``model_.standardisation`` says how each is
        prepared. For two classes there is one row, that of the second class.
    model_ : volley.Model
        The model, which ``save`` writes as the program does.
    plan_ : volley.Plan
        What the training takes: ``print(classifier.plan_)`` prints what ``volley init`` does.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from volley import VolleyClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> VolleyClassifier(execution="clear").fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        *,
        iterations: Iterations = "auto",
        profile: str = "standard",
        sigmoid_degree: int | None = None,
        sigmoid_range: float | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        momentum_limit: float | None = None,
        class_weight: str | None = None,
        execution: Execution = "encrypted",
        security: int = 128,
        log_n: int | None = None,
        memory: int | None = None,
        small_keys: bool = False,
        progress: bool | Progress | None = None,
    ) -> None:
        self.iterations = iterations
        self.profile = profile
        self.sigmoid_degree = sigmoid_degree
        self.sigmoid_range = sigmoid_range
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.momentum_limit = momentum_limit
        self.class_weight = class_weight
        self.execution = execution
        self.security = security
        self.log_n = log_n
        self.memory = memory
        self.small_keys = small_keys
        self.progress = progress

    def fit(self, X: Any, y: Any, *, execution: Execution | None = None) -> VolleyClassifier:
        """Trains on rows and their labels.

        Parameters
        ----------
        X : array or DataFrame of numbers, rows × features
        y : labels, one for each row: numbers or texts
        execution : {"encrypted", "clear"}, optional
            In place of the parameter of the same name.

        There is no ``sample_weight``: rows are encrypted with weights of their classes at most (``class_weight``).

        Raises
        ------
        volley.Error
            For what the library refuses; it is a ``ValueError``.
        """
        execution = self.execution if execution is None else execution
        if execution not in ("encrypted", "clear"):
            raise ValueError(f"execution is {execution!r}, it should be 'encrypted' or 'clear'")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight is {self.class_weight!r}, it should be None or 'balanced'")
        refuse_categories(X)
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        classes, indices = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"VolleyClassifier needs at least 2 classes, the data has one class: {classes.tolist()[0]!r}")
        names = names_of(classes)
        samples, features = X.shape
        self._shape = samples, features, len(classes)
        self._options = Settings.of(self).options()
        training = self._train(X, [names[index] for index in indices], execution)
        self._adopt(training.model, classes)
        self._figures: dict[str, Any] = {
            "execution": execution,
            "training_accuracy": float(np.mean(self._highest(X) == y)),
            "largest_score": training.largest_score,
            "polynomial_range": training.polynomial_range,
            "seconds": dict(training.seconds),
        }
        return self

    @classmethod
    def of_model(cls, model: Model) -> VolleyClassifier:
        """An estimator that predicts by a model that was trained elsewhere: see :meth:`volley.Owner.decrypt`.

        Its classes are whole numbers where all names of the model's are, and else texts. It has no plan and no report.
        """
        if not isinstance(model, Model):
            raise TypeError(f"{type(model).__name__} is no volley.Model; Model.load reads one from a file")
        estimator = cls()
        estimator._adopt(model, np.unique(labels_of(model.classes)))
        estimator.n_features_in_ = model.coef.shape[1]
        if model.feature_names is not None:
            estimator.feature_names_in_ = np.array(model.feature_names, dtype=object)
        return estimator

    def _adopt(self, model: Model, classes: np.ndarray) -> None:
        self.model_, self.classes_ = model, classes
        # The program sorts classes that are numbers by their values, and NumPy texts by their letters.
        self._order = np.array([model.classes.index(name) for name in names_of(classes)])
        coef, intercept = model.coef[self._order], model.intercept[self._order]
        binary = len(classes) == 2
        self.coef_ = coef[1:] - coef[:1] if binary else coef
        self.intercept_ = intercept[1:] - intercept[:1] if binary else intercept

    def _train(self, X: np.ndarray, labels: list[str], execution: Execution) -> Training:
        names = list(self.feature_names_in_) if hasattr(self, "feature_names_in_") else None
        rows = (np.asarray(X, dtype=np.float64), labels, X.dtype == np.float32, names)
        balanced = self.class_weight == "balanced"
        if execution == "encrypted":
            with listener(self.progress) as progress:
                return train_encrypted(*rows, self._plan(), balanced, progress)
        return train_in_clear(*rows, self._options, self._plan() if balanced else None)

    def _plan(self) -> Plan:
        return Plan(*self._shape, self._options)

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row."""
        return self._highest(self._checked(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """The score of each class, rows × classes; for two classes that of the second less that of the first."""
        scores = self._scores(self._checked(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, rows × classes.

        With the profile "standard" they are the softmax of the scores, whose differences are logarithms of ratios of
        probabilities. With the others they are the sigmoids of the scores, divided by their sum, as scikit-learn does
        for one-vs-rest. Neither is calibrated: ``CalibratedClassifierCV`` does that.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of :meth:`predict_proba`."""
        X = np.asarray(self._checked(X), dtype=np.float64)
        return self.model_.log_probabilities(X)[:, self._order]

    @property
    def plan_(self) -> Plan:
        """What a training on ciphertexts takes."""
        check_is_fitted(self, "_shape")
        # A training in clear takes no plan, so it is made when it is asked for.
        return self._plan()

    def report(self) -> Report:
        """What the training gave, beside its plan if it was on ciphertexts."""
        check_is_fitted(self, "_figures")
        plan = str(self.plan_) if self._figures["execution"] == "encrypted" else None
        return Report(plan=plan, **self._figures)

    def _checked(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        refuse_categories(X)
        return validate_data(self, X, dtype=np.float64, reset=False)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return self.model_.scores(np.asarray(X, dtype=np.float64))[:, self._order]

    def _highest(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self._scores(X).argmax(axis=1)]
