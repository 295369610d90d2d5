"""Owner and server by files, and beside the program."""

import csv
import os
import pickle
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import volley
from volley import Owner, Server, VolleyClassifier

ROOT = Path(__file__).parents[2]


def program():
    """The program of the same tree, the one that was built last."""
    built = [ROOT / "target" / profile / "volley" for profile in ("debug", "release")]
    named = os.environ.get("VOLLEY_PROGRAM")
    found = [Path(named)] if named else [path for path in built if path.exists()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


needs_program = pytest.mark.skipif(program() is None, reason="volley is not built: cargo build -p volley-cli")


def run(*arguments):
    done = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture
def owner(tmp_path, iris):
    owner = Owner.create(tmp_path / "project", *iris)
    owner.generate_keys()
    owner.encrypt(*iris)
    return owner


def test_a_server_trains_what_it_cannot_read(owner, iris, tmp_path):
    folder = shutil.copytree(owner.upload, tmp_path / "server")
    told = []
    returned = Server(folder).train(progress=lambda *step: told.append(step))
    assert told[-1] == ("training", 300, 300), "rows in two iterations"
    assert (folder / "model-after-1.vly").exists()
    model = owner.decrypt(returned)
    X, y = iris
    classifier = VolleyClassifier.of_model(model)
    assert classifier.score(X, y) > 0.9
    assert list(classifier.feature_names_in_) == list(X.columns)
    with pytest.raises(volley.Error, match="goes to others"):
        model.save(folder / "model.json")
    clear = VolleyClassifier(execution="clear").fit(X, y)
    assert np.abs(classifier.decision_function(X) - clear.decision_function(X)).max() < 1e-3
    # A second call finds the model.
    assert Server(folder).train() == returned


def test_a_model_of_a_shareable_plan_may_be_shared_as_often_as_was_planned(tmp_path, iris):
    owner = Owner.create(tmp_path / "project", *iris, shareable=True)
    owner.generate_keys()
    owner.encrypt(*iris)
    returned = Server(owner.upload).train()
    shared, private = owner.decrypt(returned), owner.decrypt(returned, private=True)
    assert shared.shareable and not private.shareable
    assert 0 < np.abs(shared.coef - private.coef).max() < 1e-3 * np.abs(private.coef).max()
    assert np.array_equal(owner.decrypt(returned).coef, shared.coef), "the same noise"
    with pytest.raises(volley.Error, match="1 of 1 decryptions under this key are taken"):
        owner.decrypt(owner.upload / "model-after-1.vly")
    with pytest.raises(volley.Error, match="20 bits of statistical security"):
        Owner.create(tmp_path / "weak", *iris, shareable=True, statistical_bits=20)
    with pytest.raises(ValueError, match="shareable=True"):
        Owner.create(tmp_path / "private", *iris, shared_decryptions=2)


@needs_program
def test_the_program_works_on_a_project_of_python(owner, tmp_path):
    folder = shutil.copytree(owner.upload, tmp_path / "server")
    here = Server(folder).train().read_bytes()
    there = owner.upload / "model.vly"
    run("train", owner.upload)
    assert there.read_bytes() == here, "the same ciphertexts, bit for bit"
    run("decrypt", tmp_path / "project", there, "-o", tmp_path / "program.json")
    owner.decrypt(there).save(tmp_path / "python.json")
    assert (tmp_path / "python.json").read_bytes() == (tmp_path / "program.json").read_bytes()
    read = volley.Model.load(tmp_path / "program.json")
    assert np.array_equal(read.coef, owner.decrypt(there).coef)


@needs_program
def test_python_works_on_a_project_of_the_program(iris, tmp_path):
    X, y = iris
    table, project = tmp_path / "iris.csv", tmp_path / "project"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", *X.columns])
        writer.writerows([kind, *row] for kind, row in zip(y, X.to_numpy()))
    run("init", table, project)
    run("keygen", project)
    run("encrypt", project, table)
    returned = Server(project / "upload").train()
    model = Owner(project).decrypt(returned)
    run("decrypt", project, returned, "-o", tmp_path / "program.npz")
    model.save(tmp_path / "python.npz")
    assert (tmp_path / "python.npz").read_bytes() == (tmp_path / "program.npz").read_bytes()
    assert model.feature_names == list(X.columns)
    predicted = run("predict", tmp_path / "program.npz", table).split()
    assert predicted == [str(label) for label in VolleyClassifier.of_model(model).predict(X)]


@needs_program
def test_a_plan_is_the_programs(iris, tmp_path):
    X, y = iris
    plan = VolleyClassifier(execution="clear").fit(X, y).plan_
    shown = run("init", "--samples", 150, "--features", 4, "--classes", 3, tmp_path / "project")
    without_times = lambda text: [line for line in text.splitlines() if "time" not in line and "elsewhere" not in line]  # noqa: E731
    assert without_times(shown)[: len(without_times(str(plan)))] == without_times(str(plan))


def interrupt_after_an_iteration(work, done, all):
    if (work, done) == ("training", 150):
        raise KeyboardInterrupt


def test_a_training_that_is_interrupted_goes_on(owner):
    server = Server(owner.upload)
    with pytest.raises(KeyboardInterrupt):
        server.train(progress=interrupt_after_an_iteration)
    told = []
    assert owner.decrypt(server.train(progress=lambda *step: told.append(step))).classes == ["0", "1", "2"]
    assert [done for work, done, _ in told if work == "training"] == [150, 300]
    assert not (owner.upload / "checkpoint.vly").exists()


def test_a_training_that_need_not_go_on_ends_with_the_model_that_it_has(owner):
    server = Server(owner.upload)
    server.stop()
    with pytest.raises(volley.Error, match="stopped before an iteration"):
        server.train()
    (owner.upload / "stop").unlink()
    with pytest.raises(KeyboardInterrupt):
        server.train(progress=interrupt_after_an_iteration)
    server.stop()
    returned = server.train()
    assert returned.read_bytes() == (owner.upload / "model-after-1.vly").read_bytes()
    assert owner.decrypt(returned).classes == ["0", "1", "2"]
    with pytest.raises(volley.Error, match="ended"):
        server.stop()


def test_what_the_machine_does_not_hold_is_refused(owner):
    with pytest.raises(volley.Error, match="training takes .* of memory on .*, there are 1.0 kB"):
        Server(owner.upload).train(memory=1000)


@needs_program
def test_scores_of_a_model_that_stays_encrypted(owner, iris, tmp_path):
    X, y = iris
    server = Server(owner.upload)
    rows, scores = tmp_path / "rows.vly", tmp_path / "scores.vly"
    with pytest.raises(volley.Error, match="no model"):
        owner.encrypt_rows(X[::5], rows)
        server.score(rows, scores)
    model = owner.decrypt(server.train())
    assert server.score(rows, scores) == scores
    classes, found = owner.decrypt_scores(scores)
    assert list(classes) == [0, 1, 2]
    assert np.abs(found - model.scores(X[::5].to_numpy())).max() < 1e-2
    run("score", owner.upload, rows, "-o", tmp_path / "program.vly")
    assert (tmp_path / "program.vly").read_bytes() == scores.read_bytes()
    labels = run("decrypt-scores", tmp_path / "project", scores).split()
    assert labels == [str(label) for label in classes[found.argmax(axis=1)]]
    # Columns go by name.
    owner.encrypt_rows(X[X.columns[::-1]][::5], tmp_path / "reversed.vly")
    server.score(tmp_path / "reversed.vly", tmp_path / "reversed-scores.vly")
    assert np.abs(owner.decrypt_scores(tmp_path / "reversed-scores.vly")[1] - found).max() < 1e-2
    with pytest.raises(ValueError, match="'height' is not in the one that was encrypted"):
        owner.encrypt_rows(X.assign(height=1.0), tmp_path / "height.vly")
    with pytest.warns(UserWarning, match="far from those trained on"):
        owner.encrypt_rows(X[::5] * 100, tmp_path / "far.vly")
    owner.encrypt_rows(X[1::5], tmp_path / "other.vly")
    with pytest.raises(volley.Error, match="other rows.* rows=... names"):
        owner.decrypt_scores(scores)
    assert np.array_equal(owner.decrypt_scores(scores, rows=rows)[1], found)
    with pytest.raises(volley.Error, match="exists"):
        server.score(rows, scores)


def test_columns_go_by_the_names_that_were_planned_for(tmp_path, iris):
    X, y = iris
    owner = Owner.create(tmp_path / "project", X, y)
    owner.generate_keys()
    for other, words in [(X.rename(columns={X.columns[1]: "height"}), "sepal width"), (X.assign(height=1.0), "height")]:
        with pytest.raises(ValueError, match=f"{words}.* another plan"):
            owner.encrypt(other, y)
    owner.encrypt(X[X.columns[::-1]], y)
    model = owner.decrypt(Server(owner.upload).train())
    assert model.feature_names == list(X.columns)
    assert VolleyClassifier.of_model(model).score(X, y) > 0.9


@needs_program
def test_the_program_goes_by_the_names_that_python_planned_for(tmp_path, iris):
    X, y = iris
    owner = Owner.create(tmp_path / "project", X, y)
    owner.generate_keys()
    table = tmp_path / "reversed.csv"
    X[X.columns[::-1]].assign(kind=y).to_csv(table, index=False)
    run("encrypt", tmp_path / "project", table)
    model = owner.decrypt(Server(owner.upload).train())
    assert model.feature_names == list(X.columns)
    assert VolleyClassifier.of_model(model).score(X, y) > 0.9


def test_secrets_stay(owner):
    private = owner.upload.parent / "private"
    assert private.stat().st_mode & 0o777 == 0o700
    secret = (private / "secret-key.vly").read_bytes()
    for file in owner.upload.iterdir():
        assert secret[-64:] not in file.read_bytes(), file
    assert repr(owner).startswith("<volley.Owner of ")
    with pytest.raises(TypeError):
        pickle.dumps(owner._owner)


def test_a_sealed_key_asks_for_its_passphrase(tmp_path, iris):
    owner = Owner.create(tmp_path / "project", *iris)
    owner.generate_keys(passphrase="correct horse")
    with pytest.raises(volley.Error, match="passphrase"):
        owner.encrypt(*iris)
    with pytest.raises(volley.Error, match="passphrase"):
        owner.encrypt(*iris, passphrase="wrong")
    owner.encrypt(*iris, passphrase="correct horse")
    returned = Server(owner.upload).train()
    with pytest.raises(volley.Error, match="passphrase"):
        owner.decrypt(returned)
    assert owner.decrypt(returned, passphrase="correct horse").classes == ["0", "1", "2"]


def test_what_does_not_belong_together_is_refused(owner, iris, tmp_path):
    X, y = iris
    refused = [
        (lambda: Owner(tmp_path / "none"), "no project"),
        (lambda: Owner.create(tmp_path / "project", X, y), "project already"),
        (lambda: owner.generate_keys(), "exists; replace=True replaces it"),
        (lambda: owner.encrypt(X, y), "exists"),
        (lambda: owner.encrypt(X[:100], y[:100], replace=True), "150"),
        (lambda: owner.encrypt(X, y, class_weight="much"), "class_weight"),
        (lambda: Owner.create(tmp_path / "one", X, y * 0), "the labels have one: 0"),
        (lambda: Server(tmp_path).train(), "job.vly"),
        (lambda: owner.decrypt(owner.upload / "job.vly"), "model"),
    ]
    for operation, words in refused:
        with pytest.raises(ValueError, match=words):
            operation()
    (owner.upload / "rows-00001.vly").write_bytes(b"short")
    with pytest.raises(volley.Error, match="rows-00001"):
        Server(owner.upload).train()
