# power.sh fill SERIAL…     fills, until the power is cut
# power.sh finish SERIAL…   the same command after it; then every file is on one of the drives it sealed
. /guest/lib.sh
what=$1
shift
# A thawed machine knows the partitions of another time.
for serial; do blockdev --rereadpt "$(drive "$serial")"; done
udevadm settle
adopt
echo BEGIN
fill never "$@"
expect 0
[ "$what" = fill ] || proven $(sealed)
