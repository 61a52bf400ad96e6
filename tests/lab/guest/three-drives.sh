# Three drives filled in one run, then used by the guest kernel as any NTFS volume.
. /guest/lib.sh
adopt
fill never WD-1 WD-2 WD-3
expect 0
open_all rw WD-1 WD-2 WD-3
complete WD-1 WD-2 WD-3
for serial in WD-1 WD-2 WD-3; do
    head -c 3M /dev/urandom >/run/new
    mkdir "/mnt/$serial/new folder"
    cp /run/new "/mnt/$serial/new folder/new file"
    umount "/mnt/$serial"
    mounted "$serial" rw
    cmp /run/new "/mnt/$serial/new folder/new file" || wrong "the new file on $serial differs"
    rm -r "/mnt/$serial/new folder"
done
complete WD-1 WD-2 WD-3
for serial in WD-1 WD-2 WD-3; do
    umount "/mnt/$serial"
    ntfsfix -n "/dev/mapper/$serial" >/run/ntfsfix 2>&1 || wrong "ntfsfix -n: $(tail -1 /run/ntfsfix)"
    grep -q 'processed successfully' /run/ntfsfix || wrong "ntfsfix -n: $(tail -1 /run/ntfsfix)"
done
note "ntfs3 read-write, ntfsfix -n clean, Linux $(uname -r)"
