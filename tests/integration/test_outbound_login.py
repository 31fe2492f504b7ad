#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in at other hosts by a secret: over TLS with a host that proves itself, and never else."""

import os
import pathlib
import smtplib
import subprocess
import tempfile
import unittest

from support.relay import Relay
from support.servers import Nsd
from support.tls import Authority, TlsSink

MESSAGE = 'From: <s@sender.example>\r\nSubject: A test\r\n\r\nHello\r\n'
PASSWORD = 'correct horse battery'


class Login(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='pm-outbound-login-')
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(pathlib.Path(folder.name))
        cls.good = cls.authority.issue('good', 'relay.hosts.test')
        cls.self = cls.authority.issue('self', 'relay.hosts.test', trusted=False)
        cls.nsd = Nsd({'hosts.test': '@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n'
                                     '@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n'
                                     'relay 60 IN A 127.0.0.1\n'})
        cls.addClassCleanup(cls.nsd.close)

    def sink(self, certificate=None, **options):
        sink = TlsSink(certificate, accounts={'us': PASSWORD}, **options)
        self.addCleanup(sink.close)
        return sink

    def relay(self, sink, tls='verify', secret=PASSWORD, user='us', domain='relay.hosts.test',
              name='relay', diagnostics=''):
        relay = Relay(
            '--no-bus', '--dns-server', f'127.0.0.1@{self.nsd.port}', '--ca-file',
            self.authority.path, retry='1h', diagnostics=diagnostics,
            routes='<route domain="partner.example"><forward><host name="relay.hosts.test" '
                   f'port="{sink.port}" tls="{tls}"/></forward></route>',
            security=f'<security><domain name="{domain}" tls="opportunistic"><login user="{user}" '
                     f'secret="{name}"/></domain></security>')
        self.addCleanup(relay.remove)
        if secret is not None:
            (relay.root / 'secrets').mkdir()
            (relay.root / 'secrets' / 'relay').write_text(secret + '\n')
        return relay.start()

    def send(self, relay):
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            client.sendmail('s@sender.example', ['p@partner.example'], MESSAGE)

    def check_silence(self, relay, *secrets):
        for secret in secrets or [PASSWORD]:
            self.assertNotIn(secret, '\n'.join(relay.log))

    def test_mechanisms(self):
        for mechanism in ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'PLAIN LOGIN SCRAM-SHA-256']:
            with self.subTest(mechanism):
                sink = self.sink(self.good, mechanisms=mechanism)
                relay = self.relay(sink, diagnostics=(
                    '<diagnostics><category name="smtp-protocol" level="maximum"/></diagnostics>'))
                self.send(relay)
                sink.get()
                expected = mechanism.split()[-1]
                self.assertEqual(sink.logins, [(expected, 'us', True)])
                self.assertEqual(sink.secured, 1)
                self.assertTrue(relay.wait_logged('authenticated ', 'user=us'))
                self.check_silence(relay, PASSWORD, 'AHVzAGNvcnJlY3Q')

    def test_a_domain_may_have_it_too(self):
        sink = self.sink(self.good)
        self.send(self.relay(sink, domain='partner.example'))
        sink.get()
        self.assertEqual(sink.logins, [('PLAIN', 'us', True)])

    def test_a_login_is_used_again(self):
        sink = self.sink(self.good)
        relay = self.relay(sink)
        for _ in range(3):
            self.send(relay)
            sink.get()
        self.assertLess(len(sink.logins), 3)

    def test_refused(self):
        for mechanism in ['PLAIN', 'LOGIN', 'SCRAM-SHA-256']:
            with self.subTest(mechanism):
                sink = self.sink(self.good, mechanisms=mechanism)
                relay = self.relay(sink, secret='wrong secret')
                self.send(relay)
                line = relay.wait_logged('deferred ', 'to=p@partner.example')
                self.assertIn('4.7.8', line)
                self.assertIn('who are you', line)
                self.assertIn('who are you', relay.wait_logged('auth-failed ', 'user=us'))
                self.assertFalse([c for c in sink.commands if c.startswith('MAIL')])
                self.check_silence(relay, 'wrong secret')

    def test_a_server_that_knows_no_password(self):
        sink = self.sink(self.good, mechanisms='SCRAM-SHA-256', lying=True)
        relay = self.relay(sink)
        self.send(relay)
        self.assertIn('did not prove', relay.wait_logged('deferred ', 'to=p@partner.example'))
        self.assertFalse([c for c in sink.commands if c.startswith('MAIL')])

    def test_no_secret(self):
        for secret, words in [(None, 'cannot be read'), ('', 'must be one line'),
                              ('two\nlines', 'must be one line')]:
            with self.subTest(words):
                sink = self.sink(self.good)
                relay = self.relay(sink, secret=secret)
                self.send(relay)
                self.assertIn(words, relay.wait_logged('deferred ', 'to=p@partner.example'))
                self.assertTrue(relay.logged('auth-failed '))
                self.assertEqual(sink.logins, [])

    def test_credentials_directory(self):
        sink = self.sink(self.good)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / 'relay').write_text(PASSWORD)
            os.environ['CREDENTIALS_DIRECTORY'] = folder
            try:
                relay = self.relay(sink, secret=None)
            finally:
                del os.environ['CREDENTIALS_DIRECTORY']
            self.send(relay)
            sink.get()
        self.assertEqual(sink.logins, [('PLAIN', 'us', True)])

    def test_nobody_who_proves_nothing_gets_it(self):
        """Not on loopback: a host of this computer by another of its addresses."""
        shown = subprocess.run(['ip', '-o', '-4', 'addr', 'show', 'scope', 'global'],
                               stdout=subprocess.PIPE, text=True, check=True).stdout
        address = next((line.split()[3].split('/')[0] for line in shown.splitlines()), None)
        if address is None:
            self.skipTest('this computer has no address but the loopback one')
        for certificate in [self.self, None]:
            with self.subTest(certificate):
                sink = self.sink(certificate, address=address)
                nsd = Nsd({'hosts.test': '@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n'
                                         f'@ 60 IN NS ns\nrelay 60 IN A {address}\n'})
                self.addCleanup(nsd.close)
                self.addCleanup(setattr, type(self), 'nsd', self.nsd)
                type(self).nsd = nsd
                relay = self.relay(sink, tls='opportunistic')
                self.send(relay)
                relay.wait_logged('deferred ', 'to=p@partner.example')
                self.assertEqual(sink.logins, [])
                self.check_silence(relay)


if __name__ == '__main__':
    unittest.main(verbosity=2)
