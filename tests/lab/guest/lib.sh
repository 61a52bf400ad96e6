# What the guest scripts share. The first share is /share: the data set, its checksums, the staging
# path and the state directory, all of which outlive a power cut. The program lies in /azseed.
set -euo pipefail
export PATH=/azseed:$PATH AZSEED_STATE=/share/state
staging=/share/staging

wrong() { echo "WRONG: $*" >&2; exit 1; }
note() { echo "note: $*"; }

# The stable name of a drive.
drive() { echo "/dev/disk/by-id/ata-LAB_DISK_$1"; }

adopt() {
    azseed stage adopt --source /share/data --staging "$staging" --job seed-1 --storage-account account1 \
        --container seed --subscription 11111111-2222-4333-8444-555555555555 --resource-group rg
}

# fill MARK SERIAL…: prepares the drives; its JSON lines go to standard output and to /run/fill, its
# exit code to $code.
fill() {
    local mark=$1 serial words=()
    shift
    for serial; do words+=(--drive "$(drive "$serial")"); done
    code=0
    azseed prep --staging "$staging" --offline --json "${words[@]}" | mark "$mark" | tee /run/fill || code=$?
    echo "prep exits with $code"
}

# expect CODE: what the last fill must have ended with.
expect() { [ "$code" = "$1" ] || wrong "prep exits with $code, not $1"; }

# mark WHERE[@SERIAL]: passes JSON lines on and prints the line MARK once a drive, or this drive, is
# there: label, early (no checkpoint yet), middle, late, seal; or never.
mark() {
    gawk -v where="${1%@*}" -v only="$(expr "$1" : '.*@\(.*\)')" '
        function number(name, part) { return match($0, "\"" name "\":([0-9]+)", part) ? part[1] : 0 }
        function here() { if (!said++) { print "MARK"; fflush() } }
        { print; fflush() }
        { match($0, /"serial":"([^"]*)"/, part); serial = part[1] }
        only && serial != only { next }
        /"step-started".*"step":"fill"/ { total[serial] = number("total_bytes") }
        /"progress".*"step":"fill"/ { share = number("done_bytes") / total[serial] }
        where == "label" && /"step-started".*"step":"label"/ { here() }
        where == "early" && /"step-started".*"step":"fill"/ { system("sleep 2"); here() }
        where == "middle" && share >= 0.25 { here() }
        where == "late" && share >= 0.75 { here() }
        where == "seal" && /"step-started".*"step":"seal"/ { here() }'
}

# sealed: the serials that the last fill calls sealed.
sealed() { sed -n 's/.*"type":"drive-sealed".*"serial":"\([^"]*\)".*/\1/p' /run/fill | sort | xargs; }

# verify SERIAL…: each drive reads back equal.
verify() {
    local serial names=()
    for serial; do names+=("$(drive "$serial")"); done
    azseed verify --staging "$staging" --json "${names[@]}" 2>/dev/null >/run/verify || wrong "verify exits with $?"
    for serial; do
        grep '"type":"verified"' /run/verify | grep "\"serial\":\"$serial\"" | grep -q '"against_journal":true,"equal":true' ||
            wrong "verify does not call $serial equal"
    done
    echo "verify: $* equal"
}

# open_drive SERIAL: the guest kernel unlocks its volume, by the recovery password.
open_drive() {
    local password
    password=$(azseed job keys --staging "$staging" --reveal --json |
        sed -n "s/.*\"serial\":\"$1\",\"recovery_password\":\"\([^\"]*\)\".*/\1/p")
    # The kernel gives a cipher a minute to prove itself, which is short on a machine under load.
    for _ in 1 2 3; do
        printf %s "$password" | cryptsetup open --type bitlk --key-file - "$(drive "$1")-part2" "$1" && return
    done
    wrong "$1 is not unlocked"
}

# mounted SERIAL MODE: the kernel's own ntfs3 mounts it at /mnt/SERIAL.
mounted() {
    mkdir -p "/mnt/$1"
    mount -t ntfs3 -o "$2" "/dev/mapper/$1" "/mnt/$1" || wrong "$1 is not mounted"
}

# open_all MODE SERIAL…: side by side, since the key's stretching is slow here.
open_all() {
    local mode=$1 serial waits=()
    shift
    modprobe dm_crypt
    udevadm settle
    for serial; do open_drive "$serial" & waits+=($!); done
    for wait in "${waits[@]}"; do wait "$wait"; done
    for serial; do mounted "$serial" "$mode"; done
}

# complete SERIAL…: the files on these mounted drives are the data set, each once, equal by SHA-256,
# and nothing else but the manifest.
complete() {
    local serial
    for serial; do
        [ "$(ls "/mnt/$serial" | xargs)" = "DriveManifest.xml System Volume Information seed-1" ] ||
            wrong "on $serial there is: $(ls "/mnt/$serial" | xargs)"
        (cd "/mnt/$serial/seed-1" && find . -type f -exec sha256sum {} +)
    done | LC_ALL=C sort >/run/sums
    cmp /run/sums /share/sums || wrong "$(diff /run/sums /share/sums | head -5)"
    echo "on $*: every file once, equal by SHA-256"
}

# proven SERIAL…: equal for verify, and complete for the kernel.
proven() {
    verify "$@"
    open_all ro "$@"
    complete "$@"
}
