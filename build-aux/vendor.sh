#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Puts the crates that Cargo.lock names into a source tree, so that it builds without network:
# vendor/, and a Cargo configuration that says so. `meson dist` and scripts/release call it.
#   build-aux/vendor.sh [TREE]    default: $MESON_DIST_ROOT
set -eu
tree=${1:-$MESON_DIST_ROOT}

cd "$tree"
mkdir -p .cargo
cargo vendor --quiet --locked vendor >/dev/null
cat >.cargo/config.toml <<'END'
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
END
