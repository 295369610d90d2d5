#!/usr/bin/env bash
# Three owners and a server as separate processes in separate folders, over files alone: each owner has some digits of
# MNIST, so that none can train a useful model by itself. All owners get the same model, which is tested beside the same
# training in clear and what each owner has alone. Then everything that is private is looked for in all that the
# parties have of each other.
#
#   scripts/several_owners.sh [samples] [memory]
#   scripts/several_owners.sh table.csv [samples] [memory]
#
# A table has a label first in each row. Its rows are taken in the order of a fixed seed: `samples` of them, or else
# three quarters, are trained on, and the others tested on. Each owner has the rows of some classes, or a third of the
# rows where there are fewer classes than owners.
set -euo pipefail
data=()
if [ -n "${1:-}" ] && [ -e "$1" ]; then
    data=(--features "$(realpath "$1")")
    samples=${2:-$(($(grep -c . "$1") * 3 / 4))}
    memory=${3:-12G}
else
    samples=${1:-1024}
    memory=${2:-12G}
fi
cd "$(dirname "$0")/.."

cargo build --release --quiet --package volley-cli --bin volley --example find_secret --package xtask
target=${CARGO_TARGET_DIR:-$PWD/target}
volley=$target/release/volley
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$target/release/xtask" pool "${data[@]}" --samples "$samples" --owners 3 --tables "$work/tables"
cd "$work"
owners=(north east south)
parties=("${owners[@]}" server)

# Every party gets what the others have sent: here by links, elsewhere by a shared drive or a bucket.
mirror() {
    local from to
    for from in "${parties[@]}"; do
        for to in "${parties[@]}"; do
            [ "$from" = "$to" ] || [ ! -d "$from/exchange/$from" ] || {
                mkdir -p "$to/exchange"
                cp -r --link --update "$from/exchange/$from" "$to/exchange/"
            }
        done
    done
}

echo "== ${owners[0]} invites"
"$volley" pool init "${owners[0]}" --name "${owners[0]}" --table tables/owner-1.npz \
    --members "$(IFS=,; echo "${owners[*]}")" --classes "$(cat tables/classes.txt)" --memory "$memory"
mirror
for place in 1 2; do
    echo "== ${owners[place]} joins"
    "$volley" pool join "${owners[place]}" "tables/owner-$((place + 1)).npz" --name "${owners[place]}"
done
"$volley" pool join server --server
mirror

# Everyone runs `next` until nobody has anything to do. The owners compare the fingerprint by telephone: here they read
# it from the first one's screen.
fingerprint=
while :; do
    before=$(find ./*/exchange ./*/private -type f | sort)
    for party in "${parties[@]}"; do
        echo "== $party"
        confirm=()
        [ "$party" = server ] || [ -z "$fingerprint" ] || confirm=(--fingerprint "$fingerprint")
        "$volley" pool next "$party" "${confirm[@]}" | tee screen.txt
        [ -n "$fingerprint" ] || fingerprint=$(sed -n 's/^fingerprint  *//p' screen.txt)
        mirror
    done
    [ "$before" != "$(find ./*/exchange ./*/private -type f | sort)" ] || break
done
for party in "${parties[@]}"; do
    echo "== $party: what the pool took"
    "$volley" pool status "$party"
done

echo "== the model of each owner"
for owner in "${owners[@]}"; do
    cmp "$owner/private/model.json" "${owners[0]}/private/model.json"
done
"$volley" evaluate "${owners[0]}/private/model.json" tables/test.npz | tee screen.txt

echo "== what is private, in what the parties have of each other"
"$target/release/examples/find_secret" --pool "${parties[@]}"

echo "== accuracy on the test rows"
accuracy=$("$volley" evaluate --json "${owners[0]}/private/model.json" tables/test.npz |
    sed -n 's/^  "accuracy": \([0-9.]*\),*$/\1/p')
{
    printf 'the pool, encrypted\t%.2f %%\n' "$(awk "BEGIN { print 100 * $accuracy }")"
    cat tables/in-clear.tsv
} | awk -F '\t' '{ printf "%-36s%s\n", $1, $2 }'
