#!/usr/bin/env bash
# Trains undisturbed, then again with SIGKILLs at random moments, each followed by a new start: the model must be the same
# to the last byte.
#
#   scripts/kill_and_resume.sh [kills] [volley]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
kills=${1:-20}
if [ -n "${2:-}" ]; then
    volley=$(realpath "$2")
else
    cargo build --release --quiet --package volley-cli
    volley=${CARGO_TARGET_DIR:-$root/target}/release/volley
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$volley" init --samples 1024 --features 400 --classes 10 --iterations 3 project > /dev/null
"$volley" keygen project > /dev/null
"$volley" encrypt project "$root/data/mnist/train-first1024-images.idx3-ubyte.gz" --centre 20 > /dev/null
cp -r project/upload server
start=$(date +%s%N)
"$volley" train server 2> /dev/null
microseconds=$((($(date +%s%N) - start) / 1000))
mv server/model.vly undisturbed.vly

done=0
while [ "$done" -lt "$kills" ]; do
    moment=$(awk -v all="$microseconds" -v random="$RANDOM" 'BEGIN { printf "%.3f", random / 32768 * all / 1e6 }')
    "$volley" train server > /dev/null 2>&1 &
    child=$!
    sleep "$moment"
    kill -KILL "$child" 2> /dev/null || true
    wait "$child" 2> /dev/null || true
    if [ -e server/model.vly ]; then
        # It was done before: the machine is faster now than it was at first. No kill to count.
        microseconds=$(awk -v moment="$moment" 'BEGIN { printf "%d", moment * 1e6 }')
        found=
    else
        found=start
        [ ! -e server/checkpoint.vly ] || found=checkpoint
        "$volley" train server > /dev/null 2>&1
        done=$((done + 1))
        [ -z "$(find server -name '*.part' -o -name checkpoint.vly)" ]
    fi
    cmp server/model.vly undisturbed.vly
    [ -z "$found" ] ||
        echo "kill $done after $moment s of $((microseconds / 1000)) ms, went on from the $found: the same model"
    rm -f server/model.vly server/checkpoint.vly
done
