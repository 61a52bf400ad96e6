# Writes this machine as a tree (fixtures/sysfs/trees.gen.py says how to read one) to
# /share/lab.tree: what Linux shows of every drive, and what the drives answer.
. /guest/lib.sh

# escaped: standard input as a line of a tree.
escaped() {
    od -An -v -tx1 | LC_ALL=C gawk '{ for (i = 1; i <= NF; i++) {
        c = strtonum("0x" $i)
        if (c == 10) printf "\\n"
        else if (c >= 32 && c < 127 && c != 92) printf "%c", c
        else printf "\\x%s", $i } }'
}

# content PATH: a file of many lines or of bytes.
content() { echo "$1 = $(escaped <"$1")"; }

# attributes FOLDER: those of them that say what a drive is; their end of line goes without saying.
attributes() {
    find "$1" -maxdepth 1 -type f -regextype egrep -regex ".*/($said)" -exec grep -aHsZ '' {} + |
        tr '\0' '\1' | sed 's/\x01/ = /' || true
    if [ -e "$1/vpd_pg80" ]; then content "$1/vpd_pg80"; fi
}
said='dev|size|ro|removable|hidden|diskseq|partition|serial|wwid|vendor|model|rev|type|sas_address|cntlid'
said="$said|(logical|physical)_block_size|rotational|zoned|discard_[a-z_]*|max_sectors_kb|bInterface[A-Za-z]*"

block() {
    local at=$1 name=${1##*/} number above holder
    number=$(<"$at/dev")
    attributes "$at"
    echo "/sys/class/block/$name -> $at"
    echo "/sys/dev/block/$number -> $at"
    echo "/dev/$name = "
    for holder in "$at"/holders/*; do
        if [ -e "$holder" ]; then echo "$holder -> $(readlink -f "$holder")"; fi
    done
    [ ! -e "/run/udev/data/b$number" ] || content "/run/udev/data/b$number"
    if [ -e "$at/partition" ]; then return; fi
    echo "/sys/block/$name -> $at"
    attributes "$at/queue"
    if [ -e "$at/device" ]; then
        above=$(readlink -f "$at/device")
        echo "$at/device -> $above"
        attributes "$above"
    fi
    while at=${at%/*} && [ "$at" != /sys/devices ]; do
        if [ -e "$at/bInterfaceClass" ]; then
            attributes "$at"
            echo "$at/driver -> $(readlink -f "$at/driver")"
        fi
    done
}

{
    for folder in /sys/block/*; do
        folder=$(readlink -f "$folder")
        case $folder in */devices/virtual/*) continue ;; esac
        name=${folder##*/}
        block "$folder"
        for part in "$folder/$name"*; do [ ! -e "$part/partition" ] || block "$part"; done
        # Four hex digits a word, the high byte first; what is no ATA drive may answer with zeros.
        words=$(hdparm --Istdout "/dev/$name" 2>/dev/null | grep -E '^([0-9a-f]{4} ?){8}$' || true)
        if grep -q '[1-9a-f]' <<<"$words"; then
            echo "/ata/$name.identify = $(sed -E 's/(..)(..) ?/\2\1/g' <<<"$words" | tr -d '\n')"
            if smartctl -H "/dev/$name" | grep -q PASSED; then echo "/ata/$name.health = good"; fi
        fi
    done
    for link in /dev/disk/by-id/*; do echo "$link -> $(readlink "$link")"; done
    content /proc/self/mountinfo
    content /proc/swaps
} | LC_ALL=C sort -u >/run/tree
{
    echo "# A machine with a drive of each kind, recorded: QEMU, Linux $(uname -r)"
    cat /run/tree
} >/share/lab.tree
note "$(wc -l </share/lab.tree) lines"
