#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs our Debian package over the system's libesmtp6, sends a mail with esmtp, and puts Debian's
# own back, also if something fails on the way. Needs root and apt.
#   tests/real/replace_system_library.sh [--in-copy] [--as-is] [FOLDER]
# FOLDER holds the .deb files, if they are built.
# --in-copy does it in a copy of the system that is gone afterwards, for a machine on which others use
# the library meanwhile. --as-is: the files as they are here, committed or not.
set -euo pipefail
cd "$(dirname "$0")/../.."

# in_copy ARGUMENT...: this script, in a mount namespace whose root is an overlay over the system's.
# What is written goes into memory.
in_copy() {
    # shellcheck disable=SC2016
    exec unshare --mount -- sh -euc '
        script=$1
        here=$PWD
        shift
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/upper /mnt/work /mnt/root
        mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
        for name in proc dev sys; do mount --rbind "/$name" "/mnt/root/$name"; done
        exec chroot /mnt/root sh -euc '\''cd "$1"; shift; exec "$@"'\'' sh "$here" "$script" "$@"
    ' sh tests/real/replace_system_library.sh "$@"
}
if [ "${1:-}" = --in-copy ]; then
    shift
    in_copy "$@"
fi

as_is=()
if [ "${1:-}" = --as-is ]; then
    as_is=(--as-is)
    shift
fi
work=$(mktemp -d)
# apt downloads as a user of its own.
chmod 755 "$work"
packages=${1:-}
before=$(dpkg-query -W -f '${Version}' libesmtp6)
had_dev=$(dpkg-query -W -f '${db:Status-Status}' libesmtp-dev 2>/dev/null || true)
sink=
changed=

say() {
    echo "== $*"
}

finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ "$sink" ]; then
        kill "$sink" 2>/dev/null || true
        wait "$sink" 2>/dev/null || true
    fi
    if [ "$changed" ]; then
        say "Putting Debian's $before back"
        dpkg --install "$work"/debian/*.deb || status=1
        if [ "$(dpkg-query -W -f '${Version}' libesmtp6)" != "$before" ]; then
            echo "replace_system_library: the system is NOT as it was; packages are in $work/debian" >&2
            exit 1
        fi
        dpkg --verify libesmtp6 || status=1
    fi
    rm -rf "$work"
    [ $status -eq 0 ] && echo "ok" || echo "FAILED"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What is needed to go back comes first.
say "Fetching Debian's own packages"
mkdir "$work/debian"
names=(libesmtp6="$before")
[ "$had_dev" != installed ] || names+=(libesmtp-dev="$before")
(cd "$work/debian" && apt-get download -qq "${names[@]}")
ls "$work/debian"

if [ -z "$packages" ]; then
    say "Building ours"
    packages=$work/ours
    packaging/build-deb "${as_is[@]}" "$packages" >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        exit 1
    }
fi

send() {
    local name=$1 address
    exec {dialogue}< <(exec python3 tests/real/sink.py "$work/$name" --sessions 1 2>&1)
    sink=$!
    read -r address <&"$dialogue"
    printf 'hostname = %s\n' "$address" >"$work/esmtprc"
    printf 'Subject: %s\nDate: Thu, 01 Jan 2026 12:00:00 +0000\nMessage-Id: <1@example.net>\n\n.\nhello\n' \
        "replaced" | timeout 60 esmtp -C "$work/esmtprc" -f me@example.net you@example.org
    wait "$sink"
    sink=
    exec {dialogue}<&-
}

# loaded_from: the file that the linker takes for esmtp.
loaded_from() {
    env -u LD_LIBRARY_PATH ldd "$(command -v esmtp)" | awk '/libesmtp\.so\.6/ { print $3 }'
}

unset LD_LIBRARY_PATH
say "esmtp with Debian's library"
send before
say "Installing ours"
changed=yes
install=("$packages"/libesmtp6_*.deb)
[ "$had_dev" != installed ] || install+=("$packages"/libesmtp-dev_*.deb)
dpkg --install "${install[@]}"
after=$(dpkg-query -W -f '${Version}' libesmtp6)
dpkg --compare-versions "$after" gt "$before"

say "Whatever depends on it is content"
for package in esmtp collectd-core syslog-ng-mod-smtp; do
    dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' "$package" 2>/dev/null || true
done
apt-get check -qq
dpkg --audit

say "esmtp with ours: $(loaded_from)"
grep -q 'rust_eh_personality\|panicked' "$(loaded_from)" || {
    echo "replace_system_library: that is not our library" >&2
    exit 1
}
send after
cmp "$work/before/1.eml" "$work/after/1.eml"
cat "$work/after/1.eml"
if [ "$had_dev" = installed ]; then
    say "A program compiled with our package"
    pkg-config --modversion libesmtp-1.0
    pkg-config --cflags --libs libesmtp-1.0
    pkg-config --static --cflags --libs libesmtp-1.0
    # shellcheck disable=SC2046
    cc examples/first-mail.c -o "$work/first-mail" $(pkg-config --cflags --libs libesmtp-1.0)
    # Nothing listens there.
    [ "$("$work/first-mail" 127.0.0.1:1 || true)" = "not sent" ]
    man -P cat smtp_start_session | head -n 6
fi
