#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail service as a program: real mail in by SMTP, out to Maildirs and other hosts."""

import ctypes
import email
import email.policy
import hashlib
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import unittest

import gi

gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

from support.relay import RELAYD, Relay, Sink
from support.servers import Nsd, free_port, wait_for

CLONE_NEWNET = 0x40000000

MESSAGE = 'From: <s@sender.example>\r\nSubject: A test\r\n\r\nHello\r\n.leading dot\r\n'


def send(relay, to, sender='s@sender.example', message=MESSAGE):
    with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
        return client.sendmail(sender, to if isinstance(to, list) else [to], message)


def dialogue(relay, *parts):
    """Sends raw bytes, each part after the reply to the one before; returns all that came back."""
    with socket.create_connection(('127.0.0.1', relay.port), timeout=20) as connection:
        connection.settimeout(20)
        answers = [connection.recv(4096)]
        for part in parts:
            connection.sendall(part)
            try:
                answers.append(connection.recv(4096))
            except ConnectionError:
                answers.append(b'')
        return answers


def forward(domain, *sinks, tls='opportunistic'):
    hosts = ''.join(sink.host(tls) for sink in sinks)
    return f'<route domain="{domain}"><forward>{hosts}</forward></route>'


def enter_network(test, *addresses):
    """Moves this thread, and what it starts, into a network of its own that has the addresses."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    test.addCleanup(os.close, before)
    if libc.unshare(CLONE_NEWNET) != 0:
        test.skipTest('a network of its own needs root')
    test.addCleanup(libc.setns, before, CLONE_NEWNET)
    for command in ['link set lo up', *(f'addr add {a}/32 dev lo' for a in addresses)]:
        subprocess.run(['/usr/sbin/ip', *command.split()], check=True)


class RelayTest(unittest.TestCase):
    def relay(self, *options, **site):
        relay = Relay(*options, **site)
        self.addCleanup(relay.remove)
        return relay.start()

    def sink(self, **script):
        sink = Sink(**script)
        self.addCleanup(sink.close)
        return sink

    def refused(self, relay, to, **more):
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
            send(relay, to, **more)
        return next(iter(caught.exception.recipients.values()))

    def report(self, relay, address='anna@example.com'):
        """The delivery report in a mailbox: the message, and its status fields per recipient."""
        raw = relay.wait_messages(address)[0]
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(message.get_content_type(), 'multipart/report')
        self.assertEqual(message['Return-Path'], '<>')
        parts = list(message.iter_parts())
        self.assertEqual([part.get_content_type() for part in parts],
                         ['text/plain', 'message/delivery-status', 'text/rfc822-headers'])
        return message, parts[1].get_payload()[1:]


class Accepting(RelayTest):
    def test_into_a_maildir(self):
        relay = self.relay()
        send(relay, ['anna@example.com'])
        raw, = relay.wait_messages('anna@example.com')
        self.assertTrue(raw.startswith(b'Return-Path: <s@sender.example>\n'
                                       b'Delivered-To: anna@example.com\n'
                                       b'Received: from '))
        self.assertIn(b'by mail1.example.com (Pointsman) with ESMTP id ', raw)
        self.assertTrue(raw.endswith(b'\n\nHello\n.leading dot\n'))
        relay.wait_logged('delivered', 'to=anna@example.com')
        relay.wait_logged('accepted', 'from=s@sender.example')
        self.assertEqual(list((relay.mailbox('anna@example.com') / 'tmp').iterdir()), [])

    def test_aliases_lead_to_one_mailbox(self):
        relay = self.relay()
        send(relay, ['Sales@Example.com', 'anna@example.com'])
        relay.wait_logged('delivered', 'to=anna@example.com')
        self.assertEqual(len(relay.messages('anna@example.com')), 1)

    def test_postmaster_is_always_there(self):
        relay = self.relay()
        send(relay, ['postmaster@example.com'])
        relay.wait_messages('admin@example.com')

    def test_unknown_mailbox_is_refused_at_rcpt(self):
        code, text = self.refused(self.relay(), 'nobody@example.com')
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith(b'5.1.1'), text)

    def test_relaying_is_refused(self):
        relay = self.relay(restrictions='')
        for address in ['x@elsewhere.example', 'x@my-example.com', '"x@example.com"@y.example',
                        '@example.com:x@elsewhere.example', 'x@[192.0.2.1]']:
            with self.subTest(address):
                answers = dialogue(relay, b'EHLO c.example\r\n', b'MAIL FROM:<>\r\n',
                                   f'RCPT TO:<{address}>\r\n'.encode())
                self.assertTrue(answers[-1].startswith(b'550 5.7.1 '), answers[-1])

    def test_percent_is_no_relay_trick(self):
        code, _ = self.refused(self.relay(restrictions=''), 'x%elsewhere.example@example.com')
        self.assertEqual(code, 550)

    def test_rejected_network(self):
        relay = self.relay(accept='<accept-connections default="accept">'
                                  '<host network="127.0.0.0/8" action="reject"/>'
                                  '</accept-connections>')
        with self.assertRaises(smtplib.SMTPConnectError) as caught:
            smtplib.SMTP('127.0.0.1', relay.port, timeout=20)
        self.assertEqual(caught.exception.smtp_code, 554)
        relay.wait_logged('refused', 'what=connection')

    def test_too_many_connections(self):
        relay = self.relay(max_inbound='1')
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20):
            with self.assertRaises(smtplib.SMTPConnectError) as caught:
                smtplib.SMTP('127.0.0.1', relay.port, timeout=20)
            self.assertEqual(caught.exception.smtp_code, 421)

    def test_one_client_has_a_share_of_the_connections(self):
        relay = self.relay(limits='per-client="11"')
        # The loopback may have them all.
        for _ in range(12):
            self.connect('127.0.0.1', relay.port)
        enter_network(self, '192.0.2.1', '192.0.2.2')
        relay = self.relay(limits='per-client="11"', address='192.0.2.1')
        mine = [self.connect('192.0.2.1', relay.port) for _ in range(11)]
        with self.assertRaises(smtplib.SMTPConnectError) as caught:
            self.connect('192.0.2.1', relay.port)
        self.assertEqual(caught.exception.smtp_code, 421)
        self.assertTrue(caught.exception.smtp_error.startswith(b'4.7.0'))
        # Others have theirs, and one that ends makes room.
        self.connect('192.0.2.1', relay.port, source='192.0.2.2')
        mine[0].quit()
        wait_for(lambda: self.may_connect('192.0.2.1', relay.port), 'room for one more')

    def connect(self, host, port, source=None):
        client = smtplib.SMTP(host, port, timeout=20,
                              source_address=(source, 0) if source else None)
        self.addCleanup(client.close)
        return client

    def may_connect(self, host, port):
        try:
            self.connect(host, port)
            return True
        except smtplib.SMTPConnectError:
            return False

    def test_too_large(self):
        relay = self.relay(limit='20 KiB')
        with self.assertRaises(smtplib.SMTPSenderRefused) as caught:
            send(relay, 'anna@example.com', message='x' * 70 + '\r\n' + 'y' * 30000)
        self.assertEqual(caught.exception.smtp_code, 552)

    @unittest.skipUnless(subprocess.run(['unshare', '--mount', 'true'], check=False,
                                        stderr=subprocess.DEVNULL).returncode == 0,
                         'a disk of its own needs root')
    def test_message_that_fills_the_disk(self):
        relay = Relay(limit='50 MiB')
        self.addCleanup(relay.remove)
        relay.state.mkdir()
        # 4 MiB are always kept free, and what comes in is reserved until it is committed.
        relay.launcher = ['unshare', '--mount', 'sh', '-c',
                          f'mount -t tmpfs -o size=16m tmpfs {relay.state} && exec "$@"', 'sh']
        relay.start()
        line = 'y' * 70 + '\r\n'
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            client.ehlo()
            for size, expected in [(13000000, 452), (2000000, 250)]:
                code, text = client.mail('', [f'SIZE={size}'])
                self.assertEqual(code, expected, text)
            client.rset()
            # Not declared: seen while it comes in.
            client.mail('')
            client.rcpt('anna@example.com')
            code, text = client.data('Subject: large\r\n\r\n' + line * 200000)
            self.assertEqual((code, text[:5]), (452, b'4.3.1'))
            relay.wait_logged('refused', 'what=message', '4.3.1')
            # Nothing of it stays behind, so that there is room for others.
            client.sendmail('', ['anna@example.com'], MESSAGE + line * 10000)
            relay.wait_logged('delivered', 'to=anna@example.com')

    def test_outbound_limit(self):
        sink = self.sink()
        relay = self.relay(outbound_limit='20 KiB', routes=forward('partner.example', sink))
        large = MESSAGE + ('y' * 70 + '\r\n') * 400
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            client.ehlo()
            client.mail('anna@example.com', ['SIZE=30000'])
            self.assertEqual(client.rcpt('p@partner.example')[0], 552)
            self.assertEqual(client.rcpt('anna@example.com')[0], 250)
            client.rset()
            # Not declared, all of it for others: known at the end of the message.
            client.mail('anna@example.com')
            self.assertEqual(client.rcpt('p@partner.example')[0], 250)
            code, text = client.data(large)
            self.assertEqual((code, text[:5]), (552, b'5.3.4'))
            # One recipient is here: the message is taken, and the other one reported.
            client.mail('admin@example.com')
            self.assertEqual(client.rcpt('p@partner.example')[0], 250)
            self.assertEqual(client.rcpt('anna@example.com')[0], 250)
            self.assertEqual(client.data(large)[0], 250)
        relay.wait_messages('anna@example.com')
        _, recipients = self.report(relay, 'admin@example.com')
        self.assertEqual([(r['Final-Recipient'], r['Status']) for r in recipients],
                         [('rfc822;p@partner.example', '5.3.4')])
        self.assertEqual(sink.commands, [])

    def test_endless_message_is_cut(self):
        relay = self.relay(limit='1 MiB')
        line = b'y' * 998 + b'\r\n'
        with socket.create_connection(('127.0.0.1', relay.port), timeout=20) as connection:
            for command in [b'EHLO c.example\r\n', b'MAIL FROM:<>\r\n',
                            b'RCPT TO:<anna@example.com>\r\n', b'DATA\r\n']:
                connection.recv(4096)
                connection.sendall(command)
            self.assertTrue(connection.recv(4096).startswith(b'354'))
            connection.sendall(line * 2500)
            # No end of the message came, and yet it is over.
            with connection.makefile('rb') as answer:
                self.assertTrue(answer.readline().startswith(b'552 5.3.4'))
                self.assertEqual(answer.read(), b'')

    def test_large_body(self):
        relay = self.relay()
        text = 'Subject: large\r\n\r\n' + ('0123456789' * 7 + '\r\n') * 10000
        send(relay, 'anna@example.com', message=text)
        raw, = relay.wait_messages('anna@example.com')
        self.assertTrue(raw.endswith(text.replace('\r\n', '\n').encode()))
        wait_for(lambda: not list((relay.state / 'queue' / 'bodies').iterdir()),
                 'the body is removed')

    def test_loop_is_cut(self):
        relay = self.relay()
        trace = 'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n'
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            send(relay, 'anna@example.com', message=trace * 100 + MESSAGE)
        self.assertEqual(caught.exception.smtp_code, 554)
        self.assertIn(b'5.4.6', caught.exception.smtp_error)
        send(relay, 'anna@example.com', message=trace * 99 + MESSAGE)
        relay.wait_messages('anna@example.com')

    def test_message_of_this_mailbox_is_refused(self):
        relay = self.relay()
        send(relay, 'anna@example.com')
        raw, = relay.wait_messages('anna@example.com')
        again = raw.decode()
        for to in ['anna@example.com', 'ANNA@Example.com']:
            with self.subTest(to), self.assertRaises(smtplib.SMTPDataError) as caught:
                send(relay, to, sender='admin@example.com', message=again)
            self.assertEqual(caught.exception.smtp_code, 554)
            self.assertIn(b'5.4.6', caught.exception.smtp_error)
        relay.wait_logged('refused', 'what=message', '5.4.6')
        # Another mailbox may have it, and where there is one the loop is reported as before.
        send(relay, 'admin@example.com', sender='', message=again)
        relay.wait_messages('admin@example.com')
        send(relay, ['anna@example.com', 'admin@example.com'], sender='s@sender.example',
             message=again)
        relay.wait_messages('admin@example.com', 2)
        relay.wait_logged('bounced', 'to=anna@example.com')
        self.assertEqual(len(relay.messages('anna@example.com')), 1)

    def test_smuggling(self):
        relay = self.relay()
        endings = [b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r', b'\r.\n', b'\r.\r\n', b'\n.\r',
                   b'\r\n.\r', b'\r\n\0.\r\n', b'\r\n.\0\r\n', b'\r\n.\r\r\n', b'\r\r\n.\r\r\n',
                   b'\r\n. \r\n']
        for ending in endings:
            with self.subTest(ending):
                answers = dialogue(
                    relay, b'EHLO c.example\r\n', b'MAIL FROM:<s@sender.example>\r\n',
                    b'RCPT TO:<anna@example.com>\r\n', b'DATA\r\n',
                    b'Subject: one\r\n\r\nx' + ending + b'MAIL FROM:<evil@sender.example>\r\n'
                    b'RCPT TO:<anna@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n')
                self.assertTrue(answers[-2].startswith(b'354'), answers)
                # By line: a queue number may have 354 in it.
                again = [line for line in answers[-1].splitlines() if line.startswith(b'354')]
                self.assertEqual(again, [], answers[-1])
        self.assertEqual([m for m in relay.messages('anna@example.com')
                          if m.startswith(b'Return-Path: <evil')], [])

    def test_cut_at_each_phase(self):
        relay = self.relay()
        whole = [b'EHLO c.example\r\n', b'MAIL FROM:<s@sender.example>\r\n',
                 b'RCPT TO:<anna@example.com>\r\n', b'DATA\r\n', b'Subject: cut\r\n\r\nx\r\n']
        for n in range(len(whole) + 1):
            with socket.create_connection(('127.0.0.1', relay.port), timeout=20) as connection:
                connection.settimeout(20)
                connection.recv(4096)
                for part in whole[:n]:
                    connection.sendall(part)
                    if part is not whole[-1]:
                        connection.recv(4096)
        send(relay, 'anna@example.com')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b'Subject: A test', raw)


class Delivering(RelayTest):
    def test_forward_to_a_second_relayd(self):
        second = self.relay(routes='<route domain="example.net"><rewrite domain="example.com"/>'
                                   '</route>')
        first = self.relay(
            restrictions='', routes='<route domain="example.net"><forward>'
            f'<host name="127.0.0.1" port="{second.port}"/></forward></route>')
        send(first, 'anna@example.net')
        raw, = second.wait_messages('anna@example.com')
        self.assertEqual(raw.count(b'Received: '), 2)
        self.assertIn(b'Delivered-To: anna@example.com', raw)
        self.assertTrue(raw.endswith(b'\n.leading dot\n'))

    def test_rewrite_to_a_mailbox(self):
        relay = self.relay(routes='<route domain="old.example"><rewrite domain="example.com"/>'
                                  '</route>')
        send(relay, 'anna@old.example')
        relay.wait_messages('anna@example.com')
        self.assertEqual(self.refused(relay, 'nobody@old.example')[0], 550)

    def test_next_host(self):
        good = self.sink()
        for name, script in [('closed', None), ('no greeting', {'CONNECT': None}),
                             ('554 greeting', {'CONNECT': '554 no'}),
                             ('421 later', {'MAIL': '421 closing'})]:
            with self.subTest(name):
                bad = self.sink(**(script or {}))
                if script is None:
                    port = free_port()
                    hosts = f'<host name="127.0.0.1" port="{port}"/>' + good.host()
                else:
                    hosts = bad.host() + good.host()
                relay = self.relay(routes='<route domain="partner.example"><forward>'
                                          f'{hosts}</forward></route>')
                send(relay, 'p@partner.example')
                sender, recipients, body = good.get()
                self.assertIn('<s@sender.example>', sender)
                self.assertEqual(len(recipients), 1)
                self.assertIn(b'..leading dot\r\n', body)
                self.assertNotIn(b'\n\n', body)

    def test_each_recipient_its_outcome(self):
        first = ['450 4.2.1 later', '250 OK']
        sink = self.sink(RCPT=lambda line: '550 5.1.1 who?' if 'gone@' in line else
                         first.pop(0) if 'later@' in line else '250 OK')
        relay = self.relay(routes=forward('partner.example', sink))
        send(relay, ['ok@partner.example', 'gone@partner.example', 'later@partner.example'],
             sender='anna@example.com')
        self.assertEqual(sink.get()[1], ['RCPT TO:<ok@partner.example>'])
        self.assertEqual(sink.get()[1], ['RCPT TO:<later@partner.example>'])
        message, recipients = self.report(relay)
        self.assertEqual(message['Auto-Submitted'], 'auto-replied')
        self.assertEqual(len(recipients), 1)
        self.assertEqual(recipients[0]['Final-Recipient'], 'rfc822;gone@partner.example')
        self.assertEqual(recipients[0]['Action'], 'failed')
        self.assertEqual(recipients[0]['Status'], '5.1.1')
        self.assertIn('550 5.1.1 who?', recipients[0]['Diagnostic-Code'])

    def test_retry_after_each_cut(self):
        for verb in ['EHLO', 'MAIL', 'RCPT', 'DATA', 'DOT']:
            with self.subTest(verb):
                answers = [None, Sink.DEFAULT[verb]]
                sink = self.sink(**{verb: answers})
                relay = self.relay(routes=forward('partner.example', sink))
                send(relay, 'p@partner.example')
                sink.get()
                relay.wait_logged('deferred', 'to=p@partner.example')

    def test_gives_up_and_reports(self):
        sink = self.sink(MAIL='451 4.3.2 not today')
        relay = self.relay(routes=forward('partner.example', sink), timeout='2s')
        send(relay, 'p@partner.example', sender='anna@example.com')
        _, recipients = self.report(relay)
        self.assertEqual(recipients[0]['Action'], 'failed')
        self.assertIn('451 4.3.2 not today', recipients[0]['Diagnostic-Code'])
        relay.wait_logged('deferred')
        relay.wait_logged('expired')

    def test_tells_that_it_is_late(self):
        sink = self.sink(MAIL='451 4.3.2 not today')
        relay = self.relay(routes=forward('partner.example', sink), notify='1s')
        send(relay, 'p@partner.example', sender='anna@example.com')
        _, recipients = self.report(relay)
        self.assertEqual(recipients[0]['Action'], 'delayed')
        self.assertEqual(recipients[0]['Status'][0], '4')

    def test_double_bounce_goes_to_the_administrator_once(self):
        sink = self.sink(RCPT='550 5.1.1 no')
        relay = self.relay(routes=forward('partner.example', sink))
        send(relay, 'p@partner.example', sender='q@partner.example')
        self.report(relay, 'admin@example.com')
        self.assertEqual(len(relay.messages('admin@example.com')), 1)

    def test_dead_host_starves_nobody(self):
        # It takes connections and never says a word; more wait for it than may be tried at once.
        dead = socket.create_server(('127.0.0.1', 0), backlog=200)
        self.addCleanup(dead.close)
        sink = self.sink()
        relay = self.relay(routes=forward('partner.example', sink) +
                           '<route domain="dead.example"><forward><host name="127.0.0.1" port="'
                           f'{dead.getsockname()[1]}"/></forward></route>')
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            for _ in range(1300):
                client.sendmail('', ['p@dead.example'], MESSAGE)
            client.sendmail('', ['anna@example.com', 'p@partner.example'], MESSAGE)
        relay.wait_messages('anna@example.com')
        sink.get()

    def test_mailbox_that_is_gone_is_reported(self):
        # Accepted while there was no way out, then its mailbox and its host are taken away.
        relay = self.relay(transfer='inbound', routes=forward('partner.example', self.sink()))
        send(relay, 'p@partner.example', sender='anna@example.com')
        relay.write_site(routes='<route domain="partner.example"><inbound/></route>')
        relay.reload()
        _, recipients = self.report(relay)
        self.assertEqual(recipients[0]['Status'], '5.1.1')

    def test_what_this_host_cannot_do_now_waits(self):
        # The site is at fault, not the recipient: nobody gets a report, and the site can be mended.
        relay = Relay()
        self.addCleanup(relay.remove)
        good = relay.config.read_text()
        relay.config.write_text(good.replace('maildir="mail"', 'lmtp="127.0.0.1:24"'))
        relay.start()
        send(relay, 'anna@example.com', sender='admin@example.com')
        line = relay.wait_logged('deferred', 'to=anna@example.com')
        self.assertIn('Could not connect', line)
        self.assertFalse(relay.logged('bounced'))
        relay.config.write_text(good)
        relay.reload()
        relay.wait_messages('anna@example.com')
        self.assertEqual(relay.messages('admin@example.com'), [])

    def test_required_tls_is_never_sent_in_clear(self):
        for tls in ['required', 'verify']:
            with self.subTest(tls):
                sink = self.sink()
                relay = self.relay(routes=forward('partner.example', sink, tls=tls))
                send(relay, 'p@partner.example')
                line = relay.wait_logged('deferred', 'to=p@partner.example')
                self.assertIn('4.7.10', line)
                self.assertFalse([c for c in sink.commands if c.startswith('MAIL')])

    def test_held_by_transfer_mode(self):
        sink = self.sink()
        relay = self.relay(routes=forward('partner.example', sink), transfer='inbound')
        send(relay, ['p@partner.example', 'anna@example.com'])
        relay.wait_messages('anna@example.com')
        self.assertEqual(sink.commands, [])
        self.assertTrue(relay.logged('transfer-mode', 'held'))
        relay.reload()
        relay.wait_logged('transfer-mode', 'queued-for-other-hosts=1', 'oldest-seconds=')
        relay.write_site(transfer='both')
        relay.reload()
        self.assertEqual(sink.get()[1], ['RCPT TO:<p@partner.example>'])

    def test_outbound_only_takes_nothing(self):
        relay = self.relay(transfer='outbound')
        with self.assertRaises(smtplib.SMTPConnectError) as caught:
            smtplib.SMTP('127.0.0.1', relay.port, timeout=20)
        self.assertEqual(caught.exception.smtp_code, 421)


@unittest.skipUnless(os.path.exists('/usr/sbin/nsd'), 'nsd is not installed')
class ByMx(RelayTest):
    """Delivery by the MX records of a real name server."""

    ZONE = '''$ORIGIN example.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
two MX 10 dead.example.
two MX 20 alive.example.
dead A 127.0.0.7
alive A 127.0.0.8
implicit A 127.0.0.8
null MX 0 .
ours MX 10 mail1.example.com.
'''

    def setUp(self):
        nsd = Nsd({'example': self.ZONE})
        self.addCleanup(nsd.close)
        self.far = self.sink(address='127.0.0.8')
        self.relay_to = self.relay('--no-bus', '--dns-server', f'127.0.0.1@{nsd.port}',
                                   '--mx-port', str(self.far.port))

    def test_mx_walk(self):
        send(self.relay_to, ['p@two.example', 'q@implicit.example'])
        recipients = sorted(self.far.get()[1] + self.far.get()[1])
        self.assertEqual(recipients, ['RCPT TO:<p@two.example>', 'RCPT TO:<q@implicit.example>'])
        line = self.relay_to.wait_logged('relayed', 'to=p@two.example')
        self.assertIn('alive.example', line)

    def test_what_dns_refuses(self):
        send(self.relay_to, ['p@null.example', 'p@nowhere.example', 'p@ours.example'],
             sender='anna@example.com')
        wait_for(lambda: len(self.reported()) == 3, 'three recipients reported')
        self.assertEqual(self.reported(), {'null.example': '5.1.10', 'nowhere.example': '5.1.2',
                                           'ours.example': '5.4.6'})
        self.assertEqual(self.far.commands, [])

    def reported(self):
        found = {}
        for raw in self.relay_to.messages('anna@example.com'):
            message = email.message_from_bytes(raw, policy=email.policy.default)
            for fields in list(message.iter_parts())[1].get_payload()[1:]:
                found[fields['Final-Recipient'].split('@')[1]] = fields['Status']
        return found


class OnTheBus(unittest.TestCase):
    """org.pointsman.Relay1 on a bus of its own."""

    def setUp(self):
        self.bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.bus.up()
        self.addCleanup(self.bus.down)
        self.sink = Sink(MAIL='451 4.3.2 not today')
        self.addCleanup(self.sink.close)
        self.relay = Relay('--session', routes=forward('partner.example', self.sink), retry='1h')
        self.addCleanup(self.relay.remove)
        self.relay.start()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            self.bus.get_bus_address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(self.connection.close_sync, None)
        wait_for(self.has_owner, 'the name on the bus', process=self.relay.process)

    def call(self, method, signature=None, *arguments, interface='org.pointsman.Relay1',
             name='org.pointsman.Relay1', path='/org/pointsman/Relay1'):
        parameters = GLib.Variant(signature, arguments) if signature else None
        return self.connection.call_sync(name, path, interface, method, parameters, None,
                                         Gio.DBusCallFlags.NONE, 20000, None).unpack()

    def has_owner(self):
        return self.call('NameHasOwner', '(s)', 'org.pointsman.Relay1', name='org.freedesktop.DBus',
                         path='/', interface='org.freedesktop.DBus')[0]

    def get(self, name):
        return self.call('Get', '(ss)', 'org.pointsman.Relay1', name,
                         interface='org.freedesktop.DBus.Properties')[0]

    def list(self, queue='', after=0, limit=100):
        return self.call('ListQueue', '(stu)', queue, after, limit)

    def wait_deferred(self):
        wait_for(lambda: [m for m in self.list()[0] if m[7] == 'deferred'], 'a deferred message')

    def fails(self, error, *call):
        with self.assertRaises(GLib.Error) as caught:
            self.call(*call)
        self.assertIn(error, caught.exception.message)

    def test_properties(self):
        self.assertEqual(self.get('ServerName'), 'MAIL1')
        self.assertEqual(self.get('LoadedRevision'),
                         hashlib.sha256(self.relay.config.read_bytes()).hexdigest())
        self.assertEqual(self.get('Listening'), [f'127.0.0.1:{self.relay.port}'])
        self.assertEqual(self.get('Counters')['queued'], 0)
        self.assertGreater(self.get('StartedAt'), 0)
        (socket_name, answered, text), = self.call('ProbeListeners')[0]
        self.assertEqual((socket_name, answered), (f'127.0.0.1:{self.relay.port}', True))
        self.assertTrue(text.startswith('220 mail1.example.com'))

    def test_queue(self):
        send(self.relay, ['p@partner.example', 'q@partner.example'], sender='anna@example.com')
        self.wait_deferred()
        (message,), total = self.list()
        self.assertEqual(total, 1)
        self.assertEqual(self.get('Counters')['queued'], 1)
        self.assertEqual(message[1:3], ('anna@example.com', ['p@partner.example',
                                                             'q@partner.example']))
        self.assertEqual(message[6:9], (1, 'deferred', '127.0.0.1'))
        self.assertIn('not today', message[9])
        self.assertEqual(self.list('inbound'), ([], 0))
        self.assertEqual(self.list('outbound')[1], 1)
        self.assertEqual(self.list('', message[0])[0], [])

        header, recipients = self.call('ShowMessage', '(t)', message[0])
        self.assertIn('Subject: A test', header)
        self.assertNotIn('Hello', header)
        self.assertEqual([r[0] for r in recipients], ['p@partner.example', 'q@partner.example'])

        self.sink.script['MAIL'] = '250 OK'
        self.assertEqual(self.call('RetryMessages', '(at)', [])[0], 1)
        self.sink.get()
        wait_for(lambda: self.list()[1] == 0, 'an empty queue')
        self.assertEqual(self.get('Counters')['delivered'], 2)

    def test_large_mailing_is_listed_in_short(self):
        for count in [20, 21, 100]:
            with self.subTest(count):
                addresses = [f'r{n}@partner.example' for n in range(count)]
                send(self.relay, addresses, sender='anna@example.com')
                wait_for(lambda: self.list()[1] == 1, 'the message in the queue')
                (message,), _ = self.list()
                self.assertEqual(message[2][:20], addresses[:20])
                self.assertEqual(message[2][20:],
                                 [f'… and {count - 20} more'] if count > 20 else [])
                shown = self.call('ShowMessage', '(t)', message[0])[1]
                self.assertEqual([r[0] for r in shown], addresses)
                self.wait_deferred()
                self.call('DeleteMessages', '(atb)', [message[0]], False)

    def test_delete_with_a_report(self):
        send(self.relay, 'p@partner.example', sender='anna@example.com')
        self.wait_deferred()
        identity = self.list()[0][0][0]
        self.assertEqual(self.call('DeleteMessages', '(atb)', [identity, 1, identity], True)[0],
                         1)
        raw, = self.relay.wait_messages('anna@example.com')
        self.assertIn(b'Action: failed', raw)
        self.fails('org.pointsman.Error.NotFound', 'ShowMessage', '(t)', identity)

    def test_delete_without_a_report(self):
        send(self.relay, 'p@partner.example', sender='anna@example.com')
        self.wait_deferred()
        self.assertEqual(self.call('DeleteMessages', '(atb)', [self.list()[0][0][0]], False)[0], 1)
        self.assertEqual(self.list()[1], 0)
        self.assertEqual(self.relay.messages('anna@example.com'), [])

    def test_reload(self):
        self.relay.write_site(limit='2 MiB')
        revision, = self.call('Reload')
        self.assertEqual(revision, hashlib.sha256(self.relay.config.read_bytes()).hexdigest())
        self.assertEqual(self.get('LoadedRevision'), revision)
        self.relay.config.write_text('<nonsense/>')
        self.fails('org.pointsman.Error.Invalid', 'Reload')
        self.assertEqual(self.get('LoadedRevision'), revision)

    def test_wrong_arguments(self):
        for arguments in [('sideways', 0, 10), ('', 0, 0), ('', 0, 1001), ('', 2**63, 10)]:
            with self.subTest(arguments):
                self.fails('org.pointsman.Error.Invalid', 'ListQueue', '(stu)', *arguments)


class Running(RelayTest):
    def test_reload_keeps_connections(self):
        relay = self.relay()
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            client.ehlo()
            client.mail('s@sender.example')
            old_port = relay.port
            relay.port = free_port()
            relay.write_site(routes='<route domain="new.example"><rewrite domain="example.com"/>'
                                    '</route>')
            relay.reload()
            relay.wait_logged('reloaded')
            self.assertEqual(client.rcpt('anna@example.com')[0], 250)
            self.assertEqual(client.data(MESSAGE)[0], 250)
        send(relay, 'anna@new.example')
        relay.wait_messages('anna@example.com', 2)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', old_port), timeout=5)

    def test_protocol_diagnostics(self):
        sink = self.sink()
        relay = self.relay(routes=forward('partner.example', sink))

        def said(level):
            relay.write_site(diagnostics='<diagnostics><category name="smtp-protocol" '
                                         f'level="{level}"/></diagnostics>')
            relay.reload()
            relay.wait_logged('reloaded')
            relay.log.clear()
            with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
                client.docmd('AUTH PLAIN c2VjcmV0')
                client.docmd('c2VjcmV0')
                client.sendmail('', ['p@partner.example'], MESSAGE)
            sink.get()
            relay.wait_logged('relayed')
            if level != 'none':
                for direction in ['in', 'out']:
                    relay.wait_logged('smtp-protocol', f'direction={direction}', 'what=ended')
            self.assertFalse(relay.logged('c2VjcmV0') or relay.logged('Hello'), relay.log)
            return [line for line in relay.log if 'smtp-protocol' in line]

        self.assertEqual(said('none'), [])
        self.assertEqual({line.split('what=')[1].split()[0] for line in said('minimum')},
                         {'connected', 'ended'})
        medium = '\n'.join(said('medium'))
        self.assertRegex(medium, r'direction=in .*what=received text="mail FROM:<>.*"')
        self.assertRegex(medium, r'direction=in .*what=sent text="250 2.0.0 OK, queued')
        self.assertRegex(medium, r'direction=out .*what=sent text="RCPT TO:')
        self.assertRegex(medium, r'direction=out .*what=received text="250 2.0.0 taken"')
        self.assertIn('bytes', '\n'.join(said('maximum')))

    def test_reload_changes_a_role(self):
        relay = self.relay()
        relay.write_site(role='submission')
        relay.reload()
        relay.wait_logged('reloaded')
        with self.assertRaises(smtplib.SMTPSenderRefused) as caught:
            send(relay, 'anna@example.com')
        self.assertEqual(caught.exception.smtp_code, 530)

    def test_bad_site_changes_nothing(self):
        relay = self.relay()
        good = relay.config.read_text()
        relay.config.write_text(good.replace('<inbound/>', '<inbound/><nonsense/>'))
        relay.reload()
        relay.wait_logged('reload-refused')
        relay.wait_logged('problem', 'site.xml:', 'nonsense')
        send(relay, 'anna@example.com')
        relay.wait_messages('anna@example.com')

    def test_exit_78_with_all_problems(self):
        relay = Relay()
        self.addCleanup(relay.remove)
        good = relay.config.read_text()
        relay.config.write_text(good.replace('transfer="both"', 'transfer="sideways"')
                                .replace('<inbound/>', '<nonsense/>'))
        result = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 78)
        self.assertIn('sideways', result.stderr)
        self.assertIn('nonsense', result.stderr)
        self.assertNotIn('ready\n', result.stderr)

        relay.config.unlink()
        result = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 78)

    def test_port_in_use(self):
        relay = self.relay()
        other = Relay()
        self.addCleanup(other.remove)
        other.port = relay.port
        other.write_site()
        other.start(wait=False)
        self.assertNotIn(other.process.wait(20), (0, 78))
        other.reader.join()
        said = [line for line in other.log if 'Could not listen' in line]
        self.assertEqual(said, [
            f'pointsman-relayd: Could not listen on 127.0.0.1 port {relay.port}: Address already '
            'in use: another program, perhaps another mail server, already listens there; stop it '
            'or choose another port'])

    def test_state_directory_that_cannot_be(self):
        relay = Relay()
        self.addCleanup(relay.remove)
        relay.state.write_text('in the way')
        result = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20)
        self.assertNotIn(result.returncode, (0, 78))
        self.assertIn(f'Could not use the state directory: {relay.state}', result.stderr)

    def test_address_of_another_machine(self):
        relay = Relay()
        self.addCleanup(relay.remove)
        relay.config.write_text(relay.config.read_text().replace('address="127.0.0.1" port',
                                                                 'address="192.0.2.1" port'))
        result = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20)
        self.assertNotIn(result.returncode, (0, 78))
        self.assertRegex(result.stderr, r'Could not listen on 192\.0\.2\.1 port .* no network '
                                        'interface of this machine has that address')

    def test_one_engine_to_a_queue(self):
        relay = self.relay()
        result = subprocess.run([RELAYD, '--config', relay.config, '--state-dir', relay.state,
                                 '--no-bus'], capture_output=True, text=True, timeout=20)
        self.assertNotIn(result.returncode, (0, 78))
        self.assertIn('Another pointsman-relayd', result.stderr)

    def test_sigterm_finishes_the_transaction(self):
        relay = self.relay()
        client = smtplib.SMTP('127.0.0.1', relay.port, timeout=20)
        self.addCleanup(client.close)
        client.ehlo()
        client.mail('s@sender.example')
        client.rcpt('anna@example.com')
        relay.process.send_signal(signal.SIGTERM)
        wait_for(lambda: self.is_closed(relay.port), 'the listener is closed')
        self.assertEqual(client.data(MESSAGE)[0], 250)
        self.assertEqual(client.noop()[0], 421)
        self.assertEqual(relay.process.wait(20), 0)
        relay.start()
        relay.wait_messages('anna@example.com')

    @staticmethod
    def is_closed(port):
        try:
            socket.create_connection(('127.0.0.1', port), timeout=5).close()
            return False
        except ConnectionResetError:
            return False  # it is being closed at this moment
        except ConnectionRefusedError:
            return True


class Killing(RelayTest):
    """kill -9 under load, ten times: what got its 250 is there afterwards."""

    ROUNDS = 10
    CLIENTS = 8

    def load(self, relay, name, acknowledged, stop):
        n = 0
        while not stop.is_set():
            try:
                with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
                    while not stop.is_set():
                        n += 1
                        token = f'{name}-{n}'
                        # Now and then a body that goes into a file.
                        filler = ('x' * 70 + '\r\n') * (1500 if n % 20 == 0 else 5)
                        client.sendmail('', ['anna@example.com'],
                                        f'Subject: {token}\r\n\r\n{filler}')
                        acknowledged.append(token)
            except (OSError, smtplib.SMTPException):
                if relay.process.poll() is not None:
                    return

    def test_nothing_acknowledged_is_lost(self):
        relay = Relay()
        self.addCleanup(relay.remove)
        acknowledged = []
        for number in range(self.ROUNDS):
            relay.start()
            stop = threading.Event()
            before = len(acknowledged)
            clients = [threading.Thread(target=self.load,
                                        args=(relay, f'{number}-{i}', acknowledged, stop))
                       for i in range(self.CLIENTS)]
            for client in clients:
                client.start()
            # Killed in the middle of work: after so many more were acknowledged.
            wait_for(lambda: len(acknowledged) >= before + 60 + 17 * number, 'load')
            relay.kill()
            stop.set()
            for client in clients:
                client.join()

        relay.start()
        expected = set(acknowledged)

        def found():
            return {line[9:].strip().decode() for raw in relay.messages('anna@example.com')
                    for line in raw.split(b'\n', 12)[:12] if line.startswith(b'Subject: ')}

        try:
            wait_for(lambda: expected <= found(), 'all that was acknowledged', deadline=60)
        except TimeoutError:
            self.assertEqual(expected - found(), set())
        self.assertGreaterEqual(len(expected), 60 * self.ROUNDS)
        print(f'# {len(expected)} acknowledged, {len(relay.messages("anna@example.com"))} '
              'delivered', file=sys.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
