# What a program that only writes is told of a bad sector: the control for `bad-sector`. The sector
# takes no write but can be read, so that what is on the medium shows. The drive is probed anew for
# each round, since the kernel stops queueing after a few errors.
. /guest/lib.sh
head -c 8M /dev/urandom >/run/written

# round DEPTH: one dd over the sector with so many commands queued; told is what it was told.
round() {
    local dev node
    dev=$(readlink -f "$(drive WD-1)")
    node=$(basename "$dev")
    echo "$1" >"/sys/block/$node/device/queue_depth"
    told=failed
    dd if=/run/written of="$dev" bs=8M count=1 seek=21 oflag=direct 2>/dev/null && told=done
    dd if="$dev" of=/run/found bs=8M count=1 skip=21 iflag=direct 2>/dev/null || wrong "the sector cannot be read"
    echo "depth $1: dd is told that it $told, $(cmp -l /run/written /run/found | wc -l) bytes differ"
    echo 1 >"/sys/block/$node/device/delete"
    for host in /sys/class/scsi_host/*; do echo '- - -' >"$host/scan"; done
    udevadm settle
    for _ in {50..0}; do [ -b "$(drive WD-1)" ] && break || sleep 0.1; done
}

lost=0
for _ in 1 2 3 4; do
    round 1
    [ $told = failed ] || wrong "with one command at a time a failed write is told as done"
    round 32
    [ $told = failed ] || lost=$((lost + 1))
done
note "$lost of 4 failed writes told as done with 32 commands queued, none of 4 with one at a time"
