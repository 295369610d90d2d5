#!/usr/bin/env python3
"""Compares what `volley plan` forecasts of a job on several ranks with what they take.

    scripts/scale.py target/release/volley UPLOAD --ranks 1,2,4
    scripts/scale.py target/release/volley UPLOAD --ranks 2,4 --gbit 1 --rtt-ms 1

Ranks have one thread each. Without a network they are programs of this machine, each bound to a core while there are
enough; with one they are the hosts of network.py, which needs root. More ranks than cores share them, so that the
computation takes as many times as long as there are ranks for a core: the forecast is made so too.

Hosts that one machine plays share its memory as well, which the forecast knows nothing of. So with a network the same
ranks run without one in turns, and what they take and the exchange that is forecast are compared with the run on the
hosts: this is a test of the exchange alone.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PASS = re.compile(r"iteration \d+ of \d+: ([\d.]+) s, level \d+(?:, ([\d.]+) s of it)?")
UPLOAD = ("job.vly", "evaluation-keys.vly", "preconditioner.vly", "rows-*.vly")


def forecast(program, upload, ranks, network):
    command = [program, "plan", upload, "--json", "--threads", "1", "--workers", str(ranks)]
    # The speed of the cores is measured anew: it is kept among the user's caches, and a shared machine changes it.
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        found = subprocess.run(command + network, check=True, stdout=subprocess.PIPE, env=environment)
    return json.loads(found.stdout)["workers"][0]


def fresh(upload, folder):
    """A folder with the upload and nothing that a training made."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for pattern in UPLOAD:
        for file in upload.glob(pattern):
            os.link(file, folder / file.name)


def measure(program, folder, ranks, arguments, networked):
    launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks)]
    bind = ["--bind-to", "core" if ranks <= len(os.sched_getaffinity(0)) else "none"]
    if networked:
        script = str(Path(__file__).with_name("network.py"))
        network = ["--gbit", str(arguments.gbit), "--rtt-ms", str(arguments.rtt_ms)]
        launcher, bind = [script, "--hosts", str(ranks), *network, "--"], []
    command = [*launcher, *bind, program, "train", "--mpi", "--threads", "1", "--json", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr}")
    passes = [[float(seconds or 0) for seconds in found] for found in PASS.findall(run.stderr)]
    return json.loads(run.stdout)["seconds"], passes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="volley, built with the feature mpi")
    parser.add_argument("upload", type=Path)
    parser.add_argument("--ranks", default="1,2,4,8")
    parser.add_argument("--gbit", type=float, help="of each host's line; none: one machine")
    parser.add_argument("--rtt-ms", type=float, default=0.1)
    parser.add_argument("--runs", type=int, default=3, help="of which the medians are shown")
    arguments = parser.parse_args()
    ranks = [int(number) for number in arguments.ranks.split(",")]
    # On one machine messages go through memory.
    bits = int(1e9 * (arguments.gbit if arguments.gbit is not None else 40))
    network = ["--bandwidth", str(bits), "--round-trip", str(arguments.rtt_ms if arguments.gbit is not None else 0)]
    cores = len(os.sched_getaffinity(0))
    networked = arguments.gbit is not None
    columns = "  one machine + exchange  ratio" if networked else ""
    print(f"ranks  seconds  forecast  ratio{columns}  seconds of each pass (of them for the sums of others)")
    with tempfile.TemporaryDirectory(dir=arguments.upload.parent) as root:
        for count in ranks:
            runs, plans = {networked: [], False: []}, []
            for _ in range(arguments.runs):
                plans.append(forecast(arguments.program, str(arguments.upload), count, network))
                for kind, of_kind in runs.items():
                    fresh(arguments.upload, Path(root) / "job")
                    of_kind.append(measure(arguments.program, Path(root) / "job", count, arguments, kind))
            (seconds, passes), (here, _) = (sorted(runs[kind])[arguments.runs // 2] for kind in (networked, False))
            plan = sorted(plans, key=lambda plan: plan["seconds"])[arguments.runs // 2]
            computing = (plan["seconds"] - plan["exchange_seconds"]) * max(1, count / cores)
            planned = computing + plan["exchange_seconds"]
            with_exchange = here + plan["exchange_seconds"]
            compared = f"  {with_exchange:22.2f}  {seconds / with_exchange:5.2f}" if networked else ""
            shown = ", ".join(f"{whole:.2f} ({of_others:.2f})" for whole, of_others in passes)
            print(f"{count:5}  {seconds:7.2f}  {planned:8.2f}  {seconds / planned:5.2f}{compared}  {shown}", flush=True)


if __name__ == "__main__":
    main()
