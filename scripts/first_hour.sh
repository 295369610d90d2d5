#!/usr/bin/env bash
# Walls of a user's first hour that need more than a test has: a screen (tmux), limits of memory (ulimit, a control
# group), a small disk (tmpfs). Needs what the build needs; what the machine does not allow is skipped, and named.
#
#     scripts/first_hour.sh [VOLLEY]      a program that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -eq 0 ]; then
    cargo build --release --quiet --package volley-cli
    set -- "${CARGO_TARGET_DIR:-target}/release/volley"
fi
volley=$(realpath "$1")
work=$(mktemp -d)
group= session=first-hour-$$
end() {
    tmux kill-session -t "$session" 2> /dev/null || true
    if [ -n "$group" ]; then rmdir "$group" || true; fi
    if mountpoint --quiet "$work/disk"; then umount "$work/disk"; fi
    rm -rf "$work"
}
trap end EXIT
mkdir "$work/cache" "$work/disk"
export XDG_CACHE_HOME=$work/cache
cd "$work"

step() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
# says WORDS in FILE
says() { grep --quiet --fixed-strings -- "$1" "$2" || { cat "$2" >&2; fail "not said: $1"; }; }
# refuse WORDS COMMAND...: exit code 2 and one line with these words, nothing of an abort
refuse() {
    local words=$1 code=0
    shift
    "$@" > out 2> err || code=$?
    [ "$code" = 2 ] || { cat err >&2; fail "exit code $code of $*"; }
    says "$words" err
    ! grep --quiet --extended-regexp 'panicked|backtrace|memory allocation' err || { cat err >&2; fail "aborted"; }
}
# within SECONDS COMMAND...: in so many seconds of the processor, on whatever else runs
within() {
    local seconds=$1
    shift
    (ulimit -t "$seconds"; "$@")
}

awk 'BEGIN { for (row = 0; row < 600; row++) {
    line = "abc"; line = substr(line, row % 3 + 1, 1)
    for (column = 0; column < 6; column++) {
        random = (random * 421 + 54773) % 259200
        line = line "," sprintf("%.3f", (column == row % 3) * 2 + random / 259200)
    }
    print line
} }' > train.csv

step "the result is known before anything is encrypted"
"$volley" try train.csv > out 2> err
says "held out" out
says "accuracy" out

step "plans that cannot be are refused soon"
# Seconds of a processor: for the last two, extreme shapes, two seconds on two cores.
for shape in "2 100 40000 3 2" "2 1000000000 3000 128 1000" "2 1000 768 10 40" "4 1000 3000 100 40" \
    "4 300 3000 128 5"; do
    read -r seconds samples features classes iterations <<< "$shape"
    code=0
    within "$seconds" "$volley" init plan --samples "$samples" --features "$features" --classes "$classes" \
        --iterations "$iterations" --memory 4G > out 2> err || code=$?
    [ "$code" -le 2 ] || { cat err >&2; fail "$shape: exit code $code"; }
    rm -rf plan
done

step "a limit of memory that ulimit sets is seen"
limited() { (ulimit -v "$1"; shift; "$@"); }
refuse "this machine has" limited 2000000 "$volley" init large --samples 60000 --features 784 --classes 10

# It takes 800 MB.
"$volley" init train.csv project --iterations 4 > out 2> err
"$volley" keygen project > out 2> err
"$volley" encrypt project train.csv > out 2> err
refuse "training takes" limited 700000 "$volley" train project/upload

step "a limit of memory of a control group is seen"
# Version 2 has one tree, version 1 one for memory.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    group=/sys/fs/cgroup/$session limit=memory.max
else
    group=/sys/fs/cgroup/memory/$session limit=memory.limit_in_bytes
fi
in_group() { (echo $BASHPID > "$group/cgroup.procs"; exec "$@"); }
if mkdir "$group" 2> /dev/null && [ -w "$group/$limit" ] && echo 400M > "$group/$limit"; then
    refuse "training takes" in_group "$volley" train project/upload
else
    echo "skipped: no control group with a limit of memory can be made"
    if [ ! -d "$group" ]; then group=; fi
fi

step "a disk without room is refused before the first iteration"
size=$(du --apparent-size --block-size=1 --summarize project/upload | cut -f 1)
if mount -t tmpfs -o "size=$((size + 4000000))" tmpfs disk 2> /dev/null; then
    cp -r project/upload disk/
    refuse "disk" "$volley" train disk/upload
    ! grep --quiet "iteration 1" err || fail "it began"
    umount disk
else
    echo "skipped: no tmpfs can be mounted"
fi

step "off a terminal work is told by lines, for programs by JSON"
"$volley" train project/upload --json > out 2> err
says '"event":"info"' err
rm project/upload/model.vly

step "on a terminal there is a bar with the time left"
if command -v tmux > /dev/null; then
    tmux new-session -d -s "$session" -x 100 -y 30
    tmux send-keys -t "$session" "XDG_CACHE_HOME=$XDG_CACHE_HOME $volley train $work/project/upload --threads 1" Enter
    seen=
    for _ in $(seq 600); do
        tmux capture-pane -p -t "$session" > screen
        if grep --quiet --extended-regexp 'training .*% of' screen; then seen=yes; fi
        if [ -e project/upload/model.vly ]; then break; fi
        sleep 0.1
    done
    [ -n "$seen" ] || { cat screen >&2; fail "no bar was seen"; }
else
    echo "skipped: no tmux"
fi

step "the program has no debug information"
[ "$(stat --format %s "$volley")" -lt 40000000 ] || fail "it is larger than 40 MB"

echo "all walls are down"
