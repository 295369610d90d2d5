#!/usr/bin/env bash
# Owner and server as separate processes in separate folders, over files alone: on the embedded MNIST digits, or on a
# CSV file with a label first in each row. Then the secret key is looked for in everything that the server has.
#
#   scripts/two_parties.sh
#   scripts/two_parties.sh data.csv [iterations]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
data=${1:+$(realpath "$1")}
iterations=${2:-2}

cargo build --release --quiet --package volley-cli --bin volley --example find_secret
target=${CARGO_TARGET_DIR:-$root/target}
volley=$target/release/volley
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/owner" "$work/server"

cd "$work/owner"
if [ -n "$data" ]; then
    training=("$data") test=("$data")
else
    mnist=$root/data/mnist
    training=("$mnist/train-first1024-images.idx3-ubyte.gz" --centre 20)
    test=("$mnist/t10k-images.idx3-ubyte.gz" --centre 20)
fi
echo "== owner: plan, keys, encryption"
"$volley" init "${training[@]}" project --iterations "$iterations"
"$volley" keygen project
"$volley" encrypt project "${training[@]}"

echo "== from owner to server: the upload"
cp -r project/upload "$work/server/job"

cd "$work/server"
echo "== server: training"
"$volley" train job
if "$volley" decrypt job job/model.vly -o stolen.json; then
    echo "the server decrypted the model" >&2
    exit 1
else
    code=$?
fi
[ "$code" = 2 ] || { echo "exit code $code where 2 was expected" >&2; exit 1; }

echo "== from server to owner: the model"
cp job/model.vly "$work/owner/"
cd "$work/owner"
"$volley" decrypt project model.vly -o model.json
"$volley" evaluate model.json "${test[@]}"

echo "== encrypted prediction of the test rows"
"$volley" encrypt-rows project "${test[@]}" -o rows.vly
cp rows.vly "$work/server/"
(cd "$work/server" && "$volley" score job rows.vly -o scores.vly)
cp "$work/server/scores.vly" .
"$volley" decrypt-scores project scores.vly -o encrypted-labels.txt
"$volley" predict model.json "${test[@]}" -o labels.txt
rows=$(wc -l < labels.txt)
different=$(paste -d '\t' labels.txt encrypted-labels.txt | awk -F '\t' '$1 != $2' | wc -l)
echo "$different of $rows labels differ"
[ $((different * 1000)) -le "$rows" ] || { echo "more than one in a thousand" >&2; exit 1; }

echo "== the secret key in the server's folder"
"$target/release/examples/find_secret" project "$work/server"
