"""Several owners and a server, each with a folder of its own, and beside the program."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from test_parties import needs_program, run

import volley
from volley import Pool

MEMBERS = ["north", "east", "south"]


def link(source, target):
    """What a party has sent never changes: a link is a copy that takes no room."""
    if not Path(target).exists():
        os.link(source, target)


def mirror(folders):
    """Each party gets what the others sent."""
    for source in folders:
        for target in folders:
            if source != target:
                shutil.copytree(source / "exchange", target / "exchange", copy_function=link, dirs_exist_ok=True)


def advance(parties, folders, *, until=None):
    """All parties do what is due, and get the files of the others, until nothing is left."""
    for _ in range(40):
        mirror(folders)
        done = [party.next() for party in parties]
        if until is not None and until in parties[0].awaited:
            return
        if not any(done) and not parties[0].awaited:
            return
    raise AssertionError(parties[0].awaited)


@pytest.fixture(scope="module")
def tables():
    X, y = load_iris(return_X_y=True, as_frame=True)
    order = np.random.default_rng(7).permutation(len(y))
    return {name: (X.iloc[rows], y.iloc[rows]) for name, rows in zip(MEMBERS, np.array_split(order, 3))}


@pytest.fixture(scope="module")
def pool(tables, tmp_path_factory):
    root = tmp_path_factory.mktemp("pool")
    folders = [root / name for name in [*MEMBERS, "server"]]
    # One iteration takes keys of 88 MB, two take 484 MB.
    invitation = {"members": MEMBERS, "classes": [0, 1, 2], "predict": 10, "iterations": 1}
    north = Pool.invite(folders[0], *tables["north"], name="north", **invitation)
    for folder in folders[1:]:
        shutil.copytree(folders[0] / "exchange", folder / "exchange")
    others = [Pool.join(root / name, *tables[name], name=name) for name in MEMBERS[1:]]
    parties = [north, *others, Pool.serve(root / "server")]
    advance(parties, folders, until="confirmation")
    return parties, folders


@needs_program
def test_owners_train_one_model_that_the_program_reads(pool, tables):
    parties, folders = pool
    # What it takes is known before the first key is made, and what it has taken comes to it.
    needs = parties[0].needs
    shown = json.loads(run("pool", "status", folders[0], "--json"))["plan"]
    assert needs.keys() == shown.keys()
    # Seconds are those of each build: the program may be one with debug assertions.
    sizes = [[(step["step"], step["read_bytes"], step["written_bytes"]) for step in of["keys"]] for of in (needs, shown)]
    assert sizes[0] == sizes[1] and needs["parameters"] == shown["parameters"]
    assert needs["rows"] == [50, 50, 50] and needs["scores"]["rows"] == 10
    steps = {step["step"]: step for step in needs["keys"]}
    sent = folders[0] / "exchange" / "north" / "score-key.vly"
    assert steps["key of scores"]["written_bytes"] == sent.stat().st_size
    assert steps["commitment"]["taken_seconds"] > 0 and "taken_seconds" not in steps["keys, round 1"]

    prints = {party.fingerprint for party in parties[:3]}
    assert len(prints) == 1 and None not in prints
    with pytest.raises(volley.Error, match="fingerprint"):
        parties[0].next(fingerprint="00")
    for party in parties[:3]:
        party.next(fingerprint=party.fingerprint)
    assert {party.fingerprint for party in parties[:3]} == prints, "it is known afterwards too"
    assert [party.name for party in parties] == [*MEMBERS, "server"]
    assert parties[2].model is None

    # The program does one step of one party, and the objects go on.
    mirror(folders)
    assert "has done" in run("pool", "next", folders[1])
    # The server leaves the training to it as well.
    training = folders[3] / "private" / "job"
    for _ in range(40):
        mirror(folders)
        for party in parties[:3]:
            party.next()
        if parties[3].next(leave_training=True) == ["files of the training"]:
            break
    run("train", training)
    advance(parties, folders)
    models = [party.model for party in parties[:3]]
    assert all(np.array_equal(models[0].coef, model.coef) for model in models)
    X, y = (np.concatenate([tables[name][part] for name in MEMBERS]) for part in (0, 1))
    found = (models[0].scores(X).argmax(axis=1) == y).mean()
    assert found > LogisticRegression(max_iter=1000).fit(X, y).score(X, y) - 0.05
    assert "the pool has done its work" in run("pool", "status", folders[0])


def test_only_a_server_may_leave_the_training(pool):
    parties, _ = pool
    with pytest.raises(volley.Error, match="only the server trains"):
        parties[0].next(leave_training=True)


@needs_program
def test_an_owner_gets_scores_of_rows_that_nobody_else_sees(pool, tables):
    parties, folders = pool
    east, (X, _) = parties[1], tables["north"]
    with pytest.raises(ValueError, match="not in the pool"):
        east.ask(X[:5].assign(height=1.0))
    east.ask(X[X.columns[::-1]][:5])
    assert east.predictions == []
    advance(parties, folders)
    (file,) = east.predictions
    lines = file.read_text().splitlines()
    found = np.array([line.split(",")[1:] for line in lines[-5:]], dtype=float)
    # The noise that hides the owners' shares is in the scores and in the model. Its deviation is 2^-10 of the largest
    # weight at most, or there would be no plan: these are eight of them.
    scores = east.model.scores(X[:5].to_numpy())
    assert np.abs(found - scores).max() < 2**-7 * np.abs(scores).max()
    with pytest.raises(volley.Error, match="planned for"):
        east.ask(X[:11])


def test_secrets_and_tables_stay(pool):
    parties, folders = pool
    for folder in folders:
        assert (folder / "private").stat().st_mode & 0o777 == 0o700
    assert (folders[0] / "private" / "table.csv").stat().st_mode & 0o777 == 0o600
    assert not list((folders[3] / "exchange").rglob("*.csv"))
    assert repr(parties[0]).startswith("<volley.Pool of ")


def test_what_does_not_belong_to_a_pool_is_refused(tables, tmp_path):
    X, y = tables["north"]
    with pytest.raises(volley.Error, match="no folder of a pool"):
        Pool(tmp_path)
    invitation = {"members": ["north", "east"], "classes": [0, 1, 2]}
    with pytest.raises(volley.Error, match="no member"):
        Pool.invite(tmp_path / "west", X, y, name="west", **invitation)
    with pytest.raises(volley.Error, match="class"):
        Pool.invite(tmp_path / "few", X, y, name="north", **{**invitation, "classes": [0, 1]})
    north = Pool.invite(tmp_path / "north", X, y, name="north", **invitation)
    assert north.awaited == {"join": ["east"]}
    assert north.needs is None
    with pytest.raises(volley.Error, match="already"):
        Pool.invite(tmp_path / "north", X, y, name="north", **invitation)
    shutil.copytree(north.exchange, tmp_path / "east" / "exchange")
    with pytest.raises(volley.Error, match="column"):
        Pool.join(tmp_path / "east", X.iloc[:, :3], y, name="east")
