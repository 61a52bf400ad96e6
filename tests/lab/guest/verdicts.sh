# What `drive list` says of every kind of drive, and of drives that the machine uses.
. /guest/lib.sh

mkfs.ext4 -q "$(drive MOUNTED-1)"
mkdir -p /run/staging
mount "$(drive MOUNTED-1)" /run/staging
mkswap -q "$(drive SWAP-1)"
swapon "$(drive SWAP-1)"
modprobe dm_mod
dmsetup create held --table "0 2048 linear $(drive HELD-1) 0"
udevadm settle
azseed drive list
azseed drive list --json >/run/list

# serial    verdict   a word of the reason
expected='
SATA-512N   fit       -
SATA-512E   fit       -
SATA-SSD    fit       -
SAS-512E    fit       -
LARGE-1     warning   larger
USB-1       warning   USB
UAS-1       warning   USB
SMALL-1     unfit     smallest
NVME-1      unfit     NVMe
SAS-4KN     unfit     4096
UAS-4KN     unfit     4096
SCSI-1      unfit     virtual machine
VIRTIO-1    unfit     virtual machine
LAB-SYSTEM  unfit     mount at /
MOUNTED-1   unfit     mount at /run/staging
SWAP-1      unfit     swap
HELD-1      unfit     /dev/dm-0
'
differ=0
seen=0
while read -r serial verdict words; do
    [ -n "$serial" ] || continue
    # By its node too: a drive whose serial is not seen must be listed all the same.
    node=$(find /dev/disk/by-id -name "*$serial*" ! -name '*-part*' -exec readlink -f {} + | sort -u | tail -1)
    line=$(grep -e "\"serial\":\"$serial\"" -e "\"path\":\"$node\"" /run/list) || wrong "$serial is not listed"
    said=unfit
    case $line in
        *'"fit":true'*'"reasons":[]'*) said=fit ;;
        *'"fit":true'*) said=warning ;;
    esac
    if [ "$said" = "$verdict" ] && { [ "$words" = - ] || grep -q -- "$words" <<<"${line#*reasons}"; }; then
        echo "$serial: $said, as expected"
    else
        echo "$serial: $said, expected is $verdict ($words): $line"
        differ=$((differ + 1))
    fi
    seen=$((seen + 1))
done <<<"$expected"
[ "$differ" = 0 ] || wrong "$differ of $seen verdicts differ from the expected"
note "$seen of $seen verdicts as expected"
