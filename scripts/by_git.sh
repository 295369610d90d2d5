#!/usr/bin/env bash
# A crate outside of the workspace that depends on volley-ckks by git, as its README says: it is built and run. Needs
# what the build needs, and what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
readme=crates/volley-ckks/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git clone --quiet . "$work/clone"
mkdir -p "$work/mine/src"
# The README's manifest, with the URL of the clone.
sed -n '/^```toml$/,/^```$/p' "$readme" | sed '/^```/d' | sed "s|URL of the repository|file://$work/clone|" \
    > "$work/mine/Cargo.toml"
grep -q "file://" "$work/mine/Cargo.toml"
# The versions that the project is tested with.
cp Cargo.lock "$work/mine/Cargo.lock"
cp crates/volley-ckks/examples/dot_product.rs "$work/mine/src/main.rs"
cd "$work/mine"
cargo run --quiet
