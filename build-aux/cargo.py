#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs Cargo for Meson: builds the crate's archive, copies it to where Meson expects it, and tells
ninja which sources it was made of."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    arguments = parse_arguments()
    artifacts = cargo_build(arguments)
    if artifacts is None:
        return 1
    archives = [file for file in artifacts if file.suffix == ".a"]
    if len(archives) != 1:
        print(f"cargo.py: expected one archive, Cargo made {artifacts}", file=sys.stderr)
        return 1
    archive = archives[0]
    shutil.copyfile(archive, arguments.output)
    write_depfile(arguments, archive.with_suffix(".d"))
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo", required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--target-dir", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--features", required=True, help="those of Cargo.toml that are wanted, and no others")
    parser.add_argument("--plugin-dir", required=True, help="compiled in as the folder of SASL plug-ins")
    parser.add_argument("--config-dir", required=True, help="compiled in as the folder of the site policy")
    parser.add_argument("--target", help="Rust's name of the system to build for, if it is not this one")
    parser.add_argument("--c-compiler", help="the compiler that builds for it")
    parser.add_argument("--pkg-config", help="the program that knows its libraries")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--depfile", type=Path, required=True)
    return parser.parse_args()


def cargo_build(arguments: argparse.Namespace) -> list[Path] | None:
    """Builds the library and returns the files made for it. Cargo is asked for their names, as their
    folder depends on the profile and, when cross-compiling, on the target."""
    paths = SourcePaths(arguments.manifest.parent, arguments.target_dir)
    command = [
        arguments.cargo,
        *paths.cargo_options(),
        "rustc",
        "--lib",
        "--crate-type",
        "staticlib",
        "--locked",
        "--manifest-path",
        str(arguments.manifest),
        "--target-dir",
        str(arguments.target_dir),
        "--profile",
        arguments.profile,
        "--no-default-features",
        "--features",
        arguments.features,
        "--message-format",
        "json-render-diagnostics",
        *(["--target", arguments.target] if arguments.target else []),
    ]
    folders = {"ESMTP_PLUGIN_DIR": arguments.plugin_dir, "ESMTP_CONFIG_DIR": arguments.config_dir}
    environment = paths.environment(os.environ | folders | cross_tools(arguments))
    # In the source folder, so that Cargo reads the project's .cargo/config.toml (vendored crates).
    cargo = subprocess.run(command, cwd=arguments.manifest.parent, env=environment, stdout=subprocess.PIPE, text=True)
    if cargo.returncode != 0:
        return None
    messages = [json.loads(line) for line in cargo.stdout.splitlines() if line.startswith("{")]
    manifest = arguments.manifest.resolve()
    return [
        Path(file)
        for message in messages
        if message["reason"] == "compiler-artifact"
        and "staticlib" in message["target"]["kind"]
        and Path(message["manifest_path"]).resolve() == manifest
        for file in message["filenames"]
    ]


def cross_tools(arguments: argparse.Namespace) -> dict[str, str]:
    """Tells the crates with C in them, and the one that looks for OpenSSL, what Meson's cross file names."""
    if not arguments.target:
        return {}
    suffix = arguments.target.replace("-", "_")
    return {
        f"CC_{suffix}": arguments.c_compiler,
        f"PKG_CONFIG_{suffix}": arguments.pkg_config,
        "PKG_CONFIG_ALLOW_CROSS": "1",
    }


class SourcePaths:
    """The same sources make the same bytes, wherever they were built: what the compilers note of
    the build machine's folders (for panics and debuggers) gets names that are the same everywhere."""

    def __init__(self, source: Path, target: Path) -> None:
        cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        # rustc takes the last one that fits, so the general come first.
        names = [(source, "esmtp"), (source / "vendor", "crates")]
        names += [(folder, "crates") for folder in sorted(cargo_home.glob("registry/src/*"))]
        names += [(target, "build")]
        self.names = [(os.path.abspath(folder), name) for folder, name in names]
        self.rust_flags = [f"--remap-path-prefix={folder}={name}" for folder, name in self.names]

    def cargo_options(self) -> list[str]:
        """Flags in the environment replace those of configuration files, which are kept otherwise."""
        if "RUSTFLAGS" in os.environ or "CARGO_ENCODED_RUSTFLAGS" in os.environ:
            return []
        return ["--config", f"target.'cfg(all())'.rustflags = {json.dumps(self.rust_flags)}"]

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        encoded = variables.get("CARGO_ENCODED_RUSTFLAGS")
        if encoded is not None:
            flags = [*filter(None, encoded.split("\x1f")), *self.rust_flags]
            variables["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(flags)
        elif "RUSTFLAGS" in variables:
            flags = [*variables.pop("RUSTFLAGS").split(), *self.rust_flags]
            variables["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(flags)
        # For the C file that build.rs compiles. The C compiler, too, takes the last one that fits.
        c_flags = [shlex.quote(f"-ffile-prefix-map={folder}={name}") for folder, name in self.names]
        variables["CFLAGS"] = " ".join([variables.get("CFLAGS", ""), *c_flags]).strip()
        variables["CC_SHELL_ESCAPED_FLAGS"] = "1"
        return variables


def write_depfile(arguments: argparse.Namespace, cargos: Path) -> None:
    """Cargo's dependency file names Cargo's own output as the target; ninja wants Meson's. It lacks
    what decides on the crates that are used."""
    _, _, sources = cargos.read_text().splitlines()[0].partition(": ")
    manifest = arguments.manifest
    also = " ".join(escape(file) for file in (manifest, manifest.with_name("Cargo.lock")))
    arguments.depfile.write_text(f"{escape(arguments.output)}: {sources} {also}\n")


def escape(file: Path) -> str:
    return str(file).replace(" ", "\\ ")


if __name__ == "__main__":
    sys.exit(main())
