# deaths.sh SERIAL…   fills while drives die, until nothing is left to do. /share/plan says of what:
#     SERIAL pull SHARE             the host pulls it at PULL-SERIAL, once so much is filled; below 0, when it is labelled
#     SERIAL sector                 one of its sectors is bad
#     SERIAL range FIRST SECTORS    the kernel cannot use these sectors of the drive RAW-…
. /guest/lib.sh
modprobe dm_mod

drive() { if [ -b "/dev/mapper/$1" ]; then echo "/dev/mapper/$1,serial=$1"; else echo "/dev/disk/by-id/ata-LAB_DISK_$1"; fi; }

mark() {
    gawk 'BEGIN { while ((getline < "/share/plan") > 0) if ($2 == "pull") share[$1] = $3 }
        function number(name, part) { return match($0, "\"" name "\":([0-9]+)", part) ? part[1] : 0 }
        { print; fflush(); match($0, /"serial":"([^"]*)"/, part); serial = part[1]; at = -1 }
        !(serial in share) { next }
        /"step-started".*"step":"fill"/ { total[serial] = number("total_bytes"); at = 0 }
        /"progress".*"step":"fill"/ { at = number("done_bytes") / total[serial] }
        at >= share[serial] && (at >= 0 || /"step-started".*"step":"label"/) { delete share[serial]; print "PULL-" serial; fflush() }'
}

while read -r serial fate first sectors; do
    node=$(readlink -f "/dev/disk/by-id/ata-LAB_DISK_$serial")
    # The emulated controller forgets commands that are queued again after an error (`failed-writes`);
    # one at a time it does not.
    [ "$fate" != sector ] || echo 1 >"/sys/block/$(basename "$node")/device/queue_depth"
    [ "$fate" = range ] || continue
    # Between program and drive, so that the drive's whole queue is in use when a write fails.
    raw=/dev/disk/by-id/ata-LAB_DISK_RAW-${serial#WD-}
    all=$(blockdev --getsz "$raw") after=$((first + sectors))
    {
        [ "$first" = 0 ] || echo "0 $first linear $raw 0"
        [ "$after" -lt "$all" ] || after=$all
        echo "$first $((after - first)) error"
        [ "$after" = "$all" ] || echo "$after $((all - after)) linear $raw $after"
    } | dmsetup create "$serial"
done </share/plan

adopt
dead=()
for _ in {1..9}; do
    here=()
    for serial; do
        device=$(drive "$serial")
        [ ! -b "${device%,*}" ] || here+=("$serial")
    done
    fill never "${here[@]}"
    dead+=($(sed -n 's/.*"type":"drive-failed".*"serial":"\([^"]*\)".*"set_aside":true.*/\1/p' /run/fill))
    [ "$code" != 0 ] || break
    expect 3
done
expect 0
echo "dead: ${dead[*]}"
note "${#dead[@]} drives died, sealed are: $(sealed)"
