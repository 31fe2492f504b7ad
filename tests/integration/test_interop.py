#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""The mail service among real ones: Postfix, Exim and OpenSMTPD, from each to us and from us to
each, in clear and by TLS, with and without a log-in; what was sent arrives byte for byte.

Left out: OpenSMTPD takes from us in clear only, for Debian 12's loses the keys of its certificates,
and nothing with SMTPUTF8, which it does not know. Exim and OpenSMTPD are skipped where they cannot
be fetched, or where there are no mount namespaces."""

import contextlib
import email
import os
import re
import subprocess
import unittest

from support import private
from support.certificates import Authority
from support.exim import Exim
from support.letters import BODIES, Letter, post
from support.opensmtpd import OpenSmtpd
from support.relay import Relay, Sink
from support.secure_postfix import SecurePostfix
from support.servers import Nsd, Postfix, free_port, messages_in, wait_for

LOGIN = ('anna@us.test', 'right one')
NAME = 'mail1.example.com'
ZONE = '$TTL 60\n@ SOA @ hostmaster 1 3600 600 86400 300\n@ NS @\n@ A 127.0.0.1\n'
# How a connection of each way is said to be in Received (RFC 3848).
FROM_US = {'clear': 'ESMTP', 'may': 'ESMTPS', 'required': 'ESMTPS', 'verify': 'ESMTPS',
           'auth': 'ESMTPSA', 'plain': 'ESMTPSA', 'login': 'ESMTPSA', 'scram': 'ESMTPSA'}
MECHANISMS = {'plain': 'PLAIN', 'login': 'LOGIN', 'scram': 'SCRAM-SHA-256'}
TO_US = {'clear': 'ESMTP', 'may': 'ESMTPS', 'verify': 'ESMTPS', 'implicit': 'ESMTPSA',
         'plain': 'ESMTPSA', 'login': 'ESMTPSA', 'scram': 'ESMTPSA'}


def mailboxes():
    aliases = ''.join(f'<domain-alias domain="{way}.us.test" of="us.test"/>' for way in TO_US)
    boxes = ''.join(f'<mailbox address="{name}@us.test"/>'
                    for name in ('anna', 'bert', 'björn', 'reports'))
    return f'<deliver-to maildir="mail"/>{aliases}{boxes}'


class Us:
    """Our relay, with a route to a subdomain of the peer's for each way. The peer's ports are not
    known yet: the site has the way's number among FROM_US in place of each."""

    def __init__(self, authority, nsd, peer):
        self.relay = Relay('--no-bus', '--dns-server', f'127.0.0.1@{nsd}', '--ca-file',
                           str(authority.file))
        relay, ways = self.relay, ('none', 'opportunistic', 'required') + ('verify',) * 5
        self.tls_port, self.submission_port = free_port(), free_port()
        chain, key = authority.issue(NAME)
        routes = '<route domain="us.test"><inbound/></route>'
        domains = ''
        for number, (way, tls) in enumerate(zip(FROM_US, ways), 1):
            routes += (f'<route domain="{way}.{peer}"><forward><host name="{peer}" '
                       f'port="{number}" tls="{tls}"/></forward></route>')
            if FROM_US[way] == 'ESMTPSA':
                domains += (f'<domain name="{way}.{peer}" tls="verify">'
                            f'<login user="{LOGIN[0]}" secret="peer"/></domain>')
        routes += (f'<route domain="#{peer}"><forward><host name="{peer}" port="1" tls="none"/>'
                   f'</forward></route><route domain="wrong.{peer}"><forward>'
                   f'<host name="wrong.test" port="1" tls="verify"/></forward></route>')
        relay.write_site(
            limit='4 MiB', routes=routes,
            listen=f'<listen address="127.0.0.1" port="{relay.port}"/>'
                   f'<listen address="127.0.0.1" port="{self.tls_port}" role="submission" '
                   f'tls="implicit"/>'
                   f'<listen address="127.0.0.1" port="{self.submission_port}" '
                   f'role="submission"/>',
            security=f'<security><certificate chain="{chain}" key="{key}"/>'
                     f'<accounts source="file"/>{domains}</security>')
        relay.config.write_text(relay.config.read_text().replace(
            '<deliver-to maildir="mail"/>', mailboxes()))
        (relay.root / 'secrets').mkdir(mode=0o700)
        (relay.root / 'secrets' / 'peer').write_text(LOGIN[1] + '\n')
        (relay.root / 'secrets' / 'peer').chmod(0o600)
        add_account(relay.config, *LOGIN)

    def messages(self):
        folder = self.relay.state / 'mail' / 'us.test'
        boxes = folder.iterdir() if folder.is_dir() else []
        return [message for box in boxes for message in messages_in(box)]


def add_account(config, user, password):
    subprocess.run([os.environ['POINTSMANCTL'], '--config', config, 'account', 'add', user],
                   input=password + '\n', text=True, check=True, stdout=subprocess.DEVNULL)


class Peer:
    """What is the same with all peers. Each class of tests has a server, and us, of its own."""

    domain = None
    ways_to_us = ()
    ways_from_us = ('clear', 'may', 'required', 'verify', 'auth')
    kinds = tuple(BODIES)

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.authority = Authority()
        stack.callback(cls.authority.close)
        names = [cls.domain, 'wrong.test', NAME]
        nsd = Nsd({name: ZONE for name in names})
        stack.callback(nsd.close)
        cls.us = Us(cls.authority, nsd.port, cls.domain)
        stack.callback(cls.us.relay.remove)
        cls.peer = cls.make_peer()
        stack.callback(cls.peer.close)
        text = cls.us.relay.config.read_text()
        for number, way in enumerate(FROM_US, 1):
            text = text.replace(f'port="{number}"', f'port="{cls.port_for(way)}"')
        cls.us.relay.config.write_text(text)
        cls.us.relay.start()

    @classmethod
    def port_for(cls, way):
        if way == 'auth' and way in cls.ways_from_us:
            return cls.peer.submission_port
        return cls.peer.port

    def arrive(self, letters, store, says, home):
        for letter in letters:
            with self.subTest(letter.kind):
                arrived = wait_for(lambda: letter.is_in(store.messages()), letter.word, 15)
                self.assertTrue(letter.is_whole(arrived), arrived[:2000])
                # RFC 3848, RFC 6531 4.3
                self.assertRegex(arrived.decode('utf-8', 'replace'),
                                 rf'(?i)\bwith (E|UTF8E?){says[1:]}\b')
                if letter.kind == 'success':
                    self.report_says(letter, home, letter.to[0], 'delivered', '2.')
                if letter.kind == 'refused':
                    self.report_says(letter, home, letter.to[1], 'failed', '5.')

    def report_says(self, letter, home, recipient, action, status):
        report = wait_for(lambda: letter.report_in(home.messages()),
                          f'a report about {letter.word}', 15)
        fields = recipients_of(report)
        self.assertEqual([f['Final-Recipient'].split(';')[-1].strip() for f in fields],
                         [recipient], report)
        self.assertEqual(fields[0]['Action'].split()[0].lower(), action, report)
        self.assertTrue(fields[0]['Status'].startswith(status), report)

    def test_from_us(self):
        for way in self.ways_from_us:
            with self.subTest(way):
                letters = [Letter(kind, 'us.test', f'{way}.{self.domain}', 'nobody')
                           for kind in self.kinds]
                post(self.us.relay.port, letters)
                self.arrive(letters, self.peer, FROM_US[way], self.us)

    def test_to_us(self):
        for way in self.ways_to_us:
            with self.subTest(way):
                letters = [Letter(kind, self.domain, f'{way}.us.test', 'unknown')
                           for kind in self.kinds]
                post(self.peer.port, letters)
                self.arrive(letters, self.us, TO_US[way], self.peer)

    def test_a_certificate_of_another_is_not_believed(self):
        if 'verify' not in self.ways_from_us:
            self.skipTest('it speaks no TLS')
        letter = Letter('small', 'us.test', f'wrong.{self.domain}', 'nobody')
        post(self.us.relay.port, [letter])
        self.us.relay.wait_logged('deferred', f'to=anna@wrong.{self.domain}')
        self.assertIsNone(letter.is_in(self.peer.messages()))


def recipients_of(report):
    """The fields of each recipient in a report."""
    for part in email.message_from_string(report).walk():
        if part.get_content_type() in ('message/delivery-status', 'message/global-delivery-status'):
            return part.get_payload()[1:]
    raise AssertionError(report)


class WithPostfix(Peer, unittest.TestCase):
    domain = 'peer.test'
    ways_to_us = tuple(TO_US)
    ways_from_us = tuple(FROM_US)

    @classmethod
    def port_for(cls, way):
        if way in MECHANISMS:
            return cls.peer.ports[MECHANISMS[way]]
        return super().port_for(way)

    def test_it_says_how_we_logged_in(self):
        for way, mechanism in MECHANISMS.items():
            with self.subTest(way):
                letter = Letter('small', 'us.test', f'{way}.{self.domain}', 'nobody')
                post(self.us.relay.port, [letter])
                self.arrive([letter], self.peer, 'ESMTPSA', self.us)
                self.assertIn(f'sasl_method={mechanism}, sasl_username={LOGIN[0]}',
                              self.peer.log())

    @classmethod
    def make_peer(cls):
        us, relay = cls.us, cls.us.relay.port
        secure = {'smtp_tls_security_level': 'verify', 'smtp_tls_verify_cert_match': NAME}
        login = dict(secure, smtp_sasl_auth_enable='yes')
        transports = {
            'to-clear': ({'smtp_tls_security_level': 'none'}, relay),
            'to-may': ({'smtp_tls_security_level': 'may'}, relay),
            'to-verify': (secure, relay),
            'to-implicit': (dict(login, smtp_tls_wrappermode='yes'), us.tls_port),
            'to-plain': (dict(login, smtp_sasl_mechanism_filter='plain'), us.submission_port),
            'to-login': (dict(login, smtp_sasl_mechanism_filter='login'), us.submission_port),
            'to-scram': (dict(login, smtp_sasl_mechanism_filter='scram-sha-256'),
                         us.submission_port),
        }
        ways = {f'{name[3:]}.us.test': f'{name}:[127.0.0.1]:{port}'
                for name, (_, port) in transports.items()}
        ways['us.test'] = f'to-clear:[127.0.0.1]:{relay}'
        domains = ['peer.test'] + [f'{way}.peer.test' for way in FROM_US]
        return SecurePostfix(cls.authority, domains, LOGIN,
                             {name: options for name, (options, _) in transports.items()}, ways)

    def test_reports_are_alike(self):
        """The same message that the same host refuses, in what Postfix and we say of it."""
        sink = Sink(RCPT='550 5.1.1 <nobody@gone.test>: no such user')
        self.addCleanup(sink.close)
        relay = Relay(routes='<route domain="us.test"><inbound/></route><route domain="gone.test">'
                             f'<forward>{sink.host("none")}</forward></route>', mailboxes='any')
        self.addCleanup(relay.remove)
        postfix = Postfix(['peer.test'], f'relayhost = [127.0.0.1]:{sink.port}\n')
        self.addCleanup(postfix.close)
        ours = Letter('small', 'us.test', 'gone.test', 'nobody')
        theirs = Letter('small', 'peer.test', 'gone.test', 'nobody')
        post(relay.start().port, [ours])
        post(postfix.port, [theirs])
        mine = wait_for(lambda: ours.report_in(relay.messages('reports@us.test')), 'our report')
        other = wait_for(lambda: theirs.report_in(messages_in(postfix.maildir)), 'their report')
        [mine], [other] = recipients_of(mine), recipients_of(other)
        for field in ('Final-Recipient', 'Action', 'Status', 'Remote-MTA', 'Diagnostic-Code'):
            with self.subTest(field):
                values = [re.sub(r';?\s+', ' ', report[field].replace(';', '; ')).lower()
                          for report in (mine, other)]
                if field == 'Remote-MTA':  # a name for us, an address for Postfix
                    values = [value.split(' ')[0] for value in values]
                self.assertEqual(*values)


class WithExim(Peer, unittest.TestCase):
    domain = 'exim.test'
    ways_to_us = ('clear', 'may', 'verify', 'plain')

    @classmethod
    def make_peer(cls):
        us = cls.us
        verify = (f'  hosts_require_tls = *\n  tls_verify_hosts = *\n'
                  f'  tls_verify_certificates = {cls.authority.file}\n'
                  f'  tls_verify_cert_hostnames = :\n')
        transports = {'clear': (us.relay.port, '  hosts_avoid_tls = *\n'),
                      'may': (us.relay.port, '  tls_try_verify_hosts = :\n'),
                      'verify': (us.relay.port, verify),
                      'plain': (us.submission_port, verify + '  hosts_require_auth = *\n')}
        routers = ''.join(
            f'{way}:\n  driver = manualroute\n  domains = {way}.us.test{more}\n'
            f'  route_list = * 127.0.0.1\n  self = send\n  transport = to_{way}\n'
            for way, more in zip(transports, (' : us.test', '', '', '')))
        return Exim(cls.authority, LOGIN, routers=routers, transports=''.join(
            f'to_{way}:\n  driver = smtp\n  port = {port}\n  allow_localhost\n'
            f'  hosts_try_dane = :\n{more}' for way, (port, more) in transports.items()),
            authenticators='client:\n  driver = plaintext\n  public_name = PLAIN\n'
                           f'  client_send = ^{LOGIN[0]}^{LOGIN[1]}\n',
            main='dns_dnssec_ok = 0')

    def test_it_sends_in_chunks(self):
        letter = Letter('dots', self.domain, 'clear.us.test', 'unknown')
        post(self.peer.port, [letter])
        self.arrive([letter], self.us, 'ESMTP', self.peer)
        wait_for(lambda: [line for line in self.peer.log().splitlines()
                          if 'clear.us.test' in line and ' K ' in line], 'CHUNKING in its log')


class WithOpenSmtpd(Peer, unittest.TestCase):
    domain = 'opensmtpd.test'
    ways_to_us = ('clear', 'may', 'implicit', 'plain')
    ways_from_us = ('clear',)
    kinds = tuple(kind for kind in BODIES if kind != 'utf8')  # it does not offer SMTPUTF8

    @classmethod
    def make_peer(cls):
        us = cls.us
        login = 'tls no-verify auth <logins>'
        urls = {'clear': f'smtp+notls://127.0.0.1:{us.relay.port}"',
                'may': f'smtp://127.0.0.1:{us.relay.port}"',
                'implicit': f'smtps://us@127.0.0.1:{us.tls_port}" {login}',
                'plain': f'smtp+tls://us@127.0.0.1:{us.submission_port}" {login}'}
        ways = {**{f'{way}.us.test': way for way in urls}, 'us.test': 'clear'}
        return OpenSmtpd(
            cls.authority, logins=f'us = "{LOGIN[0]}:{LOGIN[1]}"',
            actions=''.join(f'action "{way}" relay host "{url}\n' for way, url in urls.items()),
            matches=''.join(f'match from any for domain "{domain}" action "{way}"\n'
                            for domain, way in ways.items()))


if __name__ == '__main__':
    private.hold_together()
    unittest.main()
