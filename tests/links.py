#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every link in the project's Markdown that leads to a file of the project finds it, and the heading that it
names; every file that is named in backquotes with its folder is there, too.

    tests/links.py [FILE]...    default: all that Git knows"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")
PLACEHOLDER = re.compile(r"NAME|TOPIC")
# `docs/guide.md`, `src/ffi/`: a path that begins with a folder of ours, without placeholders.
FOLDERS = "benches build-aux ctests docs examples fuzz man packaging scripts src tests tools".split()
NAMED = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`")


def without_code(text: str) -> str:
    """Blocks of code show what is typed; their lines stay, so that numbers are right."""
    inside = False
    lines = []
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        lines.append("" if fence or inside else line)
        inside ^= fence
    return "\n".join(lines)


def anchors(text: str) -> set[str]:
    """What the headings are called in links, as forges do it: of two that are the same, the second gets a number."""
    found: dict[str, int] = {}
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} +(.+?)(?: +#+)?$", without_code(text), re.MULTILINE):
        shown = LINK.sub(lambda link: link[0][link[0].index("[") + 1 : link[0].index("]")], heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def made_by_a_program(name: str) -> bool:
    """Git ignores it, as a file or as a folder."""
    command = ["git", "check-ignore", name, f"{name}/"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


def wrong_in(page: Path, files: set[Path]) -> tuple[int, list[str]]:
    """How many links and names were looked at, and what is wrong with some."""
    text = page.read_text(encoding="utf-8")
    count, wrong = 0, []
    for number, line in enumerate(without_code(text).splitlines(), 1):
        place = f"{page.relative_to(ROOT)}:{number}"
        for target in LINK.findall(line):
            if ELSEWHERE.match(target):
                continue
            count += 1
            name, _, anchor = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if file not in files:
                wrong.append(f"{place}: there is no {name}")
            elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
                wrong.append(f"{place}: {name or 'this page'} has no heading #{anchor}")
        for name in NAMED.findall(line):
            if PLACEHOLDER.search(name):
                continue
            count += 1
            if (ROOT / name).resolve() not in files and not made_by_a_program(name):
                wrong.append(f"{place}: there is no {name}")
    return count, wrong


def main() -> int:
    files = {ROOT}
    for name in tracked():
        path = ROOT / name
        files |= {path, *path.parents}
    pages = sys.argv[1:] or tracked("*.md")
    links, wrong = 0, []
    for page in pages:
        count, more = wrong_in((ROOT / page).resolve(), files)
        links += count
        wrong += more
    print("\n".join([*wrong, f"{len(pages)} pages, {links} links and names, {len(wrong)} wrong"]))
    return 1 if wrong or links == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
