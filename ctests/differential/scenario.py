# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads scenario files. README.md describes their form."""

import itertools
import re
from dataclasses import dataclass, field

SECTIONS = ("server", "driver", "changes", "ours")


@dataclass
class Scenario:
    name: str
    rows: list = field(default_factory=list)  # of the table of divergences
    limit: float = 5.0  # seconds for one run of the driver
    reference_varies: bool = False  # it depends on chance whether it does the same
    ignore_wire: bool = False  # where it is chance what a client still writes to a closing server
    environment: dict = field(default_factory=dict)
    files: list = field(default_factory=list)  # of the configuration directory: name, certificate, mode
    server: str = ""
    driver: str = ""
    changes: list = field(default_factory=list)
    ours: list = field(default_factory=list)

    @property
    def differs(self):
        return bool(self.rows)


class ScenarioError(Exception):
    pass


def load(path):
    """All scenarios of a file, in order."""
    scenarios = []
    for block in re.split(r"^== ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        try:
            scenarios += [build(text) for text in variants(block)]
        except ValueError as error:
            raise ScenarioError(f"{path.name}: {block.splitlines()[0]}: {error}") from None
    return scenarios


def variants(block):
    """A line `each: NAME = A | B` makes a scenario of each value, `{NAME}` is replaced."""
    each = re.findall(r"^each: *(\w+) *= *(.*)\n", block, flags=re.M)
    block = re.sub(r"^each: .*\n", "", block, flags=re.M)
    names = [name for name, _ in each]
    choices = [[value.strip() for value in values.split(" | ")] for _, values in each]
    for values in itertools.product(*choices):
        text = block
        for name, value in zip(names, values):
            text = text.replace("{" + name + "}", value)
        yield text


def build(text):
    lines = text.splitlines()
    scenario = Scenario(lines[0].strip())
    section = None
    for line in lines[1:]:
        if line.startswith("#") or not line.strip():
            continue
        heading = re.fullmatch(r"([a-z]+): *(.*)", line)
        if heading and heading[1] in SECTIONS and not heading[2]:
            section = heading[1]
        elif section is None and heading:
            set_option(scenario, heading[1], heading[2])
        elif section in ("server", "driver"):
            setattr(scenario, section, getattr(scenario, section) + line + "\n")
        elif section == "changes" and line[:2] in ("- ", "+ "):
            scenario.changes.append(line)
        elif section == "ours":
            scenario.ours.append(line)
        else:
            raise ValueError(f"not understood: {line!r}")
    check(scenario)
    return scenario


def set_option(scenario, name, value):
    if name == "differs":
        scenario.rows = [int(row) for row in value.split()]
    elif name == "limit":
        scenario.limit = float(value)
    elif name == "ignore" and value == "wire":
        scenario.ignore_wire = True
    elif name == "reference" and value == "varies":
        scenario.reference_varies = True
    elif name == "file":
        path, certificate, mode = value.split()
        scenario.files.append((path, certificate, int(mode, 8)))
    elif name == "environment":
        variable, _, content = value.partition("=")
        scenario.environment[variable] = content
    else:
        raise ValueError(f"unknown option {name!r}")


def check(scenario):
    if not scenario.driver:
        raise ValueError("no driver section")
    if scenario.differs != bool(scenario.changes or scenario.ours):
        raise ValueError("`differs` needs an expectation, and an expectation `differs`")
    if scenario.changes and scenario.ours:
        raise ValueError("either `changes` or `ours`")
