#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a program as if the packages that were unpacked in FOLDER were installed, with the users that
# they would have made. Only the program sees that: it has a mount namespace of its own. Needs root.
#   in_packages.sh FOLDER PROGRAM [ARGUMENT]...
set -eu
if [ "${1:-}" != --inside ]; then
    exec unshare --mount -- "$0" --inside "$@"
fi
shift
folder=$1
shift

mount -t overlay overlay -o "lowerdir=$folder/usr:/usr" /usr
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
# Something to bind from that is gone with the namespace.
cp /etc/passwd /etc/group /run/
cat >>/run/passwd <<'END'
Debian-exim:x:64001:64001::/var/spool/exim4:/usr/sbin/nologin
opensmtpd:x:64002:64002::/var/lib/opensmtpd/empty:/usr/sbin/nologin
opensmtpq:x:64003:64003::/var/lib/opensmtpd/empty:/usr/sbin/nologin
END
cat >>/run/group <<'END'
Debian-exim:x:64001:
opensmtpd:x:64002:
opensmtpq:x:64003:
END
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group
exec "$@"
