#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Puts the crates that Cargo.lock names into a source tree, so that it builds without network:
# vendor/, and a Cargo configuration that says so. `meson dist` and scripts/release call it.
#   build-aux/vendor.sh [TREE]    default: $MESON_DIST_ROOT
set -eu
tree=${1:-$MESON_DIST_ROOT}
here=$(cd "$(dirname "$0")/.." && pwd)

cd "$tree"
mkdir -p .cargo
# Sources that have their crates with them, as a release has, hand them on: there may be no network.
if [ -d "$here/vendor" ] && [ "$(pwd)" != "$here" ] && cmp -s "$here/Cargo.lock" Cargo.lock; then
    rm -rf vendor
    cp -R "$here/vendor" vendor
    rm -f vendor/.for
else
    cargo vendor --quiet --locked vendor >/dev/null
fi
cat >.cargo/config.toml <<'END'
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
END
