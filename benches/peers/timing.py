"""What the scripts of this folder share: the clock, the list they print, and the command line."""

import argparse
import json
import math
import os
import statistics
import sys
import time

from rings import RINGS

# The exit code when a library is not installed, or not for this Python.
ABSENT = 3

ROTATIONS = range(1, 17)


def median_ms(operation, budget_s=1.0, at_least=3, at_most=25):
    """The median time of some calls of `operation`, after one that does not count.

    It is processor time: with one thread that is what a clock shows on an idle machine, and other work does not distort
    it as much.
    """
    operation()
    times = []
    end = time.process_time() + budget_s
    while len(times) < at_least or (len(times) < at_most and time.process_time() < end):
        start = time.process_time()
        operation()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def operands(ring):
    """Values that fill the slots of `ring`."""
    return [math.sin(i) / 2 for i in range(ring.slots)]


def check(what, got, expected):
    """Stops where a library was so set up that its results are wrong: their times would mean nothing."""
    error = max(abs(g - e) for g, e in zip(got, expected))
    if not error < 1e-3:
        sys.exit(f"{what}: the result is wrong by {error}")


def measurements(operations, **common):
    """One entry of the list for each pair of an operation's name and a function that does it."""
    return [dict(common, op=name, median_ms=round(median_ms(run), 4)) for name, run in operations.items()]


def main(measure):
    """Prints `measure(ring)` for the ring that the command line names."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("log_n", type=int, choices=sorted(RINGS), help="log2 of the ring degree")
    parser.add_argument("--digits", type=int, help="digits of key switching, where the library lets one choose")
    arguments = parser.parse_args()
    ring = RINGS[arguments.log_n]
    if arguments.digits:
        ring = ring._replace(digits=arguments.digits)
    report(lambda: measure(ring))


def report(measure):
    """Prints the list that `measure()` returns, of a library that has one thread."""
    # Read by OpenMP when the library is loaded, which `measure` does.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        entries = measure()
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(ABSENT)
    json.dump(entries, sys.stdout, indent=1)
    print()
