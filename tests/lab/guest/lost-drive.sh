# lost-drive.sh CAUSE LOST SPARE SERIAL…: LOST fails while it is filled: it is pulled or has a bad
# sector (drive), or the kernel finds its sector at 171 MiB bad (kernel).
. /guest/lib.sh
cause=$1 lost=$2 spare=$3
shift 3
node=$(basename "$(readlink -f "$(drive "$lost")")")
if [ "$cause" = drive ]; then
    # The emulated controller forgets commands that are queued again after an error (`failed-writes`);
    # one at a time it does not.
    echo 1 >"/sys/block/$node/device/queue_depth"
else
    # Between program and drive, so that the drive's whole queue is in use when a write fails.
    modprobe dm_mod
    bad=350208 sectors=$(blockdev --getsz "/dev/$node")
    dmsetup create bad <<TABLE
0 $bad linear /dev/$node 0
$bad 8 error
$((bad + 8)) $((sectors - bad - 8)) linear /dev/$node $((bad + 8))
TABLE
    # Two devices with one serial are refused.
    lost=MAPPED-1
    drive() { if [ "$1" = $lost ]; then echo "/dev/mapper/bad,serial=$lost"; else echo "/dev/disk/by-id/ata-LAB_DISK_$1"; fi; }
fi
adopt
fill "middle@$lost" "$lost" "$@" "$spare"
echo "the kernel reports $(dmesg | grep -c "I/O error, dev $node") I/O errors of $node"
expect 3
grep '"type":"drive-failed"' /run/fill | grep "\"serial\":\"$lost\"" | grep -q '"set_aside":true' ||
    wrong "$lost is not named as set aside"
[ "$(sealed)" = "$* $spare" ] || wrong "sealed are: $(sealed)"
why=$(sed -n 's/.*"drive-failed".*"message":"\([^"]*\)".*/\1/p' /run/fill)

# A person is told which one not to ship, and a second run has nothing left to do.
again=0
names=()
for serial in "$@" "$spare"; do names+=(--drive "$(drive "$serial")"); done
azseed prep --staging "$staging" --offline "${names[@]}" || again=$?
[ "$again" = 0 ] || wrong "the second run exits with $again"
again=0
azseed prep --staging "$staging" --offline --drive "$(drive "$lost")" "${names[@]}" || again=$?
echo "the same command once more exits with $again"
proven "$@" "$spare"
note "$why; the same command again: exit $again"
