# cut.sh begin MARK SERIAL…   fills, and says where the power is to be cut
# cut.sh finish SERIAL…       the same command again, after it
. /guest/lib.sh
what=$1
shift
if [ "$what" = begin ]; then
    adopt
    fill "$@"
    wrong "the power was not cut"
fi

# The last record of each journal says where the cut found the drive.
for serial; do
    journal=$staging/journals/$serial.journal
    last=none
    [ -s "$journal" ] && last=$(grep -o '"record":"[a-z-]*"' "$journal" | tail -1 | cut -d'"' -f4)
    found="${found:-}${found:+, }$serial $last"
done
fill never "$@"
expect 0
[ "$(sealed)" = "$*" ] || wrong "sealed are: $(sealed)"

# What was confirmed before the cut is not written again.
confirmed() { grep -h "$1.*\"serial\":\"$3\",\"step\":\"fill\"" "$2" | tail -1 | grep -o '"done_bytes":[0-9]*' | cut -d: -f2; }
for serial; do
    before=$(confirmed '"progress"' /share/first.log "$serial" || echo 0)
    after=$(confirmed '"step-started"' /run/fill "$serial" || echo whole)
    [ "$after" = whole ] || [ "$after" -ge "$before" ] || wrong "$serial: $before bytes confirmed, goes on at $after"
done
proven "$@"
note "$found"
