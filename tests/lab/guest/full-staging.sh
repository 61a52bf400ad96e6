# The journals' file system runs full in mid-fill; with room again the same command goes on.
. /guest/lib.sh
adopt
mkdir -p "$staging/journals"
mount -t tmpfs -o size=1M,mode=700 journals "$staging/journals"
(
    until grep -q '"progress".*"fill"' /run/fill; do sleep 0.2; done 2>/dev/null
    cat /dev/zero >"$staging/journals/filler" 2>/dev/null || true
) &
fill never "$@"
first=$code why=$(grep -o '"message":"[^"]*"' /run/fill | head -1)
rm "$staging/journals/filler"
[ "$first" = 6 ] || wrong "with a full file system prep exits with $first: $why"
fill never "$@"
at_once=$code
# udev looks at a drive that was just closed, and holds it meanwhile.
[ "$at_once" = 0 ] || { udevadm settle; fill never "$@"; }
expect 0
[ "$(sealed)" = "$*" ] || wrong "sealed are: $(sealed)"
proven "$@"
note "$why; the same command at once: exit $at_once, then $code"
