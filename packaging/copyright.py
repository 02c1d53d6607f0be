#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes Debian's copyright file: what is there by hand, and a paragraph for each vendored crate with the holders
and the licence that the crate itself names, and the licences' texts.

    packaging/copyright.py TREE < packaging/debian/copyright > debian/copyright

TREE is an unpacked release, with vendor/ in it. Fails at a licence whose text it does not know where to find."""

import re
import sys
import tomllib
from pathlib import Path

# SPDX's names, and Debian's.
NAMES = {
    "Apache-2.0": "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception": "Apache-2.0 with LLVM exception",
    "BSD-2-Clause": "BSD-2-clause",
    "BSD-3-Clause": "BSD-3-clause",
    "ISC": "ISC",
    "LGPL-2.1-or-later": "LGPL-2.1+",
    "MIT": "Expat",
    "MPL-2.0": "MPL-2.0",
    "Unicode-3.0": "Unicode-3.0",
    "Unlicense": "Unlicense",
    "Zlib": "Zlib",
}
# Every Debian system has these.
COMMON = {"Apache-2.0", "MPL-2.0"}
# Where a crate has the text of a licence, and the words with which it begins after the holders' names.
TEXTS = {
    "Apache-2.0 with LLVM exception": ("LICENSE-Apache-2.0_WITH_LLVM-exception", "--- LLVM Exceptions"),
    "BSD-2-clause": ("LICENSE-BSD", "Redistribution and use"),
    "BSD-3-clause": ("LICENSE", "Redistribution and use"),
    "ISC": ("LICENSE*", "Permission to use, copy, modify, and"),
    "Expat": ("LICENSE-MIT", "Permission is hereby granted"),
    "Unicode-3.0": ("LICENSE-UNICODE", "Permission is hereby granted"),
    "Unlicense": ("UNLICENSE", "This is free and unencumbered"),
    "Zlib": ("LICENSE-ZLIB*", "This software is provided"),
}
LICENCE_FILES = ("LICEN[CS]E*", "licen[cs]e*", "COPYING*", "COPYRIGHT*", "NOTICE*")
HOLDER = re.compile(r"^[\W_]*(?:copyright|©)\s*(?:\(c\)|©)?:?\s*((?:\d{4}|\[?the\b|by\b).{2,120}?)[\s.*/]*$", re.I)
# The forms in the Apache License itself.
NOT_A_HOLDER = re.compile(r"\[yyyy\]|\{yyyy\}|notice|owner or|\bholders?\b", re.I)


def debian_licence(expression: str) -> str:
    """Debian writes `and`, `or`, and a comma where SPDX has brackets."""
    parts = []
    for part in re.sub(r"\s*/\s*", " OR ", expression).split(" AND "):
        names = [NAMES[name.strip()] for name in part.strip("() ").split(" OR ")]
        parts.append(" or ".join(names))
    return (", and " if any(" or " in part for part in parts) else " and ").join(parts)


def holders(crate: Path, manifest: dict) -> list[str]:
    """Whom the crate's own texts name, or else its authors."""
    found: dict[str, None] = {}
    for pattern in LICENCE_FILES:
        for file in sorted(crate.glob(pattern)):
            if not file.is_file():
                continue
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                holder = HOLDER.match(line)
                if holder and not NOT_A_HOLDER.search(line):
                    found[" ".join(holder[1].split())] = None
    authors = manifest["package"].get("authors", [])
    return list(found) or list(authors) or [f"the authors of {manifest['package']['name']}"]


def paragraph(first: str, rest: list[str]) -> str:
    """A field whose further lines are indented, with a dot for an empty one."""
    return "\n".join([first, *(f" {line.rstrip()}" if line.strip() else " ." for line in rest)])


def licence_text(name: str, vendor: Path) -> str:
    if name in COMMON:
        where = f"/usr/share/common-licenses/{name}"
        return paragraph(f"License: {name}", [f"On Debian systems, the text is in {where}."])
    pattern, begins = TEXTS[name]
    for file in sorted(vendor.glob(f"*/{pattern}")):
        text = file.read_text(encoding="utf-8", errors="replace")
        licence = tomllib.loads((file.parent / "Cargo.toml").read_text(encoding="utf-8"))["package"]["license"]
        if begins in text and name in re.split(r" or |, and | and ", debian_licence(licence)):
            lines = text[text.index(begins) :].rstrip().splitlines()
            if name == "Apache-2.0 with LLVM exception":
                lines = ["On Debian systems, Apache-2.0 is in /usr/share/common-licenses/Apache-2.0.", "", *lines]
            return paragraph(f"License: {name}", lines)
    raise SystemExit(f"copyright.py: no crate has the text of {name}")


def main() -> int:
    (tree,) = map(Path, sys.argv[1:])
    head = sys.stdin.read().rstrip()
    stanzas, needed = [], set()
    for manifest_file in sorted(tree.glob("vendor/*/Cargo.toml")):
        crate = manifest_file.parent
        manifest = tomllib.loads(manifest_file.read_text(encoding="utf-8"))
        licence = debian_licence(manifest["package"]["license"])
        needed |= set(re.split(r" or |, and | and ", licence))
        who = holders(crate, manifest)
        files = f"Files: vendor/{crate.name}/*"
        stanzas.append("\n".join([files, paragraph(f"Copyright: {who[0]}", who[1:]), f"License: {licence}"]))
    if not stanzas:
        raise SystemExit(f"copyright.py: no crates in {tree}/vendor")
    there = set(re.findall(r"^License: (.*)", head, re.MULTILINE))
    texts = [licence_text(name, tree / "vendor") for name in sorted(needed - there)]
    print("\n\n".join([head, *stanzas, *texts]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
