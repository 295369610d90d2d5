#!/usr/bin/env bash
# Fills the corpus of every target with the golden files: its own and, as inputs that must be refused, all others.
set -euo pipefail
cd "$(dirname "$0")"

for target in fuzz_targets/*.rs; do
    corpus=corpus/$(basename "$target" .rs)
    mkdir -p "$corpus"
    for crate in volley-ckks volley-mlr; do
        for file in ../crates/"$crate"/testdata/wire/*.vly; do
            cp "$file" "$corpus/$crate-$(basename "$file")"
        done
    done
    cp ../crates/volley-project/testdata/pool/*.json "$corpus"
done
