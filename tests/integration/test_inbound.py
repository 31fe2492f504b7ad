#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mail service lets a client do: limits, TLS, log-ins, proxies, filters, questions.

A client's address comes by the PROXY protocol here, so that no test needs a network of its own."""

import base64
import ctypes
import hashlib
import hmac
import select
import smtplib
import socket
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

from support.relay import Relay, Sink
from support.servers import free_port, wait_for

MESSAGE = b'From: s@sender.example\r\nSubject: A test\r\n\r\nHello\r\n'
MESSAGES = 'SELECT priority, envid, ret, tls_optional FROM messages ORDER BY id'
RECIPIENTS = 'SELECT notify, orcpt FROM recipients'
HELD = ('SELECT held, reply FROM messages JOIN recipients ON message = messages.id '
        'WHERE held = 1')
PROXIES = ('<accept-connections default="accept" {more}>{rules}'
           '<host network="127.0.0.0/8" action="accept" proxy="yes" xclient="yes"/>'
           '</accept-connections>')


def accept(rules='', more=''):
    return PROXIES.format(rules=rules, more=more)


def proxy_header(client, server='192.0.2.250'):
    """PROXY v2: TCP over IPv4 or IPv6 (section 2.2 of the protocol's specification)."""
    six = ':' in client
    family = socket.AF_INET6 if six else socket.AF_INET
    server = '2001:db8::250' if six else server
    addresses = (socket.inet_pton(family, client) + socket.inet_pton(family, server) +
                 struct.pack('!HH', 40000, 25))
    return (b'\r\n\r\n\x00\r\nQUIT\n' + bytes([0x21, 0x21 if six else 0x11]) +
            struct.pack('!H', len(addresses)) + addresses)


class Client:
    """Lines to and from the service, over a socket that may become TLS."""

    def __init__(self, relay, client=None, port=None, tls=False, greeted=True):
        self.socket = socket.create_connection(('127.0.0.1', port or relay.port), timeout=20)
        if client:
            self.socket.sendall(proxy_header(client))
        if tls:
            self.socket = context().wrap_socket(self.socket)
        self.lines = self.socket.makefile('rb')
        self.banner = self.reply() if greeted else None

    def reply(self):
        """All lines of a reply as text; '' at the end of the connection."""
        lines = []
        while True:
            try:
                line = self.lines.readline().decode()
            except ConnectionError:
                line = ''
            lines.append(line.rstrip('\r\n'))
            if line[3:4] != '-':
                return '\n'.join(lines)

    def say(self, *commands):
        """The reply to the last of the commands."""
        for command in commands:
            data = command if isinstance(command, bytes) else command.encode() + b'\r\n'
            self.socket.sendall(data)
            reply = self.reply()
        return reply

    def send(self, *to, sender='s@sender.example', message=MESSAGE, mail=''):
        """A whole transaction; the first reply that refuses, or the last."""
        for command in [f'MAIL FROM:<{sender}>{mail}', *[f'RCPT TO:<{r}>' for r in to], 'DATA']:
            reply = self.say(command)
            if reply[0] in '45':
                self.say('RSET')
                return reply
        return self.say(message + b'.\r\n')

    def starttls(self):
        reply = self.say('STARTTLS')
        assert reply.startswith('220 '), reply
        self.lines.close()
        self.socket = context().wrap_socket(self.socket)
        self.lines = self.socket.makefile('rb')
        return self.say('EHLO client.test')

    def close(self):
        self.lines.close()
        self.socket.close()


def context():
    result = ssl.create_default_context()
    result.check_hostname = False
    result.verify_mode = ssl.CERT_NONE
    return result


def make_certificate(folder, name='mail1.example.com'):
    chain, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}', '-out', chain, '-keyout', key],
                   check=True, stderr=subprocess.DEVNULL)
    return chain, key


def verifiers(password):
    """An account's line without its name: yescrypt, and SCRAM-SHA-256 (RFC 5802 3)."""
    library = ctypes.CDLL('libcrypt.so.1')
    library.crypt.restype = ctypes.c_char_p
    yescrypt = library.crypt(password.encode(), b'$y$j9T$W22ZaJ0SNY7soEsUEjb6g.').decode()
    salt = b'0123456789abcdef'
    salted = hashlib.pbkdf2_hmac('sha256', password.encode(), salt, 4096)

    def key(text):
        return hmac.new(salted, text, 'sha256').digest()

    stored = hashlib.sha256(key(b'Client Key')).digest()
    scram = ':'.join(base64.b64encode(k).decode() for k in (stored, key(b'Server Key')))
    return f'{yescrypt}:SCRAM-SHA-256$4096:{base64.b64encode(salt).decode()}${scram}'


class InboundTest(unittest.TestCase):
    def relay(self, proxy=True, start=True, launcher=(), **site):
        relay = Relay(**site)
        self.addCleanup(relay.remove)
        relay.launcher = list(launcher)
        if proxy:
            relay.write_site(accept=site.get('accept', accept()),
                             listen=f'<listen address="127.0.0.1" port="{relay.port}" '
                                    f'proxy="yes"/>')
        return relay.start() if start else relay

    def secure_relay(self, **site):
        """With a certificate, and listeners for all three kinds of clients."""
        relay = Relay(**site)
        self.addCleanup(relay.remove)
        relay.tls_port, relay.submission_port = free_port(), free_port()
        chain, key = make_certificate(relay.root)
        relay.write_site(
            listen=f'<listen address="127.0.0.1" port="{relay.port}"/>'
                   f'<listen address="127.0.0.1" port="{relay.tls_port}" role="submission" '
                   f'tls="implicit"/>'
                   f'<listen address="127.0.0.1" port="{relay.submission_port}" '
                   f'role="submission"/>',
            security=f'<security><certificate chain="{chain}" key="{key}"/>'
                     f'<accounts source="file"/></security>')
        (relay.root / 'accounts').write_text(f'anna@example.com:{verifiers("right")}\n'
                                             f'bert:{verifiers("secret")}\n')
        return relay.start()

    def client(self, relay, client=None, **more):
        connection = Client(relay, client, **more)
        self.addCleanup(connection.close)
        return connection

    def hello(self, relay, client=None, **more):
        connection = self.client(relay, client, **more)
        self.assertTrue(connection.banner.startswith('220 '), connection.banner)
        self.assertTrue(connection.say('EHLO client.test').startswith('250'))
        return connection

    def queued(self, relay, query):
        database = sqlite3.connect(f'file:{relay.state}/queue/queue.db?mode=ro', uri=True)
        self.addCleanup(database.close)
        return database.execute(query).fetchall()

    def assert_reply(self, reply, start):
        self.assertTrue(reply.startswith(start), f'{reply!r} does not start with {start!r}')


class Limits(InboundTest):
    def test_connections_of_one_client(self):
        relay = self.relay(limits='per-client="2"')
        first = self.client(relay, '192.0.2.1')
        self.client(relay, '192.0.2.1')
        self.assert_reply(self.client(relay, '192.0.2.1').banner, '421 4.7.0 ')
        self.assert_reply(self.client(relay, '192.0.2.2').banner, '220 ')
        # A /64 is one client.
        self.client(relay, '2001:db8::1')
        self.client(relay, '2001:db8::2')
        self.assert_reply(self.client(relay, '2001:db8::3').banner, '421 4.7.0 ')
        self.assert_reply(self.client(relay, '2001:db8:0:1::1').banner, '220 ')
        first.say('QUIT')
        wait_for(lambda: self.client(relay, '192.0.2.1').banner.startswith('220 '), 'room again')

    def test_connections_per_minute(self):
        relay = self.relay(limits='client-connections-per-minute="3"',
                           accept=accept('<host network="192.0.2.9" action="accept" '
                                         'relay-server="yes"/>'))
        for _ in range(3):
            self.assert_reply(self.client(relay, '192.0.2.1').banner, '220 ')
        self.assert_reply(self.client(relay, '192.0.2.1').banner, '421 4.7.0 ')
        self.assert_reply(self.client(relay, '192.0.2.2').banner, '220 ')
        # Servers of ours, and this host, come as often as they like.
        for client in ['192.0.2.9', '127.0.0.1']:
            for _ in range(5):
                self.assert_reply(self.client(relay, client).banner, '220 ')

    def test_messages_per_minute(self):
        relay = self.relay(limits='client-messages-per-minute="2"')
        client = self.hello(relay, '192.0.2.1')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        self.assert_reply(client.send('anna@example.com'), '451 4.7.1 ')
        # Another connection changes nothing; another client has its own.
        self.assert_reply(self.hello(relay, '192.0.2.1').send('anna@example.com'), '451 4.7.1 ')
        self.assert_reply(self.hello(relay, '192.0.2.2').send('anna@example.com'), '250 ')

    def test_recipients_per_minute(self):
        relay = self.relay(limits='client-recipients-per-minute="2"')
        client = self.hello(relay, '192.0.2.1')
        client.say('MAIL FROM:<>')
        self.assert_reply(client.say('RCPT TO:<anna@example.com>'), '250 ')
        self.assert_reply(client.say('RCPT TO:<nobody@example.com>'), '550 ')
        self.assert_reply(client.say('RCPT TO:<anna@example.com>'), '452 4.5.3 ')
        # What was accepted before stays.
        client.say('DATA')
        self.assert_reply(client.say(MESSAGE + b'.\r\n'), '250 ')

    def test_greeting_pause(self):
        relay = self.relay(limits='greeting-pause="1s"')
        began = time.monotonic()
        client = self.hello(relay, '192.0.2.1')
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assert_reply(client.send('anna@example.com'), '250 ')
        # This host need not wait, and whoever cannot wait is let go.
        began = time.monotonic()
        self.hello(relay, '127.0.0.1')
        self.assertLess(time.monotonic() - began, 0.9)
        hasty = self.client(relay, '192.0.2.1', greeted=False)
        hasty.socket.sendall(b'EHLO client.test\r\n')
        self.assert_reply(hasty.reply(), '554 5.5.1 ')
        self.assertEqual(hasty.reply(), '')

    def test_gone_during_the_pause(self):
        relay = self.relay(limits='greeting-pause="1s"', max_inbound='1')
        self.client(relay, '192.0.2.1', greeted=False).close()
        wait_for(lambda: self.client(relay, '192.0.2.2').banner.startswith('220 '),
                 'the place is free again')

    def test_idle_make_room_when_it_is_crowded(self):
        relay = self.relay(proxy=False, max_inbound='20')
        idle = [self.hello(relay) for _ in range(16)]
        busy = self.hello(relay)
        busy.say('MAIL FROM:<s@sender.example>', 'RCPT TO:<anna@example.com>', 'DATA')
        # At 95 of 100 who is idle for a second goes.
        newcomers = []

        def comes_in():
            newcomers.append(self.client(relay))
            return newcomers[-1].banner.startswith('220 ') and relay.logged('it did nothing')

        wait_for(comes_in, 'room for newcomers')
        gone, _, _ = select.select([client.socket for client in idle], [], [], 20)
        for client in idle:
            if client.socket in gone:
                self.assert_reply(client.reply(), '421 4.3.2 ')
        self.assertTrue(gone)
        self.assert_reply(busy.say(MESSAGE + b'.\r\n'), '250 ')

    def test_descriptors_bound_the_connections(self):
        relay = self.relay(proxy=False, max_inbound='1000', max_outbound='20',
                           launcher=['sh', '-c', 'ulimit -n 200 && exec "$@"', 'sh'])
        line = relay.wait_logged('inbound-limit-lowered')
        self.assertIn('wanted=1000 limit=48', line)
        clients = [self.client(relay, greeted=False) for _ in range(150)]
        replies = [client.reply() for client in clients]
        self.assertEqual(sum(r.startswith('220 ') for r in replies), 48)
        self.assertEqual(sum(r.startswith('421 4.3.2 ') for r in replies), 102)
        for client in clients:
            client.close()

        def comes_in():
            client = self.client(relay)
            return client if client.banner.startswith('220 ') else client.close()

        client = wait_for(comes_in, 'room again')
        client.say('EHLO client.test')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        relay.wait_messages('anna@example.com')

    @unittest.skipUnless(subprocess.run(['unshare', '--mount', 'true'], check=False,
                                        stderr=subprocess.DEVNULL).returncode == 0,
                         'a disk of its own needs root')
    def test_disk_is_promised_once(self):
        relay = Relay(limit='50 MiB')
        self.addCleanup(relay.remove)
        relay.state.mkdir()
        relay.launcher = ['unshare', '--mount', 'sh', '-c',
                          f'mount -t tmpfs -o size=24m tmpfs {relay.state} && exec "$@"', 'sh']
        relay.start()
        one, other = self.hello(relay), self.hello(relay)
        self.assert_reply(one.say('MAIL FROM:<> SIZE=11000000'), '250 ')
        self.assert_reply(other.say('MAIL FROM:<> SIZE=11000000'), '452 4.3.1 ')
        self.assert_reply(other.say('MAIL FROM:<> SIZE=1000'), '250 ')
        # Dropped, its room is there for others; so it is when a client goes away.
        one.say('RSET')
        self.assert_reply(other.say('RSET', 'MAIL FROM:<> SIZE=11000000'), '250 ')
        other.close()
        wait_for(lambda: one.say('RSET', 'MAIL FROM:<> SIZE=11000000').startswith('250 '),
                 'the room is given back')

    def test_header_section(self):
        relay = self.relay(proxy=False, limit='5 MiB')
        client = self.hello(relay)
        fields = b'X-Field: ' + b'x' * 900 + b'\r\n'
        self.assert_reply(client.send('anna@example.com', message=fields * 300 + b'\r\nx\r\n'),
                          '552 5.3.4 ')
        self.assert_reply(client.send('anna@example.com', message=b'a:\r\n' * 5000 + b'\r\nx\r\n'),
                          '554 5.6.0 ')
        self.assert_reply(client.send('anna@example.com', message=fields * 200 + b'\r\nx\r\n'),
                          '250 ')
        # Without a header section all is body.
        self.assert_reply(client.send('anna@example.com', message=b'just text\r\n' * 50000), '250 ')


class Secured(InboundTest):
    def test_starttls(self):
        relay = self.secure_relay()
        client = self.hello(relay)
        self.assertIn('STARTTLS', client.say('EHLO client.test'))
        self.assertNotIn('STARTTLS', client.starttls())
        self.assert_reply(client.send('anna@example.com'), '250 ')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b' with ESMTPS id ', raw)
        self.assertRegex(raw, rb'\n\t\(TLSv?1\.3 with cipher \S+ \(256 bits\)\)\n')

    def test_clear_bytes_after_starttls_end_it(self):
        relay = self.secure_relay()
        client = self.hello(relay)
        client.socket.sendall(b'STARTTLS\r\nEHLO injected.example\r\n')
        self.assert_reply(client.reply(), '554 ')
        self.assertEqual(client.reply(), '')

    def test_stalled_handshakes_hold_up_nobody(self):
        relay = self.secure_relay()
        for _ in range(50):
            self.client(relay, port=relay.tls_port, greeted=False)
        began = time.monotonic()
        self.hello(relay)
        self.hello(relay, port=relay.tls_port, tls=True)
        self.assertLess(time.monotonic() - began, 2)

    def test_renewed_certificate(self):
        relay = self.secure_relay()

        def shown():
            client = self.client(relay, port=relay.tls_port, tls=True)
            return client.socket.getpeercert(True)

        before = shown()
        make_certificate(relay.root)
        wait_for(lambda: shown() != before, 'the new certificate is shown')

    def test_unusable_certificate(self):
        wrong = ('<security><certificate chain="/nowhere/chain.pem" key="/nowhere/key.pem"/>'
                 '</security>')
        relay = self.relay(proxy=False, start=False, security=wrong)
        relay.start(wait=False)
        self.assertEqual(relay.process.wait(20), 78)
        relay.reader.join()
        self.assertTrue(relay.logged('certificate', '/nowhere/chain.pem'))
        # What is in force stays.
        relay = self.secure_relay()
        relay.write_site(security=wrong)
        relay.reload()
        relay.wait_logged('/nowhere/chain.pem')
        client = self.hello(relay)
        self.assertIn('STARTTLS', client.say('EHLO client.test'))

    def test_requiretls(self):
        relay = self.secure_relay()
        client = self.hello(relay)
        reply = client.starttls()
        self.assertIn('REQUIRETLS', reply)
        self.assert_reply(client.send('anna@example.com', mail=' REQUIRETLS'), '250 ')


class Submission(InboundTest):
    def log_in(self, client, user='anna@example.com', password='right'):
        plain = base64.b64encode(f'\0{user}\0{password}'.encode()).decode()
        return client.say(f'AUTH PLAIN {plain}')

    def session(self, relay):
        return self.hello(relay, port=relay.tls_port, tls=True)

    def test_needs_a_log_in(self):
        relay = self.secure_relay()
        client = self.hello(relay, port=relay.submission_port)
        self.assertNotIn('AUTH', client.say('EHLO client.test'))
        self.assert_reply(client.say('MAIL FROM:<anna@example.com>'), '530 5.7.0 ')
        self.assertIn('AUTH ', client.starttls())
        self.assert_reply(client.say('MAIL FROM:<anna@example.com>'), '530 5.7.0 ')
        self.assert_reply(self.log_in(client), '235 ')
        self.assert_reply(client.send('admin@example.com', sender='anna@example.com'), '250 ')
        relay.wait_logged('authenticated', 'user=anna@example.com')
        self.assertFalse(relay.logged('right'))

    def test_what_is_missing_is_added(self):
        relay = self.secure_relay()
        client = self.session(relay)
        self.assert_reply(self.log_in(client), '235 ')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b' with ESMTPSA id ', raw)
        self.assertRegex(raw, rb'\nDate: \w+, .* \+0000\n')
        self.assertRegex(raw, rb'\nMessage-ID: <\S+@mail1.example.com>\n')

    def test_mechanisms(self):
        relay = self.secure_relay()
        client = smtplib.SMTP_SSL('127.0.0.1', relay.tls_port, context=context(), timeout=20)
        self.addCleanup(client.close)
        client.ehlo()
        self.assertEqual(set(client.esmtp_features['auth'].split()),
                         {'PLAIN', 'LOGIN', 'SCRAM-SHA-256'})
        client.user, client.password = 'bert', 'secret'
        self.assertEqual(client.auth('LOGIN', client.auth_login)[0], 235)

    def scram(self, relay, user, password):
        """RFC 5802 and 7677, the client's side; the last reply."""
        def encode(data):
            return base64.b64encode(data).decode()

        def sign(key, data):
            return hmac.new(key, data, 'sha256').digest()

        client = self.hello(relay, port=relay.tls_port, tls=True)
        bare = f'n={user},r=fyko'
        reply = client.say('AUTH SCRAM-SHA-256 ' + encode(f'n,,{bare}'.encode()))
        self.assert_reply(reply, '334 ')
        first = base64.b64decode(reply[4:]).decode()
        fields = dict(field.split('=', 1) for field in first.split(','))
        self.assertTrue(fields['r'].startswith('fyko') and len(fields['r']) > 12)
        final = f'c={encode(b"n,,")},r={fields["r"]}'
        message = f'{bare},{first},{final}'.encode()
        salted = hashlib.pbkdf2_hmac('sha256', password.encode(), base64.b64decode(fields['s']),
                                     int(fields['i']))
        key = sign(salted, b'Client Key')
        signature = sign(hashlib.sha256(key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        reply = client.say(encode(f'{final},p={encode(proof)}'.encode()))
        if not reply.startswith('334 '):
            return reply
        # The server proves that it knows the password too; what says so is answered by nothing.
        proved = 'v=' + encode(sign(sign(salted, b'Server Key'), message))
        self.assertEqual(base64.b64decode(reply[4:]).decode(), proved)
        return client.say('')

    def test_scram(self):
        relay = self.secure_relay()
        self.assert_reply(self.scram(relay, 'bert', 'secret'), '235 2.7.0 ')
        relay.wait_logged('authenticated', 'user=bert')
        self.assert_reply(self.scram(relay, 'bert', 'guess'), '535 5.7.8 ')
        self.assert_reply(self.scram(relay, 'nobody', 'guess'), '535 5.7.8 ')

    def test_relays_for_whom_it_knows(self):
        sink = Sink()
        self.addCleanup(sink.close)
        relay = self.secure_relay(restrictions='<allow authenticated="yes"/>',
                                  deliver=f'<deliver method="host">{sink.host()}</deliver>')
        client = self.session(relay)
        self.assert_reply(self.log_in(client), '235 ')
        self.assert_reply(client.send('x@away.example'), '250 ')
        self.assertIn('x@away.example', sink.get()[1][0])
        self.assert_reply(self.hello(relay).send('x@away.example'), '550 5.7.1 ')

    def test_guessing_is_slowed_down(self):
        # The loopback is never counted: the client's address comes by XCLIENT.
        relay = self.secure_relay(accept=accept())
        client = self.session(relay)
        client.say('XCLIENT ADDR=192.0.2.1', 'EHLO client.test')
        self.assert_reply(self.log_in(client, password='guess'), '535 5.7.8 ')
        relay.wait_logged('auth-failed', 'client=192.0.2.1')
        self.assertFalse(relay.logged('guess'))
        replies = []
        for _ in range(12):
            client = self.session(relay)
            client.say('XCLIENT ADDR=192.0.2.1', 'EHLO client.test')
            replies.append(self.log_in(client, password='guess')[:9])
        self.assertEqual(replies, ['535 5.7.8'] * 9 + ['454 4.7.0'] * 3)
        # Even with the right one, for now; others are not concerned.
        client = self.session(relay)
        client.say('XCLIENT ADDR=192.0.2.1', 'EHLO client.test')
        self.assert_reply(self.log_in(client), '454 4.7.0 ')
        self.assert_reply(self.log_in(self.session(relay)), '235 ')

    def test_sender_checks(self):
        relay = self.secure_relay(accept='<accept-connections default="accept" '
                                         'submit-homed="yes" submit-matches="yes"/>')
        client = self.session(relay)
        self.assert_reply(self.log_in(client), '235 ')
        self.assert_reply(client.send('anna@example.com'),
                          '554 5.7.1 Mailbox is not local: <s@sender.example>')
        self.assert_reply(client.send('anna@example.com', sender='admin@example.com'),
                          '554 5.7.1 Originator address does not match')
        self.assert_reply(client.send('anna@example.com', sender='anna@example.com'), '250 ')


class Proxies(InboundTest):
    def test_the_announced_address_counts(self):
        relay = self.relay(accept=accept('<host network="192.0.2.66" action="reject"/>'),
                           restrictions='<allow network="192.0.2.1"/>')
        self.assert_reply(self.client(relay, '192.0.2.66').banner, '554 5.7.1 ')
        self.assert_reply(self.hello(relay, '192.0.2.2').send('x@away.example'), '550 5.7.1 ')
        client = self.hello(relay, '192.0.2.1')
        self.assert_reply(client.say('MAIL FROM:<>', 'RCPT TO:<x@away.example>'), '250 ')
        client.say('RSET')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b'([192.0.2.1])', raw)

    def test_only_named_hosts(self):
        relay = self.relay(accept='<accept-connections default="accept"/>')
        client = self.client(relay, '192.0.2.1', greeted=False)
        self.assertEqual(client.reply(), '')
        relay.wait_logged('refused', 'named as a proxy')

    def test_no_header_no_session(self):
        relay = self.relay()
        client = self.client(relay, greeted=False)
        client.socket.sendall(b'EHLO client.test\r\n')
        self.assertEqual(client.reply(), '')

    def test_header_in_pieces(self):
        relay = self.relay()
        client = self.client(relay, greeted=False)
        for byte in proxy_header('192.0.2.1'):
            client.socket.sendall(bytes([byte]))
        self.assert_reply(client.reply(), '220 ')

    def test_xclient(self):
        relay = self.relay(proxy=False,
                           accept=accept('<host network="192.0.2.66" action="reject"/>'),
                           restrictions='<allow network="192.0.2.1"/>')
        client = self.hello(relay)
        self.assertIn('XCLIENT', client.say('EHLO client.test'))
        self.assert_reply(client.say('XCLIENT ADDR=192.0.2.1 HELO=other.test'), '220 ')
        client.say('EHLO proxy.test')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b'from other.test ([192.0.2.1])', raw)
        self.assert_reply(self.hello(relay).say('XCLIENT ADDR=192.0.2.66'), '554 5.7.1 ')
        stranger = self.hello(self.relay(proxy=False,
                                         accept='<accept-connections default="accept"/>'))
        self.assert_reply(stranger.say('XCLIENT ADDR=192.0.2.1'), '5')

    def test_a_proxied_client_is_no_proxy(self):
        relay = self.relay(accept=accept())
        stranger = self.hello(relay, '192.0.2.2')
        self.assertNotIn('XCLIENT', stranger.say('EHLO client.test'))
        self.assert_reply(stranger.say('XCLIENT ADDR=127.0.0.1'), '550 5.7.0 ')

    def test_an_unknown_client_is_not_the_proxy(self):
        relay = self.relay(proxy=False, accept=accept(),
                           restrictions='<allow network="127.0.0.0/8"/>')
        client = self.hello(relay)
        self.assert_reply(client.say('MAIL FROM:<>', 'RCPT TO:<x@away.example>'), '250 ')
        client.say('RSET')
        self.assert_reply(client.say('XCLIENT ADDR=[UNAVAILABLE]'), '220 ')
        client.say('EHLO client.test')
        self.assert_reply(client.say('MAIL FROM:<>', 'RCPT TO:<x@away.example>'), '550 5.7.1 ')

    def test_a_mapped_address_is_the_one_in_it(self):
        relay = self.relay(accept=accept('<host network="192.0.2.66" action="reject"/>'),
                           limits='per-client="1"')
        first = self.client(relay, '::ffff:192.0.2.1')
        self.assert_reply(first.banner, '220 ')
        relay.wait_logged('connected', 'client=192.0.2.1')
        self.assert_reply(self.client(relay, '192.0.2.1').banner, '421 4.7.0 ')
        self.assert_reply(self.client(relay, '::ffff:192.0.2.3').banner, '220 ')
        self.assert_reply(self.client(relay, '::ffff:192.0.2.66').banner, '554 5.7.1 ')


class Filtering(InboundTest):
    SENDERS = ('<message-filtering action="{}"><sender address="@bad.example"/>'
               '<sender address="spam@worse.example"/></message-filtering>')

    def test_reject(self):
        client = self.hello(self.relay(proxy=False, filtering=self.SENDERS.format('reject')))
        self.assert_reply(client.send('anna@example.com', sender='x@bad.example'), '554 5.7.1 ')
        self.assert_reply(client.send('anna@example.com', sender='ham@worse.example'), '250 ')
        self.assert_reply(client.send('anna@example.com',
                                      message=b'From: "S" <Spam@Worse.example>\r\n\r\nx\r\n'),
                          '554 5.7.1 ')

    def test_delete(self):
        relay = self.relay(proxy=False, filtering=self.SENDERS.format('delete'))
        client = self.hello(relay)
        self.assert_reply(client.send('anna@example.com', sender='x@bad.example'), '250 ')
        relay.wait_logged('deleted', 'from=x@bad.example')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        relay.wait_messages('anna@example.com')
        self.assertEqual(len(relay.messages('anna@example.com')), 1)

    def test_quarantine(self):
        relay = self.relay(proxy=False, filtering=self.SENDERS.format('quarantine'))
        client = self.hello(relay)
        self.assert_reply(client.send('anna@example.com', sender='x@bad.example'), '250 ')
        relay.wait_logged('quarantined', 'from=x@bad.example')
        self.assert_reply(client.send('anna@example.com'), '250 ')
        relay.wait_messages('anna@example.com')
        self.assertEqual(len(relay.messages('anna@example.com')), 1)
        # Whoever looks at the queue is told why it is there.
        self.assertEqual(self.queued(relay, HELD),
                         [(1, 'Quarantined: message filtering names its sender')])


class Asking(InboundTest):
    def host(self, **script):
        sink = Sink(**script)
        self.addCleanup(sink.close)
        return sink

    def ask(self, relay, *addresses):
        client = self.hello(relay)
        client.say('MAIL FROM:<>')
        return [client.say(f'RCPT TO:<{address}>')[:9] for address in addresses]

    def forwarding(self, *hosts):
        return ('<route domain="away.example"><forward ask="yes">' +
                ''.join(h if isinstance(h, str) else h.host('none') for h in hosts) +
                '</forward></route>')

    @staticmethod
    def knows_some(line):
        return '250 2.1.5 OK' if 'good' in line else '550 5.1.1 No such user'

    def test_next_hop_is_asked_once(self):
        sink = self.host(RCPT=self.knows_some)
        relay = self.relay(proxy=False, routes=self.forwarding(sink))
        for _ in range(2):
            self.assertEqual(self.ask(relay, 'good@away.example', 'bad@away.example'),
                             ['250 2.1.5', '550 5.1.1'])
        self.assertEqual(sum('bad@' in c for c in sink.commands), 1)
        self.assertEqual(sum('good@' in c for c in sink.commands), 1)
        self.assertIn('MAIL FROM:<>', sink.commands)
        self.assertNotIn('DATA', sink.commands)
        # The message itself then goes the usual way.
        self.assert_reply(self.hello(relay).send('good@away.example'), '250 ')
        self.assertIn('good@away.example', sink.get()[1][0])

    def test_a_host_that_cannot_be_asked(self):
        dead = f'<host name="127.0.0.1" port="{free_port()}" tls="none"/>'
        for hosts in [[dead], [self.host(RCPT='451 4.2.0 later')], [self.host(CONNECT=None)],
                      [self.host(MAIL='550 5.7.1 not you')], [self.host(CONNECT='rubbish')]]:
            relay = self.relay(proxy=False, routes=self.forwarding(*hosts))
            self.assertEqual(self.ask(relay, 'x@away.example'), ['450 4.1.1'])
        sink = self.host(RCPT=self.knows_some)
        relay = self.relay(proxy=False, routes=self.forwarding(dead, sink))
        self.assertEqual(self.ask(relay, 'good@away.example'), ['250 2.1.5'])

    def test_a_dead_host_is_left_alone(self):
        sink = self.host(EHLO='421 4.3.2 busy')
        relay = self.relay(proxy=False, routes=self.forwarding(sink))
        self.assertEqual(self.ask(relay, *[f'{i}@away.example' for i in range(5)]),
                         ['450 4.1.1'] * 5)
        self.assertEqual(sum(c.startswith('EHLO') for c in sink.commands), 1)

    def test_what_a_client_asks_for_does_not_stop_others(self):
        sink = self.host(MAIL=lambda line: '555 5.5.4 no' if 'UTF8' in line else '250 2.1.0 OK',
                         RCPT=self.knows_some)
        relay = self.relay(proxy=False, routes=self.forwarding(sink))
        client = self.hello(relay)
        client.say('MAIL FROM:<> SMTPUTF8')
        self.assert_reply(client.say('RCPT TO:<björn@away.example>'), '450 4.1.1 ')
        self.assertIn('MAIL FROM:<> SMTPUTF8', sink.commands)
        self.assert_reply(client.say('RCPT TO:<good@away.example>'), '250 ')

    def test_mailboxes_that_lmtp_knows(self):
        sink = self.host(LHLO='250-sink\r\n250 PIPELINING', RCPT=self.knows_some)
        self.check_lmtp(sink, f'127.0.0.1:{sink.port}')

    def test_mailboxes_that_lmtp_on_a_socket_knows(self):
        folder = tempfile.TemporaryDirectory(prefix='pm-lmtp-')
        self.addCleanup(folder.cleanup)
        path = f'{folder.name}/lmtp'
        sink = self.host(address=path, LHLO='250-sink\r\n250 PIPELINING', RCPT=self.knows_some)
        self.check_lmtp(sink, f'unix:{path}')

    def check_lmtp(self, sink, where):
        catch_all = '<catch-all domain="other.example" address="anna@example.com"/>'
        relay = self.relay(proxy=False, start=False, mailboxes='ask',
                           routes='<route domain="other.example"><inbound/></route>')
        text = relay.config.read_text().replace(
            '<deliver-to maildir="mail"/>', f'<deliver-to lmtp="{where}"/>')
        relay.config.write_text(text.replace('</mailboxes>', f'{catch_all}</mailboxes>'))
        relay.start()
        self.assertEqual(self.ask(relay, 'good@example.com', 'bad@example.com',
                                  'anna@example.com', 'bad@other.example'),
                         ['250 2.1.5', '550 5.1.1', '250 2.1.5', '250 2.1.5'])
        self.assertIn('LHLO mail1.example.com', sink.commands)
        # Those that the site lists need no asking.
        self.assertFalse([c for c in sink.commands if 'anna@' in c])

    def test_many_questions_become_one(self):
        sink = self.host(RCPT=self.knows_some)
        relay = self.relay(proxy=False, routes=self.forwarding(sink))
        clients = [self.hello(relay) for _ in range(20)]
        for client in clients:
            client.say('MAIL FROM:<>')
        for client in clients:
            client.socket.sendall(b'RCPT TO:<good@away.example>\r\n')
        for client in clients:
            self.assert_reply(client.reply(), '250 ')
        self.assertEqual(sum('good@' in c for c in sink.commands), 1)

    def test_stopping_answers_who_waits(self):
        silent = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(silent.close)
        port = silent.getsockname()[1]
        relay = self.relay(proxy=False, routes=self.forwarding(
            f'<host name="127.0.0.1" port="{port}" tls="none"/>'))
        client = self.hello(relay)
        client.say('MAIL FROM:<>')
        client.socket.sendall(b'RCPT TO:<x@away.example>\r\n')
        connection, _ = silent.accept()
        self.addCleanup(connection.close)
        self.assertEqual(relay.stop(), 0)
        self.assert_reply(client.reply(), '450 4.1.1 ')


class Extensions(InboundTest):
    def test_etrn(self):
        sink = Sink(CONNECT='421 4.3.2 later')
        self.addCleanup(sink.close)
        relay = self.relay(proxy=False, retry='4h',
                           routes='<route domain="away.example"><forward>' + sink.host('none') +
                                  '</forward></route>')
        client = self.hello(relay)
        self.assertIn('ETRN', client.say('EHLO client.test'))
        self.assert_reply(client.say('ETRN elsewhere.example'), '459 ')
        self.assert_reply(client.say('ETRN example.com'), '459 ')
        self.assert_reply(client.say('ETRN away.example'), '251 ')
        self.assert_reply(client.send('x@away.example'), '250 ')
        relay.wait_logged('deferred', 'to=x@away.example')
        sink.script['CONNECT'] = '220 sink'
        self.assert_reply(client.say('ETRN away.example'), '253 ')
        self.assertIn('x@away.example', sink.get()[1][0])

    def test_etrn_of_strangers(self):
        relay = self.relay(routes='<route domain="away.example"><relay/></route>')
        # However many they are, a route's mail is tried again so often and not more.
        replies = [self.hello(relay, f'192.0.2.{i}').say('ETRN away.example')[:10]
                   for i in range(110)]
        self.assertEqual(replies[0], '251 2.0.0 ')
        self.assertEqual(replies[-1], '458 4.7.0 ')
        self.assert_reply(self.hello(relay, '127.0.0.1').say('ETRN away.example'), '251 ')

    def test_what_extensions_ask_is_kept(self):
        sink = Sink(CONNECT='421 4.3.2 later')
        self.addCleanup(sink.close)
        relay = self.relay(proxy=False, retry='4h', accept=accept(),
                           routes='<route domain="away.example"><relay/></route>',
                           deliver=f'<deliver method="host">{sink.host("none")}</deliver>')
        for client in ['127.0.0.1', '192.0.2.1']:
            connection = self.hello(relay)
            connection.say(f'XCLIENT ADDR={client}', 'EHLO client.test')
            for command in ['MAIL FROM:<s@sender.example> RET=HDRS ENVID=QQ+2B1 MT-PRIORITY=4',
                            'RCPT TO:<x@away.example> NOTIFY=SUCCESS,DELAY '
                            'ORCPT=rfc822;y+2Bz@away.example', 'DATA',
                            b'TLS-Required:  no\r\n' + MESSAGE + b'.\r\n']:
                reply = connection.say(command)
                self.assertIn(reply[0], '23', reply)
        # Whose mail is urgent is for those to say who may relay.
        self.assertEqual(self.queued(relay, MESSAGES), [(4, 'QQ+1', 2, 1), (0, 'QQ+1', 2, 1)])
        self.assertEqual(self.queued(relay, RECIPIENTS), [(10, 'rfc822;y+z@away.example')] * 2)

    def test_utf8(self):
        relay = self.relay(proxy=False, mailboxes='any')
        client = self.hello(relay)
        self.assert_reply(client.send('björn@example.com', mail=' SMTPUTF8'), '250 ')
        raw, = relay.wait_messages('bj%C3%B6rn@example.com')
        self.assertIn(b' with UTF8SMTP id ', raw)

    def test_bdat(self):
        relay = self.relay(proxy=False)
        client = self.hello(relay)
        client.say('MAIL FROM:<>', 'RCPT TO:<anna@example.com>')
        self.assert_reply(client.say(b'BDAT %d\r\n' % len(MESSAGE) + MESSAGE), '250 ')
        self.assert_reply(client.say(b'BDAT 6 LAST\r\n.\r\nx\r\n'), '250 ')
        raw, = relay.wait_messages('anna@example.com')
        self.assertTrue(raw.endswith(b'\nHello\n.\nx\n'))

    def test_reload_drops_no_connection(self):
        relay = self.relay(proxy=False)
        client = self.hello(relay)
        client.say('MAIL FROM:<>', 'RCPT TO:<anna@example.com>')
        relay.write_site(limits='per-client="1"')
        relay.reload()
        relay.wait_logged('reloaded')
        client.say('DATA')
        self.assert_reply(client.say(MESSAGE + b'.\r\n'), '250 ')


if __name__ == '__main__':
    unittest.main(verbosity=2)
