#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""The manual pages keep up with the programs: they format without a warning, every option and
command that --help prints stands in the page and none that it does not, and pointsman-site(5) has
the elements, attributes and defaults of data/site.rng, and pointsman-relayd(8) every event.

usage: man.py PROGRAM...    the built programs, pointsmanctl among them"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / 'data' / 'man'
RNG = '{http://relaxng.org/ns/structure/1.0}'
DEFAULT = '{http://relaxng.org/ns/compatibility/annotations/1.0}defaultValue'

results = []


def check(name, problems):
    results.append((name, problems))


def check_formatting():
    for page in sorted(PAGES.glob('*.[1-8]')):
        done = subprocess.run(['groff', '-mandoc', '-ww', '-z', '-Kutf8', '-Tutf8', page],
                              capture_output=True, text=True)
        problems = done.stderr.splitlines() or ([] if done.returncode == 0 else ['groff failed'])
        check(f'{page.name} formats without a warning', problems)
        check(f'{page.name} names pages that there are', [
            f'{name}({section}) is no page here'
            for name, section in re.findall(r'^\.Xr (\S+) (\d)', page.read_text(), re.MULTILINE)
            if not (PAGES / f'{name}.{section}').exists()])


def read_options(text):
    """The options at the beginning of --help's lines."""
    return set(re.findall(r'^\s+(?:-\w, )?(--[a-z][a-z-]*)', text, re.MULTILINE))


def ask_for_help(program, *words):
    return subprocess.run([program, *words, '--help'], capture_output=True, text=True, check=True,
                          timeout=30).stdout


def page_options(text):
    """Options of the page: `.Fl -name`, alone, in a list or after another."""
    found = set()
    for line in re.findall(r'^\.(?:It |Op |.*)?Fl .*', text, re.MULTILINE):
        found.update('--' + name for name in re.findall(r'(?:^|[ ,])-([a-z][a-z-]+)', line))
    return found


def find_commands(text):
    """(words, arguments) of each line of pointsmanctl's list of commands."""
    commands = []
    for line in re.findall(r'^  ([a-z].*?)  +\S', text, re.MULTILINE):
        words = re.match(r'[a-z]+(?: [a-z]+)*', line).group().split()
        commands.append(words)
    return commands


def check_options(program):
    name = Path(program).name
    page = next(PAGES.glob(name + '.[1-8]'), None)
    if page is None:
        check(f'{name} has a page', [f'there is no {name}.1 or {name}.8 in data/man'])
        return
    text = page.read_text()
    help_text = ask_for_help(program)
    options = read_options(help_text) | {'--help', '--version'}
    commands = find_commands(help_text) if 'COMMAND' in help_text else []
    problems = []
    for words in commands:
        options |= read_options(ask_for_help(program, *words))
        if not re.search(rf'^\.It Cm {" ".join(words)}(?: |$)', text, re.MULTILINE):
            problems.append(f'the command “{" ".join(words)}” is not in it')
    described = page_options(text)
    problems += [f'{option} is not in it' for option in sorted(options - described)]
    problems += [f'{option} is no option of the program' for option in sorted(described - options)]
    if len(options) < 3:
        problems.append(f'only {sorted(options)} were found in --help')
    check(f'{page.name} has the options of {name}', problems)


def grammar_attributes():
    """{(element, attribute, default or None)} of data/site.rng, and the elements' names."""
    facts, elements = set(), set()
    for element in ElementTree.parse(ROOT / 'data' / 'site.rng').iter(RNG + 'element'):
        if element.get('name') is None:
            continue
        elements.add(element.get('name'))
        for attribute in element.iter(RNG + 'attribute'):
            if attribute.get('name') is not None:
                facts.add((element.get('name'), attribute.get('name'), attribute.get(DEFAULT)))
    return facts, elements


def page_attributes():
    facts, elements = set(), set()
    text = (PAGES / 'pointsman-site.5').read_text()
    text = text[text.index('\n.Ss <site>'):text.index('\n.Sh VALUES')]
    for part in text.split('\n.Ss ')[1:]:
        element = re.match(r'<([a-z-]+)>', part).group(1)
        elements.add(element)
        for item in part.split('\n.It Cm ')[1:]:
            default = re.search(r'^Default: (.*)\.$', item, re.MULTILINE)
            facts.add((element, item.split('\n')[0], default and default.group(1)))
    return facts, elements


def check_site_page():
    wanted, wanted_elements = grammar_attributes()
    found, found_elements = page_attributes()
    check('the grammar was read', [] if len(wanted) > 30 else [f'only {len(wanted)} attributes'])
    check('pointsman-site.5 has the elements of the grammar',
          [f'<{name}>' for name in sorted(wanted_elements ^ found_elements)])
    check('pointsman-site.5 has the attributes and defaults of the grammar',
          [f'missing: {fact}' for fact in sorted(wanted - found, key=str)] +
          [f'not in the grammar: {fact}' for fact in sorted(found - wanted, key=str)])


def check_events():
    """Each event that the mail service logs stands in its page."""
    folders = ('net', 'queue', 'relay')
    names = set()
    for path in (path for name in folders for path in (ROOT / 'src' / name).glob('*.c')):
        text = path.read_text()
        names.update(re.findall(r'pm_log_event \([^",]*,\s*"([a-z-]+)"', text))
        names.update(re.findall(r'\[PM_EVENT_\w+\] = \{ "([a-z-]+)"', text))
    page = (PAGES / 'pointsman-relayd.8').read_text()
    page = page[page.index('\n.Sh EVENTS'):]
    described = {name.strip(' ,') for line in re.findall(r'^\.?(?:It )?Sy (.*)', page, re.MULTILINE)
                 for name in line.split()}
    check('the events of the mail service were found',
          [] if len(names) > 20 else [f'only {sorted(names)}'])
    check('pointsman-relayd.8 has the events of the mail service',
          [f'{name} is not in it' for name in sorted(names - described)])


def check_example(pointsmanctl):
    text = (PAGES / 'pointsman-site.5').read_text()
    example = re.search(r'^<site .*?^</site>$', text, re.MULTILINE | re.DOTALL).group()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'site.xml'
        path.write_text(example)
        done = subprocess.run([pointsmanctl, '--config', path, 'site', 'validate'],
                              capture_output=True, text=True, timeout=30)
    check('the example of pointsman-site.5 is valid and gives no warning',
          done.stderr.splitlines() or ([] if done.returncode == 0 else ['it is not']))


def main(programs):
    check_formatting()
    for program in programs:
        check_options(program)
        if Path(program).name == 'pointsmanctl':
            check_example(program)
    check_site_page()
    check_events()

    print(f'1..{len(results)}')
    for number, (name, problems) in enumerate(results, 1):
        print(f'{"not ok" if problems else "ok"} {number} - {name}')
        for problem in problems:
            print(f'# {problem}')
    return any(problems for _, problems in results)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
