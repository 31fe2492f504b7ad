#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up what `meson test` found in the build directories given: every case counts, also those
inside one test program. Prints what was skipped and what failed, then the line that ends ./test."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases(directory):
    path = pathlib.Path(directory, 'meson-logs', 'testlog.junit.xml')
    for suite in ElementTree.parse(path).getroot().iter('testsuite'):
        for case in suite.iter('testcase'):
            yield f'{directory}: {suite.get("name")}: {case.get("name")}', case


def outcome(case):
    if case.find('failure') is not None or case.find('error') is not None:
        return 'failed'
    return 'skipped' if case.find('skipped') is not None else 'passed'


def main(directories):
    found = {'passed': [], 'failed': [], 'skipped': []}
    for directory in directories:
        for name, case in cases(directory):
            found[outcome(case)].append(name)
    for kind in ('skipped', 'failed'):
        for name in found[kind]:
            print(f'{kind}: {name}')
    print(', '.join(f'{len(names)} {kind}' for kind, names in found.items()))
    return 1 if found['failed'] or not found['passed'] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
