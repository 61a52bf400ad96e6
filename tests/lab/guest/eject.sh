# `drive eject`: refuses a drive in use, spins one down that is not, behind a USB bridge too.
. /guest/lib.sh

# refused CODE SERIAL WHY: the drive stays.
refused() {
    local code=0
    azseed drive eject "$2" 2>/run/why || code=$?
    [ "$code" = "$1" ] || wrong "$3: eject exits with $code, not $1: $(cat /run/why)"
    azseed drive list | grep -q "^$2 " || wrong "$3: the drive is gone"
    echo "$3: exit $code, $(head -1 /run/why)"
}

# ejected SERIAL NODE: the drive is gone, and was told to stop after its cache was flushed.
ejected() {
    local node
    node=$(basename "$(readlink -f "$2")")
    dmesg -C
    azseed drive eject "$1" --json | tee /run/ejected
    grep -q '"spun_down":true' /run/ejected || wrong "$1 is not spun down"
    udevadm settle
    [ ! -e "/sys/block/$node" ] || wrong "the kernel still has $1"
    dmesg | grep "\[$node\]" | sed 's/.*\] //' | xargs -d '\n' | grep -q 'Synchronizing SCSI cache Stopping disk' ||
        wrong "the kernel did not stop $1: $(dmesg | tail -3)"
}

mkfs.ext4 -q "$(drive WD-1)"
mount "$(drive WD-1)" /mnt
refused 4 WD-1 mounted
umount /mnt
mkswap -q "$(drive WD-1)"
swapon "$(drive WD-1)"
refused 4 WD-1 swap
swapoff "$(drive WD-1)"
udevadm settle
flock "$(drive WD-1)" sleep 30 &
sleep 1
refused 11 WD-1 "held by another run"
kill $!
wait || true
refused 4 LAB-SYSTEM "the system's"
ejected WD-1 "$(drive WD-1)"
ejected USB-1 /dev/disk/by-id/usb-QEMU_LAB_DISK_USB-1-0:0
azseed drive list >/run/list
if grep -E '^(WD|USB)-1 ' /run/list; then wrong "an ejected drive is listed"; fi
note "exit 4 for a mounted drive, swap and the system's; a SATA and a USB drive flushed, stopped, gone"
