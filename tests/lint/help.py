#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""The help keeps what the interface promises: every topic that the code opens is a page, every link
leads somewhere, every page can be reached, and what a page calls by name is called that in ui/."""

import html
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / 'data' / 'help' / 'C'
MALLARD = '{http://projectmallard.org/1.0/}'
BLOCKS = {'p', 'note', 'terms', 'list', 'steps', 'table', 'code', 'screen', 'section', 'title', 'info'}

results = []


def check(name, problems):
    results.append((name, problems))


def read_pages():
    pages, problems = {}, []
    for path in sorted(PAGES.glob('*.page')):
        try:
            pages[path.stem] = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            problems.append(f'{path.name}: {error}')
    check('every page is well-formed', problems)
    return pages


def sections(page):
    return {section.get('id') for section in page.iter(MALLARD + 'section')}


def check_page(name, page):
    problems = []
    if page.tag != MALLARD + 'page':
        return [f'{name}: the outermost element is {page.tag}, not a Mallard page']
    if page.get('id') != name:
        problems.append(f'{name}: its id is {page.get("id")}, not the file\'s name')
    if page.get('type') not in ('topic', 'guide'):
        problems.append(f'{name}: its type is {page.get("type")}')
    if page.find(f'{MALLARD}info/{MALLARD}desc') is None:
        problems.append(f'{name}: it has no info/desc')
    if page.find(MALLARD + 'title') is None:
        problems.append(f'{name}: it has no title')
    for element in page.iter():
        if isinstance(element.tag, str) and not element.tag.startswith(MALLARD):
            problems.append(f'{name}: {element.tag} is no Mallard element')
    for section in [page, *page.iter(MALLARD + 'section')]:
        for child in section:
            kind = child.tag.removeprefix(MALLARD)
            if kind not in BLOCKS:
                problems.append(f'{name}: <{kind}> stands where a block must')
            if section.text and section.text.strip():
                problems.append(f'{name}: text outside of a block: {section.text.strip()}')
    ids = [section.get('id') for section in page.iter(MALLARD + 'section')]
    if None in ids or len(ids) != len(set(ids)):
        problems.append(f'{name}: a section without an id of its own')
    return problems


def check_links(pages):
    problems = []
    for name, page in pages.items():
        for link in page.iter(MALLARD + 'link'):
            target, _, section = (link.get('xref') or '').partition('#')
            target = target or name
            if target not in pages:
                problems.append(f'{name}: the link to {link.get("xref")} leads nowhere')
            elif section and section not in sections(pages[target]):
                problems.append(f'{name}: {target} has no section {section}')
    check('every link leads to a page or section', problems)


def check_reachable(pages):
    check('every page stands in the index', [
        f'{name}: no guide link to the index' for name, page in pages.items()
        if name != 'index' and not any(
            link.get('type') == 'guide' and (link.get('xref') or '').startswith('index#')
            for link in page.iter(MALLARD + 'link'))])


def topics_of_code():
    topics = {}
    for path in sorted((ROOT / 'ui').rglob('*.c')):
        text = path.read_text()
        found = re.findall(r'pm_help_show \([^;]*?"([^"]+)"\s*\)', text)
        found += re.findall(r'^get_help_topic \([^{]*\{[^}]*?return "([^"]+)"', text, re.MULTILINE)
        for topic in found:
            topics.setdefault(topic, []).append(str(path.relative_to(ROOT)))
    return topics


def check_topics(pages):
    topics = topics_of_code()
    check('the code opens help pages at all',
          [] if len(topics) >= 6 else [f'only {sorted(topics)} were found in ui/'])
    check('every topic that the code opens is a page', [
        f'{", ".join(files)} opens {topic}, and there is no {topic}.page'
        for topic, files in topics.items() if topic not in pages])


def fold(text):
    """A label as a person reads it: no mnemonic, one kind of apostrophe."""
    return ' '.join(text.replace('_', '').replace('’', "'").split())


def words_of_interface():
    words = set()
    for path in (ROOT / 'ui').rglob('*.ui'):
        words.update(fold(html.unescape(text)) for text in
                     re.findall(r'translatable="yes"[^>]*>([^<]*)<', path.read_text()))
    for path in (ROOT / 'ui').rglob('*.c'):
        words.update(fold(text.replace('\\"', '"')) for text in
                     re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()))
    return words


def is_said(text, words):
    return text in words or any(word.startswith(text) and word[len(text):len(text) + 2] == ' ('
                                for word in words)


def check_words(pages):
    words = words_of_interface()
    problems = []
    for name, page in pages.items():
        for gui in page.iter(MALLARD + 'gui'):
            text = fold(''.join(gui.itertext()))
            if not is_said(text, words):
                problems.append(f'{name}: nothing in ui/ is called “{text}”')
    check('what a page calls by name is called that in the interface', problems)


def main():
    pages = read_pages()
    check('there is an index', [] if 'index' in pages else ['index.page is missing'])
    for name, page in pages.items():
        check(f'{name} is a page of Mallard', check_page(name, page))
    check_links(pages)
    check_reachable(pages)
    check_topics(pages)
    check_words(pages)

    print(f'1..{len(results)}')
    for number, (name, problems) in enumerate(results, 1):
        print(f'{"not ok" if problems else "ok"} {number} - {name}')
        for problem in problems:
            print(f'# {problem}')
    return any(problems for _, problems in results)


if __name__ == '__main__':
    sys.exit(main())
