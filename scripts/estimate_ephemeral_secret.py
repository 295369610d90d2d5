#!/usr/bin/env python3
"""Estimates the security of the ephemeral sparse secret of bootstrapping with the lattice-estimator.

LWE of dimension 2^16, a ternary secret of h nonzeros, half of them +1, errors of sigma 3.19, any number of samples. With
`--weight 0` the secret is dense and ternary. What it printed and what that means is in docs/ephemeral_secret.md.

    python3 -m venv venv    # Python 3.11; passagemath is SageMath as wheels, 4 GB
    venv/bin/pip install passagemath-standard-no-symbolics==10.8.13 passagemath-symbolics==10.8.13
    git clone https://github.com/malb/lattice-estimator
    git -C lattice-estimator checkout 27a581bb8e9d49f5e9e2db315bd48ac769d5f5f5
    PYTHONPATH=lattice-estimator venv/bin/python scripts/estimate_ephemeral_secret.py    # 6 minutes
"""

import argparse

from estimator import LWE, ND
from estimator.lwe_dual import dual_hybrid
from estimator.lwe_guess import mitm
from sage.all import log

DIMENSION = 1 << 16


def attacks(sparse):
    yield "usvp", LWE.primal_usvp
    yield "bdd", LWE.primal_bdd
    yield "dual", LWE.dual
    if sparse:
        # `LWE.estimate` has none of the dual attacks that use how sparse the secret is.
        yield "mitm", mitm
        yield "dual_hybrid", dual_hybrid
        yield "dual_hybrid, mitm", lambda lwe: dual_hybrid(lwe, mitm_optimization=True)
        yield "bdd_hybrid", lambda lwe: LWE.primal_hybrid(lwe, mitm=False, babai=False)
        yield "bdd_hybrid, mitm", lambda lwe: LWE.primal_hybrid(lwe, mitm=True, babai=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-q", type=int, default=110)
    parser.add_argument("--weight", type=int, default=32)
    args = parser.parse_args()
    secret = ND.SparseTernary(args.weight // 2, args.weight // 2) if args.weight else ND.Ternary
    lwe = LWE.Parameters(n=DIMENSION, q=2**args.log_q, Xs=secret, Xe=ND.DiscreteGaussian(3.19))
    print(f"{'attack':<18} log2 of operations  block size  guessed")
    for name, attack in attacks(args.weight > 0):
        cost = attack(lwe)
        bits = float(log(cost["rop"], 2))
        block, guessed = (cost.get(key, "") for key in ("beta", "zeta")) if bits < float("inf") else ("", "")
        print(f"{name:<18}{bits:>19.1f}{str(block):>12}{str(guessed):>9}", flush=True)


if __name__ == "__main__":
    main()
