#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the code to the house's plan and style.

Reads every C file of src/ and ui/ and fails on an include that is not in the table below (the
arrows of src/README.md), on a library outside the one folder that may name it, and on the few
things the formatter cannot see: 100 columns, the licence lines, #pragma once.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# folder: the folders it may include from, besides itself
ARROWS = {
    'base': set(),
    'site': {'base'},
    'routing': {'base', 'site'},
    'dns': {'base'},
    'check': {'base', 'dns'},
    'smtp': {'base'},
    'net': {'base'},
    'queue': {'base'},
    'bus': {'base', 'site'},
    'auth': {'base'},
    'manager': {'base', 'site', 'bus'},
    'relay': {'base', 'site', 'routing', 'dns', 'smtp', 'net', 'queue', 'bus', 'auth'},
    'ctl': {'base', 'site', 'routing', 'dns', 'check', 'bus', 'auth'},
    'ui': {'base', 'site', 'routing', 'dns', 'check', 'bus'},
}

# header prefix of a library: the folders that may name it
LIBRARIES = {
    'gtk/': {'ui'},
    'gdk/': {'ui'},
    'gdk-pixbuf/': {'ui'},
    'libxml/': {'site'},
    'sqlite3.h': {'queue'},
    'unbound.h': {'dns'},
    'ldns/': {'dns'},
    'libsoup/': {'dns', 'relay'},
    'gnutls/': {'net', 'relay'},
    'polkit/': {'manager', 'relay'},
    'gsasl.h': {'auth'},
    'crypt.h': {'auth'},
    'security/': {'auth'},
    'idn2.h': {'base'},
    'json-glib/': {'ctl', 'check'},
    'sys/epoll.h': {'net'},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return 'ui' if parts[0] == 'ui' else parts[1]


def check_include(path, number, bracket, name):
    folder = folder_of(path)
    where = f'{path.relative_to(ROOT)}:{number}'
    for prefix, allowed in LIBRARIES.items():
        if bracket == '<' and name.startswith(prefix) and folder not in allowed:
            yield f'{where}: {name} may be named only in {", ".join(sorted(allowed))}'
    if bracket == '"' and '/' in name:
        target = name.split('/')[0]
        if target in ARROWS and target != folder and target not in ARROWS[folder]:
            yield f'{where}: {folder} may not include {name}: see the arrows in src/README.md'


def check_file(path):
    text = path.read_text(encoding='utf-8')
    lines = text.splitlines()
    where = path.relative_to(ROOT)
    if not lines or 'SPDX-License-Identifier' not in lines[0]:
        yield f'{where}:1: the first line is to be the SPDX licence line'
    if path.suffix == '.h' and '#pragma once' not in text:
        yield f'{where}: a header needs #pragma once'
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > 100:
            yield f'{where}:{number}: {len(line)} columns, 100 at most'
        if '\t' in line:
            yield f'{where}:{number}: a tab'
        match = INCLUDE.match(line)
        if match:
            yield from check_include(path, number, *match.groups())


def main():
    files = sorted(p for top in ('src', 'ui') for p in (ROOT / top).rglob('*.[ch]'))
    assert files, 'no C files found'
    folders = {folder_of(p) for p in files}
    problems = [f'{f}/: not in the table of {__file__}' for f in folders - set(ARROWS)]
    for path in files:
        problems += check_file(path)
    print('1..1')
    for problem in problems:
        print(f'# {problem}')
    print(f'{"not ok" if problems else "ok"} 1 - {len(files)} files keep to the plan')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
