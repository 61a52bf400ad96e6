#!/usr/bin/env bash
# From a folder to a sealed drive in an image file, and read back: docs/try-it.sh FOLDER
set -euo pipefail
source=${1:?name a folder to back up}
cd "$(dirname "$0")/.."
cargo build --release --quiet
azseed=${CARGO_TARGET_DIR:-target}/release/azseed
dir=$(mktemp -d "${TMPDIR:-/tmp}/azseed-try.XXXXXX")
export AZSEED_STATE=$dir/state AZSEED_STAGING=$dir/staging

"$azseed" stage --source "$source" --job try-it --storage-account seedaccount --container seed \
    --subscription 00000000-0000-0000-0000-000000000000 --resource-group backup
"$azseed" plan --drive-size 400M
mapfile -t drives < <(for number in 1 2 3; do echo "--drive"; echo "$dir/DRIVE-$number.img,size=1G"; done)
"$azseed" prep --offline --verify "${drives[@]}"
echo "Everything is in $dir; look at a drive with"
echo "  $azseed inspect --staging $AZSEED_STAGING $dir/DRIVE-1.img"
