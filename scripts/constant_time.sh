#!/usr/bin/env bash
# Runs what an owner computes from secrets under valgrind's memcheck, with each kind of kernel that valgrind knows (it
# does not know AVX-512): a branch or an address that depends on a secret ends it with exit code 1. Needs valgrind and
# its headers (Debian: the package valgrind) and installs nothing; without them the exit code is 3.
#
#   scripts/constant_time.sh
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
    echo "constant_time: $1 (Debian: apt-get install valgrind)" >&2
    exit 3
}
command -v valgrind > /dev/null || missing "valgrind is missing"
echo '#include <valgrind/memcheck.h>' | "${CC:-cc}" -E - > /dev/null 2>&1 || missing "valgrind's headers are missing"

target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --quiet --locked --manifest-path constant_time/Cargo.toml --target-dir "$target"
program=$target/release/volley-constant-time

for kernels in $("$program" kernels | grep -v avx512); do
    VOLLEY_BACKEND=$kernels RAYON_NUM_THREADS=1 valgrind --quiet --error-exitcode=1 \
        --suppressions=constant_time/published.supp "$program"
done
