# lost-drive.sh LOST SPARE SERIAL…: LOST is pulled, or has a bad sector, while it is filled.
. /guest/lib.sh
lost=$1 spare=$2
shift 2
# With many commands queued the emulated controller was seen to call a failed write done; one at a
# time it does not.
node=$(basename "$(readlink -f "$(drive "$lost")")")
echo 1 >"/sys/block/$node/device/queue_depth"
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
