#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unpacks Debian's Exim, OpenSMTPD and nginx, with the libraries they need, into build-test-servers/.
# They cannot be installed beside Postfix, or would start; nothing of them is configured. Two servers
# of npm's go there too, if npm is here and gets them.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/build-test-servers

# What was fetched by an older form of this script is fetched again.
[ ! "$folder/complete" -nt tests/real/fetch_packages.sh ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# apt downloads as a user of its own.
chmod 755 "$work"
cd "$work"
# needed_by PACKAGE...: the libraries that these need and the system does not have. Their names differ from release to
# release.
needed_by() {
    apt-cache depends "$@" |
        awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }' | sort -u |
        while read -r library; do
            dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null | grep -qx installed || echo "$library"
        done
}

# The larger Exim knows NTLM.
names=(exim4-daemon-heavy opensmtpd nginx libnginx-mod-mail)
mapfile -t libraries < <(needed_by "${names[@]}")
while [ ${#libraries[@]} -gt 0 ]; do
    known=${#names[@]}
    for library in "${libraries[@]}"; do
        [[ " ${names[*]} " == *" $library "* ]] || names+=("$library")
    done
    # What those need, too, until there is nothing new.
    [ ${#names[@]} -gt $known ] || break
    mapfile -t libraries < <(needed_by "${names[@]:known}")
done
apt-get download -qq "${names[@]}"
rm -rf "$folder"
mkdir -p "$folder"
for package in *.deb; do
    dpkg --extract "$package" "$folder"
done
for server in smtp-server@3 Haraka@3; do
    command -v npm >/dev/null || break
    timeout 90 npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev --omit=optional \
        --prefix "$folder/npm" "$server" </dev/null || echo "$server of npm is not to be had here"
done
touch "$folder/complete"
