"""The estimator, as scikit-learn uses it."""

import pickle
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import volley
from volley import VolleyClassifier

WEIGHTS = "classes are weighed alike or not at all: a dictionary of weights is refused"
NOISE = "every training on ciphertexts has noise of its own, of about 1e-6 in a score"


def expected_failures(estimator):
    failures = {"check_class_weight_classifiers": WEIGHTS}
    if estimator.execution == "encrypted":
        failures["check_fit_idempotent"] = NOISE
    return failures


@parametrize_with_checks(
    [VolleyClassifier(execution="clear"), VolleyClassifier()], expected_failed_checks=expected_failures
)
def test_it_is_an_estimator(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(iris):
    return VolleyClassifier().fit(*iris)


def in_clear(**settings):
    return VolleyClassifier(execution="clear", **settings)


def test_on_ciphertexts_it_is_what_it_is_in_clear(iris, fitted):
    X, y = iris
    clear = VolleyClassifier().fit(X, y, execution="clear")
    assert np.abs(fitted.decision_function(X) - clear.decision_function(X)).max() < 1e-3
    assert np.array_equal(fitted.predict(X), clear.predict(X))
    assert not np.array_equal(fitted.coef_, clear.coef_), "noise shows that there were ciphertexts"
    assert "training" in fitted.report().seconds and "keys" not in clear.report().seconds


def test_digits_are_told_apart():
    X, y = load_digits(return_X_y=True)
    X, test, y, expected = train_test_split(X, y, random_state=0)
    score = VolleyClassifier(iterations=3).fit(X, y).score(test, expected)
    rival = LogisticRegression(max_iter=5000).fit(X, y).score(test, expected)
    assert score >= rival - 0.01


def test_two_classes_have_one_row_of_coefficients():
    X, y = load_breast_cancer(return_X_y=True)
    classifier = in_clear().fit(X, y)
    assert classifier.coef_.shape == (1, 30) and classifier.intercept_.shape == (1,)
    scores = classifier.decision_function(X)
    assert scores.shape == (len(X),)
    assert np.array_equal(classifier.predict(X), classifier.classes_[(scores > 0).astype(int)])


@pytest.mark.parametrize("profile", ["standard", "standardised"])
def test_probabilities_are_what_the_scores_say(iris, profile):
    X, y = iris
    for rows in (y < 3, y < 2):
        classifier = in_clear(profile=profile).fit(X[rows], y[rows])
        scores = classifier.model_.scores(X[rows])
        likely = np.exp(scores) if profile == "standard" else 1 / (1 + np.exp(-scores))
        found = classifier.predict_proba(X[rows])
        np.testing.assert_allclose(found, likely / likely.sum(axis=1, keepdims=True), atol=1e-12)
        np.testing.assert_allclose(np.exp(classifier.predict_log_proba(X[rows])), found, atol=1e-12)
        assert np.array_equal(classifier.classes_[found.argmax(axis=1)], classifier.predict(X[rows]))
        assert log_loss(y[rows], found) < (0.1 if profile == "standard" else 1.05)
        copied = pickle.loads(pickle.dumps(classifier))
        assert np.array_equal(copied.predict_proba(X[rows]), found)


def test_weights_of_samples_are_refused(iris):
    with pytest.raises(TypeError, match="sample_weight"):
        in_clear().fit(*iris, sample_weight=np.ones(150))


def test_coefficients_are_those_of_prepared_features(iris):
    X, y = iris
    classifier = in_clear().fit(X, y)
    columns = []
    for column, (root, mean, inverse) in zip(X.T, classifier.model_.standardisation):
        values = np.sqrt(np.maximum(column, 0)) if root else column
        columns.append(np.clip((values - mean) * inverse, -4, 4))
    scores = np.array(columns).T @ classifier.coef_.T + classifier.intercept_
    assert np.abs(scores - classifier.decision_function(X)).max() < 1e-12


@pytest.mark.parametrize(
    "labels",
    [["setosa", "versi color", "ünïcode"], [30, 4, 100], [2.0, 10.0, 9.0], ["10", "9", "8x"], [True, False, True]],
)
def test_labels_come_back_as_they_are(iris, labels):
    X, y = iris
    y = np.array(labels)[y]
    classifier = in_clear().fit(X, y)
    assert np.array_equal(classifier.classes_, np.unique(y))
    assert classifier.predict(X).dtype == y.dtype
    assert classifier.score(X, y) > 0.6
    scores = classifier.decision_function(X)
    if scores.ndim == 2:
        assert np.array_equal(classifier.classes_[scores.argmax(axis=1)], classifier.predict(X))


def test_it_works_where_estimators_work(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), in_clear())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(VolleyClassifier(), {"iterations": [1, 2], "weight_decay": [None, 0.01]}, cv=3)
    search.fit(X, y, execution="clear")
    assert search.best_score_ > 0.9
    assert clone(VolleyClassifier(iterations=7)).iterations == 7


def test_it_is_pickled_with_its_model(iris, fitted):
    X, _ = iris
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
    assert str(again.plan_) == str(fitted.plan_)
    assert again.model_.classes == fitted.model_.classes == ["0", "1", "2"]


def test_names_of_features_are_kept(iris, tmp_path):
    frame = load_iris(as_frame=True)
    classifier = in_clear().fit(frame.data, frame.target)
    assert list(classifier.feature_names_in_) == list(frame.data.columns)
    classifier.model_.save(tmp_path / "model.json")
    assert volley.Model.load(tmp_path / "model.json").feature_names == list(frame.data.columns)
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame.data.rename(columns=str.upper))


def test_what_is_no_number_is_refused_with_its_name(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    with_categories = frame.assign(kind=pd.Categorical(np.where(y > 0, "x", "y")), word="w")
    with pytest.raises(ValueError, match=r"'kind' \(category\), 'word' .*OneHotEncoder"):
        in_clear().fit(with_categories, y)
    encoder = ColumnTransformer([("kinds", OneHotEncoder(), ["kind"])], remainder="passthrough")
    assert make_pipeline(encoder, in_clear()).fit(with_categories.drop(columns="word"), y).score(
        with_categories.drop(columns="word"), y
    ) > 0.9
    frame.loc[3, "b"] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        in_clear().fit(frame, y)
    with pytest.raises(ValueError, match="could not convert|strings"):
        in_clear().fit([["a"], ["b"]], [0, 1])
    assert in_clear().fit(pd.DataFrame(X).convert_dtypes(), y).score(X, y) > 0.9


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"execution": "later"}, "execution"),
        ({"class_weight": {0: 1}}, "class_weight"),
        ({"profile": "other"}, "profile"),
        ({"security": 80}, "claim of 80 bits"),
        ({"iterations": 0}, "iteration"),
        ({"iterations": None}, "`auto` or a number"),
        ({"sigmoid_degree": 2}, "degree"),
        ({"weight_decay": 1.5}, "decay"),
        ({"execution": "encrypted", "memory": 1000}, "memory"),
        ({"sigmoid_range": 0.1, "sigmoid_degree": 3}, "keep scores small"),
    ],
)
def test_settings_that_are_none_are_refused(iris, settings, words):
    with pytest.raises(ValueError, match=words):
        VolleyClassifier(**{"execution": "clear", **settings}).fit(*iris)


def test_what_is_of_another_type_is_named(iris):
    for settings in ({"memory": "1M"}, {"security": 128.5}, {"sigmoid_range": "8"}, {"log_n": True}):
        (name,) = settings
        with pytest.raises(TypeError, match=f"{name} is .*, it should be a (whole )?number"):
            in_clear(**settings).fit(*iris)
    with pytest.raises(TypeError, match="Model.load reads one"):
        VolleyClassifier.of_model("model.json")


def test_columns_of_another_unit_are_warned_of(iris):
    X, y = iris
    classifier = in_clear().fit(X, y)
    for unlike, words in ((X * 100, "far from those"), (X * [1, 1, 0.1, 1], "feature 3 vary far less")):
        for method in (classifier.predict, classifier.predict_proba, classifier.decision_function):
            with pytest.warns(UserWarning, match=words):
                method(unlike)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.predict(X)


def test_the_library_speaks_for_itself(iris):
    with pytest.raises(volley.Error, match="least squares|odd|degree"):
        in_clear(sigmoid_degree=2).fit(*iris)
    assert issubclass(volley.Error, ValueError)


def test_classes_that_are_weighed_alike(iris):
    X, y = iris
    few = np.r_[0:50, 50:100, 100:106]
    rare = X[few], y[few]
    plain, balanced = in_clear().fit(*rare), in_clear(class_weight="balanced").fit(*rare)
    assert not np.array_equal(plain.coef_, balanced.coef_)
    encrypted = VolleyClassifier(class_weight="balanced").fit(*rare)
    assert np.abs(encrypted.coef_ - balanced.coef_).max() < 1e-3


def test_a_plan_says_what_volley_init_says(fitted):
    plan = fitted.plan_
    assert "150 samples × 4 features, 3 classes" in str(plan)
    figures = plan.to_dict()
    assert (figures["plan_hash"], figures["samples"], figures["iterations"]) == (plan.hash, 150, 2)
    assert figures["parameters"]["security_bits"] == 128


def test_a_report_shows_itself(fitted):
    report = fitted.report()
    assert report.execution == "encrypted" and report.training_accuracy > 0.9
    assert report.largest_score < report.polynomial_range
    assert "on ciphertexts, in this process" in str(report)
    shown = report._repr_html_()
    assert shown.startswith("<table>") and "150 samples × 4 features" in shown and "polynomial's" not in shown


def test_progress_is_told_and_may_stop_it(iris):
    told = []
    VolleyClassifier(progress=lambda *step: told.append(step)).fit(*iris)
    assert {work for work, _, _ in told} == {"key generation", "encryption", "training"}
    assert told[-1] == ("training", 2, 2)

    def stop(work, done, all):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        VolleyClassifier(progress=stop).fit(*iris)
    VolleyClassifier(progress=True).fit(*iris)


def test_ctrl_c_stops_it():
    script = """
import os, signal, threading
from sklearn.datasets import load_digits
from volley import VolleyClassifier
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    VolleyClassifier(iterations=100).fit(*load_digits(return_X_y=True))
except KeyboardInterrupt:
    print("stopped")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "stopped\n", done.stderr


def test_the_lock_is_free_meanwhile():
    X, y = load_digits(return_X_y=True)
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    VolleyClassifier().fit(X, y)
    during = counted[0] - before
    done.set()
    thread.join()
    assert during > 100


def test_single_precision_counts(iris):
    X, y = iris
    X = np.column_stack([X, 1e9 + 1e-7 * np.arange(len(X))])
    single = in_clear().fit(X.astype(np.float32), y)
    assert single.coef_[0, 4] == 0
