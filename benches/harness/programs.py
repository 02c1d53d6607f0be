# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is run: the C programs, the two libraries, a certificate."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent
SONAME = "libesmtp.so.6"

FLAGS = ["-O2", "-Wall", "-Wextra", "-pedantic", "-D_GNU_SOURCE"]
COMMON = ["text.c", "gauge.c", "options.c"]
PROGRAMS = {
    "sink": ["sink.c", "sink_wire.c", "sink_dialogue.c", "-lssl", "-lcrypto", "-lpthread"],
    "floor": ["floor.c", "floor_link.c", *COMMON, "-lssl", "-lcrypto"],
    "load": ["load.c", "source.c", *COMMON, "-l:" + SONAME],
    "start": ["start.c", "-l:" + SONAME],
    "counter.so": ["counter.c", "-shared", "-fPIC", "-ldl"],
}
# Other libraries, each if it is there: what a compiler needs to be told, and what to install.
PEERS = {
    "libetpan": (["peer_etpan.c", "-letpan"], "libetpan-dev"),
    "libcurl": (["peer_curl.c", "-lcurl"], "libcurl4-openssl-dev or libcurl4-gnutls-dev"),
    "lettre": (["-lpthread", "-ldl", "-lm"], "cargo"),
}
LETTRE = HERE / "lettre"


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str  # "reference", "ours", "small", "floor" or a peer's
    library: Path | None  # the directory of its libesmtp.so.6, if it is one
    program: str = "load"
    without: str = "not built"  # why there is no such program or library


def system_library() -> Path:
    """Where the dynamic linker finds the installed library."""
    for tool in ("ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            listing = subprocess.run([tool, "-p"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        if match := re.search(rf"{re.escape(SONAME)} .*=> (\S+)", listing):
            return Path(match[1])
    sys.exit("no reference library installed (apt install libesmtp-dev); or name one with --reference")


def built_library() -> Path:
    """The project's own, from the build folder that README.md names."""
    path = ROOT / "build" / SONAME
    if not path.exists():
        sys.exit(f"{path} is missing: meson setup build --buildtype=release && meson compile -C build")
    return path


def need(*tools: str) -> None:
    if missing := [tool for tool in tools if not shutil.which(tool)]:
        sys.exit(f"not installed: {', '.join(missing)}")


def compile_all(folder: Path) -> dict[str, Path]:
    """Compiles the C programs; load and start are linked once, with the system's library."""
    built = {}
    flags = FLAGS + (["-mavx2"] if " avx2 " in Path("/proc/cpuinfo").read_text(encoding="utf-8") else [])
    for name, parts in PROGRAMS.items():
        sources = [str(HERE / part) if part.endswith(".c") else part for part in parts]
        built[name] = folder / name
        subprocess.run(["cc", *flags, "-o", str(built[name]), *sources], check=True)
    return built


def compile_peers(folder: Path, names) -> dict[str, Path]:
    """The programs of those other libraries that are installed."""
    built = {}
    for name in names:
        parts, _ = PEERS[name]
        sources = [str(HERE / part) if part.endswith(".c") else part for part in ["peer.c", *COMMON, *parts]]
        if name == "lettre":
            command = [
                "cargo",
                "build",
                "--release",
                "--locked",
                "--quiet",
                "--target-dir",
                str(ROOT / "target/benches"),
            ]
            if subprocess.run(command, cwd=LETTRE, check=False).returncode != 0:
                continue
            sources.insert(0, "-Wl,--start-group")
            sources += [str(ROOT / "target/benches/release/libpeer_lettre.a"), "-Wl,--end-group"]
        command = ["cc", *FLAGS, "-o", str(folder / name), *sources]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            built[name] = folder / name
    return built


def install_library(path: Path, folder: Path) -> Path:
    """The library under its SONAME in a folder of its own, so that nothing else is found there."""
    folder.mkdir(exist_ok=True)
    link = folder / SONAME
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve(strict=True))
    return folder


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-days", "30", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate, key


def trust(certificate: Path, folder: Path) -> Path:
    """A configuration directory for the libraries in which the certificate is an authority."""
    (folder / "libesmtp").mkdir(parents=True, exist_ok=True)
    shutil.copy(certificate, folder / "libesmtp" / "ca.pem")
    (folder / "libesmtp" / "ca.pem").chmod(0o600)
    return folder
