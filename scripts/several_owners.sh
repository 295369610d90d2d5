#!/usr/bin/env bash
# Three owners and a server as separate processes in separate folders, over files alone: each owner has some digits of
# MNIST, so that none can train a useful model by itself. All owners get the same model, which is tested.
#
#   scripts/several_owners.sh [samples] [memory]
set -euo pipefail
cd "$(dirname "$0")/.."
samples=${1:-1024}
memory=${2:-12G}

cargo build --release --quiet --package volley-cli --bin volley --package xtask
target=${CARGO_TARGET_DIR:-$PWD/target}
volley=$target/release/volley
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$target/release/xtask" pool --samples "$samples" --owners 3 --tables "$work/tables"
cd "$work"
owners=(north east south)
parties=("${owners[@]}" server)

# Every party gets what the others have sent: here by copies, elsewhere by a shared drive or a bucket.
mirror() {
    local from to
    for from in "${parties[@]}"; do
        for to in "${parties[@]}"; do
            [ "$from" = "$to" ] || [ ! -d "$from/exchange/$from" ] || {
                mkdir -p "$to/exchange"
                cp -r "$from/exchange/$from" "$to/exchange/"
            }
        done
    done
}

classes=0,1,2,3,4,5,6,7,8,9
echo "== ${owners[0]} invites"
"$volley" pool init "${owners[0]}" --name "${owners[0]}" --table tables/owner-1.npz \
    --members "$(IFS=,; echo "${owners[*]}")" --classes "$classes" --memory "$memory"
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
"$volley" pool status "${owners[0]}"

echo "== the model of each owner"
for owner in "${owners[@]}"; do
    "$volley" evaluate "$owner/private/model.json" tables/test.npz
    cmp "$owner/private/model.json" "${owners[0]}/private/model.json"
done
