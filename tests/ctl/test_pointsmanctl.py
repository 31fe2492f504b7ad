#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors

"""Runs pointsmanctl on site files of its own, and where no service is to be reached."""

import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'integration'))
from support.servers import Nsd  # noqa: E402

PROGRAM = os.environ['POINTSMANCTL']

SITE = '''<?xml version="1.0" encoding="UTF-8"?>
<!-- kept: at the top -->
<site xmlns="urn:pointsman:site:1" xmlns:x="urn:example:other" name="Headquarters" organization="Example">
  <configuration>
    <servers>
      <server name="MAIL1" host="mail1.example.com">
        <address ip="192.0.2.10"/>
      </server>
    </servers>
    <site-addressing domain="example.com"/>
    <connections>
      <internet-mail-service server="MAIL1">
        <internet-mail administrator="postmaster@example.com"/>
        <connections>
          <listen address="0.0.0.0" port="25"/>
          <e-mail-domain name="partner.example">
            <deliver method="host"><host name="mx.partner.example" port="2525"/></deliver>
          </e-mail-domain>
        </connections>
        <routing>
          <!-- kept: before the entries -->
          <route domain="example.com" subdomains="no"><inbound/></route>
          <route domain="example.net"><inbound/></route> <!-- kept: beside example.net -->
          <route domain="old.example.org"><rewrite domain="example.com"/></route>
          <x:note>kept: not ours</x:note>
          <route domain="legacy.example.org"><forward><host name="10.1.2.3" port="26"/></forward></route>
          <route domain="partner.example"><relay/></route>
          <restrictions>
            <allow network="192.0.2.77/24"/>
            <allow interface="10.0.0.1"/>
            <allow authenticated="yes"/>
            <never network="192.0.2.66"/>
          </restrictions>
        </routing>
        <mailboxes accept="listed">
          <mailbox address="anna@example.com"><alias address="sales@example.net"/></mailbox>
        </mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
'''

KEYS = ['address', 'action', 'rule', 'nextHops', 'rewritten', 'reply', 'explanation']
OUTWARD = {'host': 'far.example', 'port': 25, 'mx': True}


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='pointsmanctl-')
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name, 'site.xml')
        self.path.write_text(SITE, encoding='utf-8')
        nowhere = f'unix:path={self.folder.name}/no-bus'
        self.environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=nowhere,
                                DBUS_SESSION_BUS_ADDRESS=nowhere)

    def run_ctl(self, *words, status=0, stdin=''):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, input=stdin,
                              env=self.environment, timeout=60, cwd=self.folder.name)
        self.assertEqual(done.returncode, status, f'{words}: {done.stdout}{done.stderr}')
        if status != 0:
            self.assertNotEqual(done.stderr.strip(), '', f'{words}: no reason given')
        return done

    def ctl(self, *words, status=0, stdin=''):
        return self.run_ctl('--config', str(self.path), *words, status=status, stdin=stdin)

    def ctl_json(self, *words, status=0):
        return json.loads(self.ctl('--json', *words, status=status).stdout)


class RouteTest(Base):
    def decide(self, *words):
        decision = self.ctl_json('route', 'test', *words)
        self.assertEqual(list(decision), KEYS)
        self.assertIsInstance(decision['explanation'], list)
        self.assertTrue(decision['explanation'])
        for sentence in decision['explanation']:
            self.assertTrue(sentence.endswith('.'), sentence)
        for hop in decision['nextHops']:
            self.assertEqual(list(hop), ['host', 'port', 'mx'])
        self.assertEqual(decision['reply'] is not None, decision['action'] == 'reject')
        return decision

    def check(self, words, **want):
        decision = self.decide(*words.split())
        for key, value in want.items():
            self.assertEqual(decision[key], value, f'{words}: {key}')
        return decision

    def test_inbound(self):
        self.check('anna@example.com', address='anna@example.com', action='inbound',
                   rule='#example.com', nextHops=[], rewritten=None, reply=None)
        self.check('sales@example.net', action='inbound', rule='example.net')
        self.check('Postmaster@sub.example.net', action='inbound', rule='example.net')
        self.check('anna@[192.0.2.10]', action='inbound', rule=None)

    def test_rewrite(self):
        self.check('anna@x.old.example.org', action='inbound', rule='old.example.org',
                   rewritten='anna@example.com')

    def test_forward(self):
        self.check('a@legacy.example.org', action='forward', rule='legacy.example.org',
                   nextHops=[{'host': '10.1.2.3', 'port': 26, 'mx': False}], rewritten=None)

    def test_relay(self):
        self.check('a@x.partner.example', action='relay', rule='partner.example',
                   nextHops=[{'host': 'mx.partner.example', 'port': 2525, 'mx': False}])

    def test_outbound(self):
        self.check('a@far.example --client 192.0.2.1', action='outbound', rule=None,
                   nextHops=[OUTWARD], reply=None)
        self.check('a@far.example --client 203.0.113.1 --authenticated', action='outbound')
        self.check('a@far.example --authenticated', action='outbound')
        self.check('a@far.example --client 203.0.113.1 --local 10.0.0.1', action='outbound')

    def test_reject(self):
        for words in ('a@far.example', 'a@far.example --client 203.0.113.1',
                      'a@far.example --client 192.0.2.66 --authenticated',
                      'a@far.example --client 192.0.2.66 --local 10.0.0.1',
                      'a@[203.0.113.9]', 'a@chelseaexample.net'):
            decision = self.check(words, action='reject', rule=None, nextHops=[])
            self.assertRegex(decision['reply'], r'^550 5\.7\.1 ')
        for words in ('nobody@example.com', 'user%far.example@example.com', 'x@example.net'):
            decision = self.check(words, action='reject')
            self.assertRegex(decision['reply'], r'^550 5\.1\.1 ')

    def test_says_why(self):
        decision = self.decide('sales@sub.example.net')
        self.assertEqual(decision['explanation'][0], 'sub.example.net matches the entry '
                         'example.net, which includes subdomains.')

    def test_plain(self):
        text = self.ctl('route', 'test', 'a@legacy.example.org').stdout
        self.assertIn('a@legacy.example.org: forward', text)
        self.assertIn('10.1.2.3', text)
        self.assertIn('legacy.example.org matches the entry legacy.example.org.', text)

    def test_options_after_the_command(self):
        done = self.run_ctl('route', 'test', 'anna@example.com', '--json', '--config',
                            str(self.path))
        self.assertEqual(json.loads(done.stdout)['action'], 'inbound')

    def test_usage(self):
        for words in ((), ('no-at',), ('a@b', 'c@d'), ('a@b..c',), ('a@b', '--client', '300.1.1.1'),
                      ('a@b', '--local', 'here'), ('a@b', '--unknown'),
                      # A source route is no address, and no way around anything.
                      ('@relay.example:user@far.example',),
                      ('@example.net,@relay.example:user@far.example',)):
            self.ctl('route', 'test', *words, status=2)


class RouteListing(Base):
    def test_json(self):
        routes = self.ctl_json('route', 'list')
        self.assertEqual([r['domain'] for r in routes],
                         ['example.com', 'example.net', 'old.example.org', 'legacy.example.org',
                          'partner.example'])
        self.assertEqual([r['action'] for r in routes],
                         ['inbound', 'inbound', 'rewrite', 'forward', 'relay'])
        self.assertEqual([r['subdomains'] for r in routes], [False, True, True, True, True])
        self.assertEqual(routes[2]['rewriteDomain'], 'example.com')
        self.assertEqual(routes[3]['hosts'],
                         [{'host': '10.1.2.3', 'port': 26, 'tls': 'opportunistic'}])

    def test_columns(self):
        lines = self.ctl('route', 'list').stdout.splitlines()
        column = lines[0].index('Route To')
        self.assertTrue(lines[0].startswith('Sent To'))
        self.assertEqual([line[column:] for line in lines[1:]],
                         ['<inbound>', '<inbound>', 'rewritten to example.com', '10.1.2.3:26',
                          '<relay>'])


class RouteEditing(Base):
    def check_kept(self):
        text = self.path.read_text(encoding='utf-8')
        for kept in re.findall(r'(?m)^ *<!-- kept: [^>]*-->$|<!-- kept: beside.*$|^ *<x:note>.*$',
                               SITE):
            self.assertIn(kept, text)
        return text

    def find(self, domain, subdomains=True):
        return [r for r in self.ctl_json('route', 'list')
                if r['domain'] == domain and r['subdomains'] == subdomains]

    def test_add(self):
        self.ctl('route', 'add', 'New.Example.')
        text = self.check_kept()
        self.assertEqual(self.find('new.example')[0]['action'], 'inbound')
        # Nothing but the new line differs.
        before = SITE.splitlines()
        self.assertEqual([line for line in text.splitlines() if line not in before],
                         ['          <route domain="new.example"><inbound/></route>'])

    def test_add_kinds(self):
        self.ctl('route', 'add', '#a.example', '--relay')
        self.ctl('route', 'add', 'b.example', '--exact', '--rewrite', 'Example.COM')
        self.ctl('route', 'add', 'bücher.example', '--forward', 'mx1.example', '--forward',
                 '[2001:db8::1]:2525', '--tls', 'required')
        self.check_kept()
        self.assertEqual(self.find('a.example', False)[0]['action'], 'relay')
        self.assertEqual(self.find('b.example', False)[0]['rewriteDomain'], 'example.com')
        self.assertEqual(self.find('xn--bcher-kva.example')[0]['hosts'],
                         [{'host': 'mx1.example', 'port': 25, 'tls': 'required'},
                          {'host': '2001:db8::1', 'port': 2525, 'tls': 'required'}])

    def test_add_says_what(self):
        added = self.ctl_json('route', 'add', 'new.example')
        self.assertEqual(added['route']['domain'], 'new.example')
        self.assertRegex(added['revision'], '^[0-9a-f]{64}$')

    def test_refused(self):
        for words in (('add', 'example.net'), ('remove', 'other.example'),
                      ('edit', 'other.example', '--relay'), ('edit', 'example.com', '--relay'),
                      ('remove', 'example.net', 'other.example'),
                      # Loops: to this server itself, and rewriting in a circle.
                      ('add', 'loop.example', '--forward', '192.0.2.10'),
                      ('add', 'loop.example', '--forward', 'MAIL1.example.com:25'),
                      ('edit', 'legacy.example.org', '--forward', '127.0.0.1'),
                      ('edit', 'example.net', '--rewrite', 'x.example.net'),
                      ('add', 'loop.example', '--rewrite', 'loop.example')):
            self.ctl('route', *words, status=1)
            self.assertEqual(self.path.read_text(encoding='utf-8'), SITE, words)

    def test_usage(self):
        for words in (('add',), ('add', 'a.example', 'b.example'), ('add', 'anna@a.example'),
                      ('add', '192.0.2.1'), ('add', '*'), ('add', 'a..b'),
                      ('add', 'a.example', '--inbound', '--relay'),
                      ('add', 'a.example', '--forward', 'x:99999'),
                      ('add', 'a.example', '--forward', 'x', '--tls', 'maybe'),
                      ('add', 'a.example', '--tls', 'verify'),
                      ('add', 'a.example', '--rewrite', 'b..c'),
                      ('edit', 'example.net', '--exact', '--subdomains'), ('remove',)):
            self.ctl('route', *words, status=2)
            self.assertEqual(self.path.read_text(encoding='utf-8'), SITE, words)

    def test_edit(self):
        self.ctl('route', 'edit', 'example.net', '--exact')
        self.check_kept()
        self.assertEqual(self.find('example.net', False)[0]['action'], 'inbound')
        self.ctl('route', 'edit', '#example.net', '--forward', '10.9.9.9', '--subdomains')
        self.check_kept()
        self.assertEqual(self.find('example.net')[0]['hosts'][0]['host'], '10.9.9.9')
        self.ctl('route', 'edit', 'example.net', '--inbound', '--domain', 'example.info')
        self.check_kept()
        self.assertEqual(self.find('example.info')[0]['hosts'], [])
        self.assertEqual(self.find('example.net'), [])

    def test_edit_refused_hint(self):
        done = self.ctl('route', 'edit', 'example.com', '--relay', status=1)
        self.assertIn('#example.com', done.stderr)

    def test_remove(self):
        removed = self.ctl_json('route', 'remove', 'partner.example', '#example.com')
        self.assertEqual(removed['removed'], 2)
        self.check_kept()
        self.assertEqual(len(self.ctl_json('route', 'list')), 3)

    def test_domain_add(self):
        done = self.ctl_json('domain', 'add', 'new.example', '--exact')
        self.assertEqual(done['route'], {'domain': 'new.example', 'subdomains': False,
                                         'action': 'inbound', 'rewriteDomain': None, 'hosts': []})
        self.assertTrue(any('mailbox' in sentence for sentence in done['remaining']))
        self.assertTrue(any('mail1.example.com' in sentence for sentence in done['remaining']))
        self.check_kept()
        self.ctl('domain', 'add', '#new.example', status=1)


class SiteFile(Base):
    BAD = SITE.replace('port="25"', 'port="99999"').replace('<relay/>', '<rely/>')

    def line_of(self, text, word):
        return next(n for n, line in enumerate(text.splitlines(), 1) if word in line)

    def test_validate(self):
        done = self.ctl('site', 'validate')
        self.assertIn('valid', done.stdout)
        self.assertTrue(self.ctl_json('site', 'validate')['valid'])

    def test_validate_shows_all(self):
        self.path.write_text(self.BAD, encoding='utf-8')
        done = self.ctl('site', 'validate', status=1)
        for word in ('99999', '<rely/>'):
            self.assertRegex(done.stderr,
                             rf'(?m)^{self.path}:{self.line_of(self.BAD, word)}:\d+: error: ')
        problems = self.ctl_json('site', 'validate', status=1)
        self.assertFalse(problems['valid'])
        lines = {p['line'] for p in problems['problems'] if p['severity'] == 'error'}
        self.assertLessEqual({self.line_of(self.BAD, '99999'), self.line_of(self.BAD, '<rely/>')},
                             lines)

    def test_other_verbs_say_where(self):
        self.path.write_text(self.BAD, encoding='utf-8')
        for words in (('route', 'list'), ('route', 'test', 'a@b.example'),
                      ('route', 'add', 'a.example'), ('domain', 'add', 'a.example')):
            done = self.ctl(*words, status=1)
            self.assertIn(f'{self.path}:{self.line_of(self.BAD, "<rely/>")}:', done.stderr)
            self.assertEqual(self.path.read_text(encoding='utf-8'), self.BAD)

    def test_no_file(self):
        self.path.unlink()
        for words in (('route', 'list'), ('site', 'validate'), ('site', 'export')):
            done = self.ctl(*words, status=1)
            self.assertIn(str(self.path), done.stderr)

    def test_export_and_import(self):
        other = pathlib.Path(self.folder.name, 'other.xml')
        self.assertEqual(self.ctl('site', 'export').stdout, SITE)
        self.ctl('site', 'export', str(other))
        self.assertEqual(other.read_text(encoding='utf-8'), SITE)
        changed = SITE.replace('Headquarters', 'Branch')
        other.write_text(changed, encoding='utf-8')
        self.ctl('site', 'import', str(other))
        self.assertEqual(self.path.read_text(encoding='utf-8'), changed)
        self.ctl('site', 'import', '-', stdin=SITE)
        self.assertEqual(self.path.read_text(encoding='utf-8'), SITE)
        done = self.ctl('site', 'import', '-', stdin=self.BAD, status=1)
        self.assertIn('-:', done.stderr)
        self.assertEqual(self.path.read_text(encoding='utf-8'), SITE)
        self.ctl('site', 'import', 'no-such-file', status=1)

    def test_import_where_there_is_none(self):
        self.path.unlink()
        self.ctl('site', 'import', '-', stdin=SITE)
        self.assertEqual(self.path.read_text(encoding='utf-8'), SITE)

    def test_history_and_revert(self):
        self.ctl('route', 'add', 'new.example', '--comment', 'For the tests')
        history = self.ctl_json('site', 'history')
        self.assertEqual(list(history[0]), ['revision', 'time', 'who', 'comment'])
        self.assertEqual(history[0]['comment'], 'For the tests')
        self.assertIn(history[0]['revision'][:12], self.ctl('site', 'history').stdout)
        self.ctl('site', 'revert', history[1]['revision'][:10])
        self.assertEqual(self.path.read_text(encoding='utf-8'), SITE)
        self.assertGreater(len(self.ctl_json('site', 'history')), len(history))
        self.ctl('site', 'revert', 'ffffffff', status=1)
        self.ctl('site', 'revert', 'f', status=1)

    def test_diff(self):
        other = pathlib.Path(self.folder.name, 'other.xml')
        other.write_text(SITE, encoding='utf-8')
        self.assertEqual(self.ctl_json('site', 'diff', str(other)), [])
        self.ctl('route', 'add', 'new.example')
        changes = self.ctl_json('site', 'diff', str(other))
        self.assertEqual(changes, self.ctl_json('site', 'diff'))
        self.assertEqual(len(changes), 1)
        self.assertEqual(list(changes[0]), ['kind', 'where', 'from', 'to'])
        self.assertEqual(changes[0]['kind'], 'added')
        self.assertIn('new.example', changes[0]['where'])
        back = self.ctl_json('site', 'diff', str(self.path), str(other))
        self.assertEqual(back[0]['kind'], 'removed')
        self.assertIn('new.example', self.ctl('site', 'diff').stdout)

    def test_several_services(self):
        two = SITE.replace('</servers>', '<server name="MAIL2" host="mail2.example.com"/></servers>')
        two = two.replace('    </connections>\n  </conf', '      <internet-mail-service server="MAIL2"/>'
                          '\n    </connections>\n  </conf')
        self.path.write_text(two, encoding='utf-8')
        done = self.ctl('route', 'list', status=1)
        self.assertIn('MAIL1, MAIL2', done.stderr)
        self.assertEqual(self.ctl_json('--server', 'MAIL2', 'route', 'list'), [])
        self.ctl('--server', 'MAIL3', 'route', 'list', status=1)


class CheckTest(Base):
    SOA = '@ 300 IN SOA ns.{0}. root.{0}. 1 3600 600 86400 300\n@ 300 IN NS ns.{0}.\n'
    GOOD = ('@ 300 IN MX 10 mail1.example.com.\n@ 300 IN MX 20 mail1.example.com.\n')
    HOSTS = 'mail1 300 IN A 192.0.2.10\nns 300 IN A 127.0.0.1\n'

    def setUp(self):
        super().setUp()
        self.nsd = Nsd({'example.com': self.SOA.format('example.com') + self.HOSTS,
                        'example.net': self.SOA.format('example.net') + self.GOOD,
                        'legacy.example.org': self.SOA.format('legacy.example.org') +
                        '@ 300 IN MX 10 192.0.2.10.\n'})
        self.addCleanup(self.nsd.close)
        self.dns = ('--dns', f'127.0.0.1@{self.nsd.port}')

    def test_good(self):
        done = self.ctl('check', 'example.net', *self.dns)
        self.assertIn('mail1.example.com', done.stdout)
        self.assertIn('192.0.2.10', done.stdout)
        reports = self.ctl_json('check', 'Example.NET.', *self.dns)
        self.assertEqual(len(reports), 1)
        self.assertIn('mail1.example.com', json.dumps(reports[0]))

    def test_bad(self):
        done = self.ctl('check', 'example.net', 'legacy.example.org', *self.dns, status=1)
        self.assertLess(done.stdout.index('example.net'), done.stdout.index('legacy.example.org'))
        self.assertIn('legacy.example.org', done.stderr)
        self.assertNotIn('example.net', done.stderr)

    def test_not_a_domain(self):
        self.ctl('check', 'a..b', *self.dns, status=1)
        self.ctl('check', 'example.net', '--dns', 'no address', status=1)


class Accounts(Base):
    """The accounts file, beside the site file or where --accounts or the site file says."""

    def setUp(self):
        super().setUp()
        self.accounts = self.path.parent / 'accounts'

    def test_life(self):
        self.ctl('account', 'add', 'anna@example.com', stdin='pencil\n')
        self.ctl('account', 'add', 'bert', stdin='paper')
        self.assertEqual(self.accounts.stat().st_mode & 0o777, 0o640)
        text = self.accounts.read_text()
        self.assertNotIn('pencil', text)
        line = text.splitlines()[0]
        self.assertRegex(line, r'^anna@example\.com:\$y\$[^:]+:SCRAM-SHA-256\$65536:[^:]+:[^:]+$')
        self.assertEqual(self.ctl('account', 'list').stdout.split(), ['anna@example.com', 'bert'])
        self.assertEqual(self.ctl_json('account', 'list')[1], {'name': 'bert', 'scram': True})

        self.ctl('account', 'password', 'Anna@example.com', stdin='pen\n')
        changed = self.accounts.read_text().splitlines()
        self.assertNotEqual(changed[0], line)
        self.assertEqual(changed[1], text.splitlines()[1])
        self.ctl('account', 'remove', 'bert')
        self.assertEqual(self.ctl('account', 'list').stdout.split(), ['anna@example.com'])

    def test_refusals(self):
        self.ctl('account', 'add', 'anna', stdin='pencil\n')
        before = self.accounts.read_bytes()
        for words, stdin in ((('add', 'ANNA'), 'x\n'), (('add', 'b:c'), 'x\n'),
                             (('add', 'bert'), ''), (('add', 'bert'), 'x' * 2000),
                             (('password', 'bert'), 'x\n'), (('remove', 'bert'), '')):
            with self.subTest(words=words):
                self.ctl('account', *words, status=1, stdin=stdin)
                self.assertEqual(self.accounts.read_bytes(), before)
        self.ctl('account', 'add', status=2)
        self.ctl('account', 'add', 'a', 'b', status=2)
        self.accounts.write_text('anna:secret\n')
        done = self.ctl('account', 'list', status=1)
        self.assertIn(f'{self.accounts}:1: ', done.stderr)
        self.assertNotIn('secret', done.stderr)

    def ask_on_terminal(self, first, second):
        """Types two passwords; returns the exit code and all that was shown."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([PROGRAM, '--config', str(self.path), 'account', 'add', 'anna'],
                                   stdin=theirs, stdout=theirs, stderr=theirs,
                                   env=self.environment)
        self.addCleanup(process.kill)
        os.close(theirs)
        shown = b''
        for prompt, answer in ((b'Password: ', first), (b'again: ', second)):
            while not shown.endswith(prompt):
                self.assertTrue(select.select([ours], [], [], 20)[0], shown)
                shown += os.read(ours, 1)
            os.write(ours, answer + b'\n')
        code = process.wait(30)
        os.set_blocking(ours, False)
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:
            pass
        return code, shown

    def test_terminal(self):
        code, shown = self.ask_on_terminal(b'pencil', b'pencils')
        self.assertEqual(code, 1)
        self.assertIn(b'not the same', shown)
        self.assertFalse(self.accounts.exists())
        code, shown = self.ask_on_terminal(b'pencil', b'pencil')
        self.assertEqual(code, 0, shown)
        self.assertNotIn(b'pencil', shown)
        self.assertTrue(self.accounts.exists())

    def test_where(self):
        other = self.path.parent / 'other'
        self.ctl('account', 'add', 'anna', '--accounts', str(other), stdin='pencil\n')
        self.assertTrue(other.exists())
        self.assertFalse(self.accounts.exists())
        text = self.path.read_text()
        self.path.write_text(text.replace(
            '</internet-mail-service>',
            f'<security><accounts path="{other}"/></security></internet-mail-service>'))
        self.assertEqual(self.ctl('account', 'list').stdout.split(), ['anna'])


class ExitCodes(Base):
    def test_unreachable(self):
        for words in (('status',), ('route', 'list'), ('domain', 'add', 'a.example'),
                      ('service', 'status'), ('service', 'restart'), ('site', 'history'),
                      ('queue', 'list'), ('queue', 'delete', '1'), ('check', 'a.example')):
            self.run_ctl(*words, status=3)
            self.run_ctl('--session', *words, status=3)

    def test_usage(self):
        for words in ((), ('fly',), ('route',), ('route', 'fly'), ('--fly', 'status'),
                      ('status', 'now'), ('service', 'fly'), ('queue', 'show'),
                      ('queue', 'show', 'x'), ('queue', 'retry'), ('queue', 'retry', '--all', '1'),
                      ('queue', 'hold'), ('queue', 'list', '--queue', 'sideways'),
                      ('check',), ('--host', 'a@b', 'status'),
                      ('--session', '--config', 'x', 'route', 'list'),
                      ('--config', 'x', 'service', 'status'), ('--config', 'x', 'queue', 'list')):
            self.run_ctl(*words, status=2)

    def test_help(self):
        self.assertIn('route test ADDRESS', self.run_ctl('--help').stdout)
        self.assertIn('--client', self.run_ctl('route', 'test', '--help').stdout)
        self.assertIn('pointsmanctl', self.run_ctl('--version').stdout)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'] + sys.argv[1:])
