# What `drive list` says of every kind of drive. With LAB_EXPECT=1 as first word each verdict must be
# the expected one; without it the list must only be there, and what differs is counted.
. /guest/lib.sh
azseed drive list
azseed drive list --json >/run/list

# serial    verdict   a word of the reason
expected='
SATA-512N   fit       -
SATA-512E   fit       -
USB-1       warning   USB
UAS-1       warning   USB
NVME-1      unfit     NVMe
SAS-4KN     unfit     4096
VIRTIO-1    unfit     virtio
LAB-SYSTEM  unfit     mount
'
differ=0
while read -r serial verdict word; do
    [ -n "$serial" ] || continue
    # By its node too: a drive whose serial is not seen must be listed all the same.
    node=$(find /dev/disk/by-id -name "*$serial*" ! -name '*-part*' -exec readlink -f {} + | sort -u | tail -1)
    line=$(grep -e "\"serial\":\"$serial\"" -e "\"path\":\"$node\"" /run/list) || wrong "$serial is not listed"
    said=unfit
    case $line in
        *'"fit":true'*'"reasons":[]'*) said=fit ;;
        *'"fit":true'*) said=warning ;;
    esac
    if [ "$said" = "$verdict" ] && { [ "$word" = - ] || grep -qi -- "$word" <<<"${line#*reasons}"; }; then
        echo "$serial: $said, as expected"
    else
        echo "$serial: $said, expected is $verdict ($word): $line"
        differ=$((differ + 1))
    fi
done <<<"$expected"
if [ "${1:-}" = LAB_EXPECT=1 ] && [ "$differ" != 0 ]; then wrong "$differ verdicts differ"; fi
note "$differ of 8 verdicts differ from the expected"
