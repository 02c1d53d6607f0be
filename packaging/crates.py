#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the list of crates in the library, as CycloneDX JSON, from what `cargo metadata` says on
standard input. Crates that are only for tests are left out."""

import json
import sys


def in_library(metadata: dict) -> set[str]:
    """The packages that are linked into the library or run to build it."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [metadata["resolve"]["root"]]
    found = set()
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def component(package: dict) -> dict:
    name, version = package["name"], package["version"]
    return {
        "type": "library",
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "licenses": [{"expression": (package["license"] or "NOASSERTION").replace("/", " OR ")}],
        "purl": f"pkg:cargo/{name}@{version}",
    }


def main() -> int:
    metadata = json.load(sys.stdin)
    wanted = in_library(metadata)
    root = metadata["resolve"]["root"]
    packages = {package["id"]: package for package in metadata["packages"]}
    components = sorted(
        (component(packages[package]) for package in wanted if package != root),
        key=lambda entry: entry["bom-ref"],
    )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(packages[root])},
        "components": components,
    }
    json.dump(document, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
