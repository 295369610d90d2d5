#!/usr/bin/env bash
# Trains undisturbed, then again with SIGKILLs at random moments, each followed by a new start: the model must be the
# same to the last byte.
#
#   scripts/kill_and_resume.sh [kills] [volley] [data] [memory]
#
# A table of its own makes several files of rows, and little memory has them read in every iteration.
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-20}
if [ -n "${2:-}" ]; then
    volley=$(realpath "$2")
else
    cargo build --release --quiet --package volley-cli --bin volley
    volley=${CARGO_TARGET_DIR:-$PWD/target}/release/volley
fi
data=${3:+$(realpath "$3")}
train=("$volley" train server)
[ -z "${4:-}" ] || train+=(--memory "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A small job, so that little of the time is start-up: 60 rows of three classes.
[ -n "$data" ] || awk 'BEGIN {
    for (row = 0; row < 60; row++) {
        printf "%c", 97 + row % 3
        for (column = 0; column < 8; column++) printf ",%d", (column % 3 == row % 3) * 20 + (row * 7 + column * 5) % 11
        print ""
    }
}' > data.csv
"$volley" init "${data:=data.csv}" project --iterations 3 > /dev/null
"$volley" keygen project > /dev/null
"$volley" encrypt project "$data" > /dev/null
cp -r project/upload server

now() { date +%s%N; }

# Moments are spread over the time that a whole run took last: other programs may be at work.
start=$(now)
"${train[@]}" > undisturbed.log 2>&1 || { cat undisturbed.log >&2; exit 1; }
whole=$(($(now) - start))
mv server/model.vly undisturbed.vly

done=0
checkpoints=0
passes=0
while [ "$done" -lt "$kills" ]; do
    "${train[@]}" > /dev/null 2>&1 &
    child=$!
    moment=$(awk -v whole="$whole" -v random="$RANDOM" 'BEGIN { printf "%.3f", random / 32768 * whole / 1e9 }')
    sleep "$moment"
    kill -KILL "$child" 2> /dev/null || true
    wait "$child" 2> /dev/null || true
    if [ -e server/model.vly ]; then
        # It was done before: a run takes less time now. No kill to count.
        whole=$((whole * 3 / 4))
    else
        found=start
        [ ! -e server/checkpoint.vly ] || { found=checkpoint checkpoints=$((checkpoints + 1)); }
        [ ! -e server/gradient.vly ] || { found="middle of a pass" passes=$((passes + 1)); }
        start=$(now)
        "${train[@]}" > /dev/null 2>&1
        [ "$found" != start ] || whole=$(($(now) - start))
        done=$((done + 1))
        echo "kill $done after $moment s, went on from the $found"
        [ -z "$(find server -name '*.part' -o -name checkpoint.vly -o -name gradient.vly)" ]
    fi
    cmp server/model.vly undisturbed.vly
    rm -f server/model.vly
done
echo "$done kills, $checkpoints of them after a checkpoint, $passes in a pass that was taken up:" \
    "the same model each time"
