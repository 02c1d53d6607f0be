#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A release, built without network and installed, is found by the build systems that programs use:
# pkg-config, CMake, autoconf, Meson (as a subproject), libesmtp-config; with gcc and clang, GNU ld and
# lld, shared and static. Each program that is built sends a mail.
#   tests/real/build_systems.sh [--as-is]    --as-is: the files as they are here, committed or not
# Ends with "N passed, N failed". Needs autoconf, clang, cmake and lld.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CC CFLAGS LDFLAGS

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
libdir=$prefix/lib/odd
passed=0
failed=0

# check NAME COMMAND...: runs it in a folder of its own.
check() {
    local name=$1 folder=$work/${1//[^a-z0-9]/-} status=0
    shift
    mkdir -p "$folder"
    (
        set -e
        cd "$folder"
        "$@"
    ) >"$folder.log" 2>&1 </dev/null || status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        tail -n 30 "$folder.log" | sed 's/^/        | /'
    fi
}

# In a network without anything, where that is allowed.
# shellcheck disable=SC2016
offline=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)
"${offline[@]}" true 2>/dev/null || offline=(env CARGO_NET_OFFLINE=true)

release() {
    "$root/scripts/release" "$@" "$work"
    tar --extract --directory "$work" --file "$work"/libesmtp-*.tar.xz
    mv "$work"/libesmtp-*/ "$work/source"
    mkdir "$work/cargo-home"
}

# build_library FOLDER OPTION...: both kinds, and nothing of the user's own Cargo.
build_library() {
    "${offline[@]}" env CARGO_HOME="$work/cargo-home" meson setup "$@"
    "${offline[@]}" env CARGO_HOME="$work/cargo-home" meson compile -C "$1"
}

install_library() {
    meson install -C "$work/library"
    test -f "$libdir/libesmtp.so.6.2.0"
    test "$(readlink "$libdir/libesmtp.so.6")" = libesmtp.so.6.2.0
    test "$(readlink "$libdir/libesmtp.so")" = libesmtp.so.6
    test -f "$libdir/libesmtp.a"
    test -f "$libdir/pkgconfig/libesmtp-1.0.pc"
    test -f "$prefix/include/libesmtp.h"
    test -f "$prefix/include/auth-client.h"
    test -f "$prefix/share/man/man3/libesmtp.3"
    grep -qx '.so man3/libesmtp_session.3' "$prefix/share/man/man3/smtp_start_session.3"
    MANPATH=$prefix/share/man man smtp_start_session | grep -q 'smtp_start_session'
}

install_to_destdir() {
    DESTDIR=$PWD/root meson install -C "$work/library"
    # Everything is below it, in the same places.
    (cd "$prefix" && find . ! -type d | sort) >installed
    (cd "root$prefix" && find . ! -type d | sort) >staged
    diff installed staged
    diff "$libdir/pkgconfig/libesmtp-1.0.pc" "root$libdir/pkgconfig/libesmtp-1.0.pc"
}

# sends PROGRAM: to a server on this machine.
sends() {
    local address server
    exec {dialogue}< <(exec python3 "$root/tests/real/sink.py" mail --sessions 1 2>&1)
    server=$!
    read -r address <&"$dialogue"
    LD_LIBRARY_PATH=$libdir timeout 30 "$1" "$address"
    wait "$server"
    exec {dialogue}<&-
    grep -q 'It works.' mail/1.eml
    rm -r mail
}

uses_shared() {
    LD_LIBRARY_PATH=$libdir ldd "$1" | grep -q "libesmtp.so.6 => $libdir/"
}

through_pkg_config() {
    local flags
    flags=$(pkg-config --cflags --libs libesmtp-1.0)
    echo "$flags"
    test "$(pkg-config --modversion libesmtp-1.0)" = 1.1.0
    # What the library itself needs is not the program's business.
    case $flags in *ssl* | *crypto*) return 1 ;; esac
    # shellcheck disable=SC2086
    "$@" "$root/examples/first-mail.c" -o program $flags
    uses_shared ./program
    sends ./program
}

statically() {
    # shellcheck disable=SC2046
    cc -static "$root/examples/first-mail.c" -o program $(pkg-config --static --cflags --libs libesmtp-1.0)
    if ldd ./program; then return 1; fi
    sends ./program
}

archive_alone() {
    mkdir only
    cp "$libdir/libesmtp.a" only
    # shellcheck disable=SC2046
    cc "$root/examples/first-mail.c" -o program -Lonly $(pkg-config --static --cflags --libs libesmtp-1.0)
    if ldd ./program | grep libesmtp; then return 1; fi
    sends ./program
}

through_config_script() {
    local script=$prefix/bin/libesmtp-config
    test "$("$script" --version)" = 1.1.0
    test "$("$script" --prefix)" = "$prefix"
    # shellcheck disable=SC2046
    cc $("$script" --cflags) "$root/examples/first-mail.c" -o program $("$script" --libs)
    uses_shared ./program
    sends ./program
}

through_cmake() {
    cp "$root/examples/first-mail.c" .
    cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.16)
project(first-mail C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ESMTP REQUIRED IMPORTED_TARGET libesmtp-1.0>=1.1)
add_executable(first-mail first-mail.c)
target_link_libraries(first-mail PRIVATE PkgConfig::ESMTP)
END
    cmake -S . -B out
    cmake --build out
    uses_shared out/first-mail
    sends out/first-mail
}

through_autoconf() {
    cp "$root/examples/first-mail.c" .
    cat >configure.ac <<'END'
AC_INIT([first-mail], [1])
AC_PROG_CC
AC_CHECK_HEADERS([libesmtp.h], [], [AC_MSG_ERROR([no header])])
AC_CHECK_LIB([esmtp], [smtp_create_session], [], [AC_MSG_ERROR([no library])])
AC_CHECK_FUNCS([smtp_set_header auth_create_context], [], [AC_MSG_ERROR([no function])])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
    printf 'first-mail: first-mail.c\n\t@CC@ @CPPFLAGS@ @CFLAGS@ first-mail.c -o $@ @LDFLAGS@ @LIBS@\n' >Makefile.in
    autoconf
    LD_LIBRARY_PATH=$libdir ./configure CPPFLAGS="-I$prefix/include" LDFLAGS="-L$libdir"
    make
    uses_shared ./first-mail
    sends ./first-mail
}

as_subproject() {
    mkdir subprojects
    cp "$root/examples/first-mail.c" .
    cp -r "$work/source" subprojects/libesmtp
    cat >subprojects/libesmtp.wrap <<'END'
[wrap-file]
directory = libesmtp

[provide]
dependency_names = libesmtp-1.0
END
    cat >meson.build <<'END'
project('first-mail', 'c')
esmtp = dependency('libesmtp-1.0')
executable('first-mail', 'first-mail.c', dependencies: esmtp)
END
    # With the other compiler and the other linker.
    unset PKG_CONFIG_PATH
    CC=clang CC_LD=lld build_library out --wrap-mode=nodownload --force-fallback-for=libesmtp-1.0
    readelf -p .comment out/subprojects/libesmtp/libesmtp.so.6.2.0 | grep -q LLD
    ldd out/first-mail | grep "subprojects/libesmtp/libesmtp.so.6"
    nm -D --defined-only out/subprojects/libesmtp/libesmtp.so.6.2.0 | awk '{ print $3 }' | sort >exported
    sort "$root/ctests/abi/exports.txt" | diff - exported
    sends out/first-mail
}

check "release" release "$@"
check "library without network, gcc, GNU ld" build_library "$work/library" "$work/source" \
    --buildtype=release --prefix="$prefix" --libdir=lib/odd -Ddefault_library=both
check "install" install_library
export PKG_CONFIG_PATH=$libdir/pkgconfig
check "install to DESTDIR" install_to_destdir
for compiler in gcc clang; do
    for linker in bfd lld; do
        check "pkg-config, $compiler, $linker" through_pkg_config "$compiler" "-fuse-ld=$linker"
    done
done
check "pkg-config, static program" statically
check "pkg-config, static library" archive_alone
check "libesmtp-config" through_config_script
check "cmake" through_cmake
check "autoconf" through_autoconf
check "subproject of Meson, clang, lld" as_subproject

echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
