#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Writes a crate of one module (content, protocol, sasl, or net: the part that needs neither sockets nor TLS connections)
# and what it needs, with all its tests in one program:
#   build-aux/small-crate.sh MODULE FOLDER
# It is compiled in a second, not in a minute. What is compared with the plain way of doing it comes along, and so do the
# transcripts. For what runs the tests very often, or very slowly.
set -euo pipefail
module=$1
crate=$(realpath -m "$2")
cd "$(dirname "$0")/.."
tests=
oracles=

mkdir -p "$crate/src" "$crate/fuzz" "$crate/tests"
cp -r src/error* src/fault.rs src/host src/domain.rs src/room.rs "$crate/src/"
cp -r fuzz/src "$crate/fuzz/"
cp -r tests/dialogue "$crate/tests/"
case $module in
    content) oracles="body headers section values" ;;
    protocol)
        oracles="engine envelope replies"
        tests="challenges mailbag pipelining transcript waiting"
        ;;
    sasl) oracles="base64 sasl" ;;
esac
{
    echo '#![allow(dead_code, unused_imports)]'
    echo 'extern crate self as esmtp;'
    echo 'pub mod error; pub mod fault; pub mod host; mod domain; mod room;'
    if [ "$module" = net ]; then
        mkdir -p "$crate/src/net/tls/tests"
        cp src/net/{resolve,server}.rs "$crate/src/net/"
        cp -r src/net/tls/identity{,.rs} src/net/tls/server_name.rs "$crate/src/net/tls/"
        cp src/net/tls/tests/certificates.rs "$crate/src/net/tls/tests/"
        echo 'pub mod net { mod resolve; pub mod server; pub mod tls { pub mod identity; mod server_name;'
        echo '#[cfg(test)] mod tests { mod certificates; pub(super) use certificates::{Template, dns, email, ip}; } } }'
    else
        cp -r "src/$module" "$crate/src/"
        echo "pub mod $module;"
    fi
    for one in $tests; do
        echo "#[cfg(test)] #[path = \"../tests/dialogue/$one.rs\"] mod $one;"
    done
    echo '#[cfg(test)] mod targets {'
    echo 'pub struct Target { pub name: &'"'"'static str, pub run: fn(&[u8]), pub seeds: &'"'"'static [&'"'"'static [u8]] }'
    sed -n '/^pub fn bytes/,/^}/p' fuzz/src/planted.rs
    [ "$module" = protocol ] && echo 'use crate::mailbag;'
    for one in $oracles input outbox plain_reply shapes; do
        [ "$module" != protocol ] && [[ $one == outbox || $one == plain_reply ]] && continue
        echo "#[path = \"$crate/fuzz/src/$one.rs\"] mod $one;"
    done
    # A test for each target, so that they run beside each other.
    for one in $oracles; do
        sed -n "s/^pub(crate) const \(.*\): Target = Target {/#[test] fn \L\1\E_holds() { holds(\&$one::\1); }/p" \
            "fuzz/src/$one.rs"
    done
    echo 'fn holds(target: &Target) { target.seeds.iter().for_each(|seed| (target.run)(seed));'
    echo '(0..if cfg!(miri) { 3 } else { 600 }).for_each(|number| (target.run)(&bytes(number))); }'
    echo '}'
} >"$crate/src/lib.rs"
{
    printf '[package]\nname = "esmtp"\nversion = "0.0.0"\nedition = "2024"\npublish = false\nautotests = false\n'
    printf '[lib]\ndoctest = false\n[workspace]\n[features]\ninjected-panics = []\n'
    printf '[profile.dev]\ndebug = 0\n[profile.dev.package."*"]\nopt-level = 2\n[dependencies]\n'
    needed='base64|des|email-encoding|foreign-types|getrandom|hmac|idna|itoa|libc|md-5|md4|memchr|openssl|openssl-sys'
    grep -E "^($needed|pbkdf2|sha1|sha2|stringprep|subtle|zeroize) =" Cargo.toml
} >"$crate/Cargo.toml"
grep -E '^cc =' Cargo.toml | sed '1i [build-dependencies]' >>"$crate/Cargo.toml"
echo 'fn main() { cc::Build::new().file("src/host/clock.c").compile("clock"); }' >"$crate/build.rs"
cp Cargo.lock "$crate/"
