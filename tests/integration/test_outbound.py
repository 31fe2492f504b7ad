#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery to other hosts: connections that are used again, hosts that are dead, in turn, or go
away in the middle; and LMTP."""

import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from support.relay import Relay, Sink
from support.servers import Dovecot, free_port, wait_for

MESSAGE = 'From: <s@sender.example>\r\nSubject: A test\r\n\r\nHello\r\n'


class CountingSink(Sink):
    """A sink that knows which connection brought what: `connections` are lists of verbs.

    `cut`: {(connection, nth message): verb}: at that verb the connection is closed without a word;
    with `word` that is said first."""

    def __init__(self, cut=None, word=None, **script):
        self.cut = cut or {}
        self.word = word
        self.connections = []
        self.lock = threading.Lock()
        self.busy = self.most_busy = 0  # messages that are being sent
        super().__init__(**script)

    def _talk(self, connection, lines):
        verbs = []
        with self.lock:
            number = len(self.connections)
            self.connections.append(verbs)
        messages = 0
        connection.sendall(b'220 sink ESMTP\r\n')
        mail, recipients = None, []
        for raw in lines:
            verb = raw.decode().split(' ')[0].split(':')[0].strip().upper()
            verbs.append(verb)
            if self.cut.get((number, messages)) == verb:
                if self.word:
                    connection.sendall(self.word)
                return
            if verb == 'MAIL':
                mail, recipients = raw.decode().strip(), []
                self.add_busy(1)
            elif verb == 'RCPT':
                recipients.append(raw.decode().strip())
            connection.sendall((self._reply(verb, raw.decode()) + '\r\n').encode())
            if verb == 'QUIT':
                return
            if verb != 'DATA':
                continue
            body = []
            for line in lines:
                if line == b'.\r\n':
                    break
                body.append(line)
            verbs.append('DOT')
            if self.cut.get((number, messages)) == 'DOT':
                if self.word:
                    connection.sendall(self.word)
                return
            messages += 1
            self.add_busy(-1)
            self.taken.put((mail, recipients, b''.join(body)))
            connection.sendall(b'250 2.0.0 taken\r\n')

    def add_busy(self, by):
        with self.lock:
            self.busy += by
            self.most_busy = max(self.most_busy, self.busy)

    def messages_per_connection(self):
        return [verbs.count('DOT') for verbs in self.connections]


def route(domain, *hosts, order='listed'):
    return (f'<route domain="{domain}"><forward order="{order}">{"".join(hosts)}</forward></route>')


def host(port, name='127.0.0.1'):
    return f'<host name="{name}" port="{port}" tls="none"/>'


class Outbound(unittest.TestCase):
    def relay(self, **site):
        relay = Relay(**site)
        self.addCleanup(relay.remove)
        return relay.start()

    def sink(self, **options):
        sink = CountingSink(**options)
        self.addCleanup(sink.close)
        return sink

    def send(self, relay, *recipients, count=1, each=None):
        """`each` is called after each message."""
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            for _ in range(count):
                client.sendmail('s@sender.example', list(recipients), MESSAGE)
                if each:
                    each()

    def test_a_connection_is_used_again(self):
        sink = self.sink()
        relay = self.relay(routes=route('partner.example', host(sink.port)))
        self.send(relay, 'p@partner.example', count=10, each=sink.get)
        self.assertEqual(sum(sink.messages_per_connection()), 10)
        # One message at a time comes from one worker. A connection serves again once what it did is
        # recorded: where the next message is faster than the disk, it has one of its own.
        self.assertLessEqual(len(sink.connections), 3, sink.messages_per_connection())
        self.assertEqual(sink.connections[0].count('EHLO'), 1)

    def test_an_idle_connection_is_closed(self):
        sink = self.sink()
        relay = self.relay(routes=route('partner.example', host(sink.port)))
        self.send(relay, 'p@partner.example', each=sink.get)
        wait_for(lambda: sink.connections[0][-1] == 'QUIT', 'QUIT after five idle seconds', 15)

    def test_messages_of_a_connection_are_bounded(self):
        sink = self.sink()
        relay = self.relay(routes=route('partner.example', host(sink.port)), limits='messages-per-connection="4"')
        self.send(relay, 'p@partner.example', count=10, each=sink.get)
        self.assertEqual(sink.messages_per_connection(), [4, 4, 2])

    def test_a_connection_that_died_meanwhile_costs_no_attempt(self):
        for word in [None, b'421 4.3.2 tired\r\n']:
            for verb in ['MAIL', 'RCPT', 'DATA']:
                with self.subTest(verb=verb, word=word):
                    sink = self.sink(cut={(0, 1): verb}, word=word)
                    relay = self.relay(routes=route('partner.example', host(sink.port)),
                                       retry='1h')
                    self.send(relay, 'p@partner.example', count=2, each=sink.get)
                    self.assertEqual(sink.messages_per_connection(), [1, 1])
                    self.assertFalse(relay.logged('deferred'))

    def test_after_the_dot_nothing_is_sent_twice_at_once(self):
        sink = self.sink(cut={(0, 1): 'DOT'})
        relay = self.relay(routes=route('partner.example', host(sink.port)), retry='1h')
        self.send(relay, 'p@partner.example', count=2,
                  each=lambda: wait_for(sink.taken.qsize, 'the first message'))
        relay.wait_logged('deferred', 'to=p@partner.example')
        self.assertEqual(len(sink.connections), 1)

    def test_dead_hosts_are_left_alone(self):
        sink = self.sink()
        dead = free_port()
        relay = self.relay(routes=route('partner.example', host(dead), host(sink.port)) +
                           route('dead.example', host(dead)), retry='1h')
        self.send(relay, 'p@dead.example')
        relay.wait_logged('deferred', 'to=p@dead.example')
        # Now it is known: the others wait without an attempt, or go to the next host at once.
        self.send(relay, 'q@dead.example', count=5)
        self.send(relay, 'p@partner.example', each=sink.get)
        self.assertFalse(relay.logged('deferred', 'to=q@dead.example'))
        self.assertFalse(relay.logged('deferred', 'to=p@partner.example'))
        # A reload forgives: what waits is tried.
        with socket.create_server(('127.0.0.1', dead)) as listener:
            listener.settimeout(20)
            relay.reload()
            listener.accept()[0].close()

    def test_hosts_in_turn(self):
        sinks = [self.sink() for _ in range(3)]
        relay = self.relay(routes=route('partner.example', *(host(s.port) for s in sinks),
                                        order='rotate'))
        self.send(relay, 'p@partner.example', count=9)
        wait_for(lambda: sum(s.taken.qsize() for s in sinks) == 9, 'nine messages')
        self.assertEqual([s.taken.qsize() for s in sinks], [3, 3, 3])

    def test_hosts_in_order(self):
        sinks = [self.sink() for _ in range(2)]
        relay = self.relay(routes=route('partner.example', *(host(s.port) for s in sinks)))
        self.send(relay, 'p@partner.example', count=4, each=sinks[0].get)
        self.assertEqual(sinks[1].connections, [])

    def test_no_more_connections_than_allowed(self):
        sink = self.sink()
        relay = self.relay(routes=route('partner.example', host(sink.port)), limits='per-host="3"')
        clients = [threading.Thread(target=self.send, args=(relay, 'p@partner.example'),
                                    kwargs={'count': 20}) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        wait_for(lambda: sink.taken.qsize() == 160, 'all messages', process=relay.process)
        self.assertLessEqual(sink.most_busy, 3)
        self.assertGreater(max(sink.messages_per_connection()), 10)


class TlsSink(Sink):
    """A sink that offers STARTTLS; `broken`: it agrees, and then talks nonsense."""

    def __init__(self, folder, broken=False):
        self.broken = broken
        self.secured = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if not broken:
            chain, key = f'{folder}/chain.pem', f'{folder}/key.pem'
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                            'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1',
                            '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out',
                            chain], check=True, stderr=subprocess.DEVNULL)
            self.context.load_cert_chain(chain, key)
        super().__init__(EHLO='250-sink\r\n250-STARTTLS\r\n250 PIPELINING')

    def _talk(self, connection, lines):
        connection.sendall(b'220 sink ESMTP\r\n')
        for raw in lines:
            line = raw.decode().strip()
            self.commands.append(line)
            if line != 'STARTTLS':
                connection.sendall(self.script['EHLO'].encode() + b'\r\n')
                if line.startswith('EHLO'):
                    continue
                return
            connection.sendall(b'220 go on\r\n')
            break
        else:
            return
        if self.broken:
            self.script['EHLO'] = Sink.DEFAULT['EHLO']  # the next connection is offered none
            self._talk = super()._talk
            connection.sendall(b'this is no TLS at all\r\n' * 20)
            return
        with self.context.wrap_socket(connection, server_side=True) as secure:
            self.secured += 1
            secure.sendall(b'')
            with secure.makefile('rb') as inner:
                Sink._talk(self, Silent(secure), inner)


class Silent:
    """A connection whose greeting is not sent again."""

    def __init__(self, connection):
        self.connection = connection
        self.begun = False

    def sendall(self, data):
        if self.begun:
            self.connection.sendall(data)
        self.begun = True


class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def deliver(self, tls, **options):
        sink = TlsSink(self.folder.name, **options)
        self.addCleanup(sink.close)
        relay = Relay(routes=route('partner.example', sink.host(tls)), retry='1h')
        self.addCleanup(relay.remove)
        relay.start()
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            client.sendmail('s@sender.example', ['p@partner.example'], MESSAGE)
        return relay, sink

    def test_encrypted_to_whoever_it_is(self):
        for tls in ['opportunistic', 'required']:
            with self.subTest(tls):
                _, sink = self.deliver(tls)
                sink.get()
                self.assertEqual(sink.secured, 1)

    def test_none_asks_for_no_tls(self):
        relay, sink = self.deliver('none')
        wait_for(lambda: any(c.startswith('MAIL') for c in sink.commands), 'MAIL in clear')
        self.assertNotIn('STARTTLS', sink.commands)

    def test_who_proves_nothing_is_not_trusted(self):
        relay, sink = self.deliver('verify')
        relay.wait_logged('deferred', 'to=p@partner.example')
        self.assertFalse([c for c in sink.commands if c.startswith('MAIL')])

    def test_broken_tls(self):
        _, sink = self.deliver('opportunistic', broken=True)
        sink.get()
        relay, sink = self.deliver('required', broken=True)
        self.assertIn('451 4.7.', relay.wait_logged('deferred', 'to=p@partner.example'))
        self.assertFalse([c for c in sink.commands if c.startswith('MAIL')])


class Lmtp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dovecot = Dovecot({'anna@example.com': '10M', 'full@example.com': '1'})

    @classmethod
    def tearDownClass(cls):
        cls.dovecot.close()

    def relay(self, lmtp):
        relay = Relay(mailboxes='any', retry='1h')
        self.addCleanup(relay.remove)
        relay.config.write_text(relay.config.read_text().replace('maildir="mail"',
                                                                 f'lmtp="{lmtp}"'))
        return relay.start()

    def test_delivery_and_replies_of_each(self):
        for lmtp in [f'unix:{self.dovecot.socket}', f'127.0.0.1:{self.dovecot.port}']:
            with self.subTest(lmtp):
                relay = self.relay(lmtp)
                before = len(self.dovecot.messages('anna@example.com'))
                with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
                    client.sendmail('', ['anna@example.com', 'nobody@example.com',
                                         'full@example.com'], MESSAGE)
                relay.wait_logged('delivered', 'to=anna@example.com')
                self.assertEqual(len(self.dovecot.messages('anna@example.com')), before + 1)
                self.assertIn('550', relay.wait_logged('to=nobody@example.com', 'reply='))
                line = relay.wait_logged('to=full@example.com', 'reply=')
                self.assertTrue('452' in line or '552' in line, line)
                self.assertIn('uota', line)


if __name__ == '__main__':
    unittest.main()
