#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds po/POTFILES to the files that have text to translate.

Without an argument it says what is missing or too much and fails; with --write it puts it right.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
TRANSLATABLE_C = re.compile(r'\b(?:N?_|ngettext|C_) \(')
TRANSLATABLE_UI = re.compile(r'translatable="yes"')
HEAD = '# Every file with text to translate; po/update-potfiles.py --write keeps it.\n'


def has_text(path):
    if path.suffix == '.c':
        return TRANSLATABLE_C.search(path.read_text(encoding='utf-8')) is not None
    if path.suffix == '.ui':
        return TRANSLATABLE_UI.search(path.read_text(encoding='utf-8')) is not None
    return path.name.endswith(('.desktop.in', '.metainfo.xml.in'))


def main():
    candidates = [*(TOP / 'ui').rglob('*'), *(TOP / 'data').glob('org.pointsman.Administrator.*.in')]
    wanted = sorted(str(path.relative_to(TOP)) for path in candidates
                    if path.is_file() and has_text(path))
    potfiles = TOP / 'po' / 'POTFILES'
    if sys.argv[1:] == ['--write']:
        potfiles.write_text(HEAD + ''.join(name + '\n' for name in wanted), encoding='utf-8')
        return 0
    listed = [line for line in potfiles.read_text(encoding='utf-8').split('\n')
              if line and not line.startswith('#')]
    for name in sorted(set(wanted) - set(listed)):
        print(f'po/POTFILES lacks {name}', file=sys.stderr)
    for name in sorted(set(listed) - set(wanted)):
        print(f'po/POTFILES lists {name}, which has no text to translate', file=sys.stderr)
    return 0 if set(listed) == set(wanted) else 1


if __name__ == '__main__':
    sys.exit(main())
