#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors

"""Runs pointsmanctl against a manager and a relay on a private bus."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ['POINTSMANCTL']
HERE = pathlib.Path(__file__).parent
TOP = HERE.parent.parent
SAMPLE = TOP / 'data' / 'sample' / 'site.xml'


class Base(unittest.TestCase):
    services = ()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='pointsmanctl-')
        self.addCleanup(self.folder.cleanup)
        self.bus = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address',
                                     f'--address=unix:dir={self.folder.name}'],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, self.bus)
        address = self.bus.stdout.readline().strip()
        self.environment = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=address)
        if self.services is not None:
            self.fake = subprocess.Popen([sys.executable, HERE / 'fake_services.py',
                                          TOP / 'src' / 'bus', SAMPLE, *self.services],
                                         stdout=subprocess.PIPE, text=True, env=self.environment)
            self.addCleanup(self.end, self.fake)
            self.assertEqual(self.fake.stdout.readline().strip(), 'ready')

    @staticmethod
    def end(process):
        process.terminate()
        process.wait()
        process.stdout.close()

    def ctl(self, *words, status=0):
        done = subprocess.run([PROGRAM, '--session', *words], capture_output=True, text=True,
                              env=self.environment, timeout=60)
        self.assertEqual(done.returncode, status, f'{words}: {done.stdout}{done.stderr}')
        return done

    def ctl_json(self, *words):
        return json.loads(self.ctl('--json', *words).stdout)

    def called(self):
        return json.loads(self.fake.stdout.readline())


class ServerTest(Base):
    def test_route(self):
        self.assertEqual(len(self.ctl_json('route', 'list')), 1)
        added = self.ctl_json('route', 'add', 'example.net', '--comment', 'For them')
        method, xml, _base, comment = self.called()
        self.assertEqual((method, comment), ('WriteSite', 'For them'))
        self.assertIn('<!-- The site that ./run opens', xml)
        self.assertIn('<route domain="example.net"><inbound/></route>', xml)
        self.assertEqual(added['revision'], self.ctl_json('site', 'history')[0]['revision'])
        self.assertEqual(self.ctl_json('route', 'test', 'a@example.net')['action'], 'inbound')
        status = self.ctl_json('service', 'status')
        self.assertEqual((status['state'], status['inForce']), ('running', False))
        self.assertEqual(self.ctl_json('site', 'diff')[0]['kind'], 'added')
        self.assertEqual(self.ctl_json('service', 'restart')['inForce'], True)
        self.assertEqual(self.called(), ['RestartService'])
        first = self.ctl_json('site', 'history')[-1]['revision']
        self.ctl('site', 'revert', first[:8])
        self.assertEqual(self.called()[0], 'WriteSite')
        self.assertEqual(self.ctl('site', 'export').stdout, SAMPLE.read_text(encoding='utf-8'))

    def test_domain_add(self):
        done = self.ctl_json('domain', 'add', 'example.net')
        self.assertTrue(any('--session service restart' in text for text in done['remaining']))

    def test_denied(self):
        done = self.ctl('service', 'stop', status=1)
        self.assertEqual(done.stderr.strip(), 'pointsmanctl: You may not stop the mail service.')

    def test_status(self):
        status = self.ctl_json('status')
        self.assertEqual(list(status), ['version', 'server', 'site', 'service', 'relay'])
        self.assertEqual(status['relay']['listening'], ['127.0.0.1:2525'])
        self.assertEqual(status['relay']['counters']['delivered'], 12)
        self.assertIn('127.0.0.1:2525', self.ctl('status').stdout)

    def test_queue_list(self):
        messages = self.ctl_json('queue', 'list')
        self.assertEqual([m['id'] for m in messages], list(range(1, 1204)))
        self.assertEqual(list(messages[0]),
                         ['id', 'sender', 'recipients', 'moreRecipients', 'size', 'accepted',
                          'nextAttempt', 'attempts', 'state', 'destination', 'lastReply'])
        self.assertEqual(messages[0]['moreRecipients'], 0)
        self.assertEqual(messages[1]['recipients'], [f'r{n}@example.net' for n in range(20)])
        self.assertEqual(messages[1]['moreRecipients'], 980)
        self.assertEqual(messages[0]['accepted'], '2023-11-14T22:13:20Z')
        self.assertEqual(self.ctl_json('queue', 'list', '--queue', 'inbound'), [])
        text = self.ctl('queue', 'list').stdout
        self.assertEqual(len(text.splitlines()), 1204)
        self.assertIn('b@example.net and 1 more', text)
        self.assertIn('r0@example.net and 999 more', text)
        self.assertNotIn('\x1b', text)

    def test_queue_show(self):
        shown = self.ctl_json('queue', 'show', '7')
        self.assertEqual(shown['recipients'][0]['address'], 'b@example.net')
        text = self.ctl('queue', 'show', '7').stdout
        self.assertIn('Subject: hello', text)
        self.assertNotIn('\x1b', text)
        self.ctl('queue', 'show', '9999', status=1)

    def test_queue_changes(self):
        self.assertEqual(self.ctl_json('queue', 'retry', '4', '5'), {'count': 2})
        self.assertEqual(self.called(), ['RetryMessages', [4, 5]])
        self.ctl('queue', 'retry', '--all')
        self.assertEqual(self.called(), ['RetryMessages', []])
        self.ctl('queue', 'delete', '4')
        self.assertEqual(self.called(), ['DeleteMessages', [4], True])
        self.ctl('queue', 'delete', '4', '--no-report')
        self.assertEqual(self.called(), ['DeleteMessages', [4], False])


    def test_queue_changes_by_filter(self):
        for words, call in [
                (('hold', '4', '5'), ['HoldMessages', {'ids': [4, 5]}]),
                (('release', '--all'), ['ReleaseMessages', {'all': True}]),
                (('retry', '--domain', 'example.net'), ['RetryMatching', {'domain': 'example.net'}]),
                (('delete', '--older-than', '2d', '--no-report'),
                 ['DeleteMatching', {'older-than': 172800}, False]),
                (('redirect', '--to', 'mx:2525', '--sender', '*@a'),
                 ['RedirectMessages', {'sender': '*@a'}, 'mx:2525']),
                (('redirect', '--undo', '7'), ['RedirectMessages', {'ids': [7]}, '']),
                (('priority', '--set', '-3', '7'), ['SetPriority', {'ids': [7]}, -3])]:
            with self.subTest(words):
                self.assertGreater(self.ctl_json('queue', *words)['count'], 0)
                self.assertEqual(self.called(), call)

    def test_wrong_changes(self):
        for words in (('hold',), ('hold', '--all', '4'), ('delete', '4', '--domain', 'x'),
                      ('hold', 'four'), ('redirect', '4'), ('redirect', '4', '--to', ''),
                      ('redirect', '4', '--to', 'x', '--undo'), ('priority', '4'),
                      ('priority', '4', '--set', '10'), ('retry', '--older-than', 'soon')):
            with self.subTest(words):
                self.assertIn('Usage: ', self.ctl('queue', *words, status=2).stderr)


class SilentRelay(Base):
    services = ('--no-relay',)

    def setUp(self):
        super().setUp()
        self.relay = subprocess.Popen([sys.executable, HERE / 'fake_services.py',
                                       TOP / 'src' / 'bus', SAMPLE, '--no-manager'],
                                      stdout=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(self.end, self.relay)
        self.assertEqual(self.relay.stdout.readline().strip(), 'ready')

    def test_status(self):
        """A mail service that hangs is said to hang, and what is known is said too."""
        self.assertEqual(self.ctl_json('status')['relay']['counters']['delivered'], 12)
        self.relay.send_signal(signal.SIGSTOP)
        self.addCleanup(self.relay.send_signal, signal.SIGCONT)
        done = self.ctl('--json', 'status', status=3)
        status = json.loads(done.stdout)
        self.assertEqual((status['service']['state'], status['relay']), ('running', None))
        self.assertIn('has not answered within', done.stderr)
        self.assertIn('service restart', done.stderr)


class WithoutRelay(Base):
    services = ('--no-relay',)

    def test_stopped(self):
        self.assertIsNone(self.ctl_json('status')['relay'])
        done = self.ctl('queue', 'list', status=3)
        self.assertIn('does not run', done.stderr)


class EmptyBus(Base):
    services = None

    def test_unreachable(self):
        for words in (('status',), ('route', 'list'), ('service', 'start'), ('queue', 'list'),
                      ('site', 'export'), ('check', 'example.com')):
            done = self.ctl(*words, status=3)
            self.assertNotEqual(done.stderr, '')


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'] + sys.argv[1:])
