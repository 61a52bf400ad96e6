#!/usr/bin/env bash
# Builds the packages with cargo-deb and cargo-generate-rpm, installs the .deb into a root of its own,
# purges it again, and runs the playbook on two hosts of this machine. Called by `tests/long packages`,
# which has built the program and has these tools and ansible-playbook in its PATH.
#
#   packages.sh TARGET
set -euo pipefail
target=$1
out=$target/packages
azseed=$target/release/azseed

say() { printf '%s\n' "$*"; }
fail() { printf 'packages: %s\n' "$*" >&2; exit 1; }

papers() {
    rm -rf "$out"
    mkdir -p "$out"
    "$azseed" man "$out/man" >"$out/made"
    local shell
    for shell in bash zsh fish; do "$azseed" completions "$shell" >"$out/azseed.$shell"; done
    "$azseed" config init - >"$out/config.toml"
}

deb() {
    cargo deb --no-build --no-strip --quiet --output "$out/azseed.deb" >"$out/built"
    local needs scripts
    needs=$(dpkg-deb -f "$out/azseed.deb" Depends)
    [ "$needs" = libc6 ] || fail "it depends on $needs"
    scripts=$(dpkg-deb --ctrl-tarfile "$out/azseed.deb" | tar t | grep -E '(pre|post)(inst|rm)' || true)
    [ -z "$scripts" ] || fail "it has scripts: $scripts"
    say "files of the package: $(dpkg-deb --fsys-tarfile "$out/azseed.deb" | tar t | grep -vc '/$')"
}

# The .rpm holds what the .deb holds.
rpm() {
    cargo generate-rpm --target-dir "$target" --output "$out/azseed.rpm" >"$out/built" 2>&1 || fail "$(tail -3 "$out/built")"
    # An .rpm is a head and a compressed cpio archive; libarchive reads it.
    bsdtar tf "$out/azseed.rpm" | sed 's|^\./||; s|\.gz$||' | grep -v '/$' | sort >"$out/in-rpm"
    dpkg-deb --fsys-tarfile "$out/azseed.deb" | tar t | sed 's|^\./||; s|\.gz$||' | grep -v '/$' | sort >"$out/in-deb"
    # Debian has its own file of the licence and of changes.
    local differs
    differs=$(diff "$out/in-deb" "$out/in-rpm" | grep '^[<>]' | grep -Ev 'doc/azseed/(copyright|changelog)' || true)
    [ -z "$differs" ] || fail "the packages differ: $differs"
    say "files of the .rpm: $(wc -l <"$out/in-rpm")"
}

# libc6 is not in this root, and is the one thing that may be missing there.
in_root() { dpkg --root="$out/root" --force-depends --log="$out/dpkg.log" "$@" >>"$out/said" 2>&1; }

install() {
    mkdir -p "$out/root/var/lib/dpkg/"{updates,info}
    touch "$out/root/var/lib/dpkg/status"
    in_root --install "$out/azseed.deb" || fail "not installed: $(tail -3 "$out/said")"
    "$out/root/usr/bin/azseed" --version >/dev/null
    man --warnings --local-file "$out/root/usr/share/man/man1/azseed-prep.1.gz" >/dev/null 2>&1 ||
        gzip --test "$out/root/usr/share/man/man1/azseed-prep.1.gz"
    in_root --purge azseed || fail "not purged: $(tail -3 "$out/said")"
    local left
    left=$(find "$out/root" -path "$out/root/var/lib/dpkg" -prune -o -type f -print)
    [ -z "$left" ] || fail "left behind: $left"
    say "installed by dpkg --root, and purged without a trace"
}

# Two hosts that are this machine, each with a state directory and a drive of its own.
play() {
    local at=$out/play
    mkdir -p "$at/source"
    local number
    for number in $(seq 12); do head -c 10000000 /dev/urandom >"$at/source/$number"; done
    "$azseed" --state "$at/state-1" stage adopt --source "$at/source" --staging "$at/staging" --job seed-1 \
        --storage-account seedaccount --container seed --resource-group backup \
        --subscription 00000000-0000-0000-0000-000000000000 >"$at/staged"
    cat >"$at/inventory.yml" <<YML
copy_machines:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    azseed_program: $azseed
    azseed_staging: $at/staging
    azseed_reports: $at/collected
    azseed_more: [--offline]
  hosts:
    copy-1: {azseed_state: $at/state-1, azseed_drives: ["$at/one.img,serial=ONE,size=210M"], azseed_drives_read: ["$at/one.img"]}
    copy-2: {azseed_state: $at/state-2, azseed_drives: ["$at/two.img,serial=TWO,size=210M"], azseed_drives_read: ["$at/two.img"]}
YML
    ansible-playbook --inventory "$at/inventory.yml" --forks 1 packaging/ansible/copy-machines.yml >"$at/played" 2>&1 ||
        fail "the playbook failed: $(tail -20 "$at/played")"
    [ -s "$at/collected/copy-1.jsonl" ] && [ -s "$at/collected/copy-2.jsonl" ] || fail "no report of a host"
    grep -q '"type":"drive-sealed"' "$at/collected/copy-2.jsonl" || fail "the second host sealed no drive"
    say "playbook: $(grep -c 'ok=' "$at/played") hosts"
}

papers
deb
rpm
install
play
