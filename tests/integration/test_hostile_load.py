#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that wear the mail service out, and clients that behave as none should: others are
served meanwhile, memory and descriptors stay bounded, and nothing acknowledged is lost."""

import pathlib
import re
import socket
import threading
import time
import unittest

from support.hostile import (ENVELOPE, GOOD, SMUGGLED, HostileTest, Wire, reset, resident)
from support.relay import is_sanitized
from support.servers import wait_for

SANITIZED = is_sanitized()


class Exhaustion(HostileTest):
    """What wears a service out (each bounded, so that it runs with the other tests)."""

    def greeted_within(self, relay, seconds):
        began = time.monotonic()
        self.send(relay, message=GOOD)
        self.assertLess(time.monotonic() - began, seconds)

    def test_dribbling_clients(self):
        """Hundreds that bring a byte now and then are no burden to one who speaks."""
        relay = self.relay()
        slow = [self.wire(relay) for _ in range(400)]
        for wire in slow:
            wire.send(b'EHLO c.example\r\nMAIL FROM:<s@sender.example>\r\n')
        for byte in b'RCPT TO:<anna@':
            for wire in slow:
                wire.send(bytes([byte]))
        self.greeted_within(relay, 5)
        # Two of three in the middle of a message.
        for wire in slow[:260]:
            wire.send(b'example.com>\r\nDATA\r\nSubject: x\r\n\r\n.')
        self.greeted_within(relay, 5)
        for wire in slow:
            reset(wire.socket)
        self.greeted_within(relay, 5)

    def test_stalled_handshakes(self):
        """In all states a handshake can be left in."""
        relay = self.secure_relay()
        hello = b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
        for n in range(150):
            wire = self.wire(relay, port=relay.tls_port, greeted=False)
            wire.send(hello[:n % len(hello)])
        for _ in range(50):
            wire = self.wire(relay)
            wire.hello()
            self.assert_reply(wire.say(b'STARTTLS'), b'220 ')
        self.greeted_within(relay, 5)
        with Wire(relay.tls_port, tls=True) as wire:
            wire.hello()

    def test_renegotiation_and_alerts(self):
        """Clients that begin handshakes and leave them: the service forgets each."""
        relay = self.secure_relay()
        before = None
        for n in range(300):
            with Wire(relay.tls_port, greeted=False) as wire:
                wire.send(b'\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03', b'\x15\x03\x01')
            if n == 99:
                before = resident(relay)
        self.greeted_within(relay, 5)
        self.assertLess(resident(relay) - before, self.allowance())

    def test_line_without_end(self):
        """Of commands, and of messages: the memory stays what it was."""
        relay = self.relay(limit='50 MiB')
        self.greeted_within(relay, 20)
        before = resident(relay)
        piece = b'a' * 65536
        for name, said in {'a command': b'MAIL FROM:<', 'a field': ENVELOPE + b'DATA\r\n',
                           'text': ENVELOPE + b'DATA\r\n'}.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                for line in said.splitlines(True):
                    wire.send(line)
                    if line.endswith(b'\n'):
                        wire.reply()
                if name == 'text':
                    wire.send(b'\r\n')
                for _ in range(320):  # 20 MiB
                    wire.send(piece)
                self.assertLess(resident(relay) - before, self.allowance())
        self.greeted_within(relay, 20)

    def allowance(self):
        # AddressSanitizer keeps freed memory for a while.
        return (400 if SANITIZED else 16) * 1024 * 1024

    def test_recipients(self):
        """1000 too many are told so, and those before them get their mail; 10^5 are an attack."""
        relay = self.relay(max_recipients='10', mailboxes='any')
        with Wire(relay.port) as wire:
            wire.begin(b'MAIL FROM:<s@sender.example>')
            wire.send(b''.join(b'RCPT TO:<r%d@example.com>\r\n' % n for n in range(1000)))
            replies = [wire.reply()[:9] for _ in range(1000)]
            self.assertEqual(replies, [b'250 2.1.5'] * 10 + [b'452 4.5.3'] * 990)
            self.assert_reply(wire.say(b'DATA'), b'354 ')
            wire.send(GOOD + b'.\r\n')
            self.assert_reply(wire.reply(), b'250 ')
        for n in range(10):
            relay.wait_messages(f'r{n}@example.com')
        with Wire(relay.port) as wire:
            wire.begin(b'MAIL FROM:<s@sender.example>')
            before = resident(relay)
            sender = threading.Thread(target=wire.send, daemon=True, args=(
                b''.join(b'RCPT TO:<r%d@example.com>\r\n' % n for n in range(100000)),))
            sender.start()
            replies = wire.rest().splitlines()
            sender.join()
            self.assertLess(len(replies), 1100)
            self.assert_reply(replies[-1], b'421 4.7.0 ')
            self.assertLess(resident(relay) - before, self.allowance())
        self.assertEqual(relay.messages('r10@example.com'), [])

    def test_header_bombs(self):
        relay = self.relay(limit='50 MiB')
        bombs = {'short fields': b'a:\r\n' * 500000, 'one folded field': b'a: b\r\n' +
                 b' ' * 70 + b'\r\n' + b' x\r\n' * 500000, 'names without end': b'x' * 2000000,
                 'Received': b'Received: x\r\n' * 100000}
        for name, bomb in bombs.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.begin()
                self.assert_reply(wire.say(b'DATA'), b'354 ')
                wire.send(bomb + b'\r\n\r\nx\r\n.\r\n')
                self.assert_reply(wire.reply(), b'552 ', b'554 ')
        self.only_good(relay)

    def test_errors(self):
        """Who only makes errors, or says nothing of use, is told so and let go."""
        relay = self.relay()
        floods = {'unknown': b'XYZZY\r\n', 'NOOP': b'NOOP\r\n', 'RSET': b'RSET\r\n',
                  'unknown recipients': b'MAIL FROM:<>\r\nRCPT TO:<no@example.com>\r\nRSET\r\n',
                  'VRFY': b'VRFY anna\r\n', 'empty lines': b'\r\n', 'HELP': b'HELP\r\n',
                  'EHLO': b'EHLO a.example\r\n', 'ETRN': b'ETRN x.example\r\n',
                  'MAIL': b'MAIL FROM:<>\r\nRSET\r\n', 'blanks': b'    \r\n'}
        for name, line in floods.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                last, count = b'250 ', 0
                while last and count < 1000:
                    wire.send(line)
                    for _ in range(line.count(b'\n')):
                        count += 1
                        before, last = last, wire.reply()
                        if not last:
                            break
                self.assertLess(count, 400)
                self.assert_reply(before, b'421 ')

    def test_replies_that_nobody_reads(self):
        """A client that sends and never reads is stopped, and what it costs is bounded."""
        relay = self.relay()
        self.greeted_within(relay, 20)
        before = resident(relay)
        deaf = [self.wire(relay) for _ in range(20)]
        for wire in deaf:
            wire.hello()
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.socket.setblocking(False)
            try:
                while True:
                    wire.socket.send(b'RCPT TO:<x@example.com>\r\n' * 1000)
            except (BlockingIOError, ConnectionError):
                pass
        self.greeted_within(relay, 5)
        self.assertLess(resident(relay) - before, self.allowance())

    def test_few_descriptors(self):
        """With 256 of them: who is too many is turned away, and mail goes through meanwhile."""
        relay = self.relay(start=False)
        relay.launcher = ['prlimit', '--nofile=256:256']
        relay.start()
        crowd = [self.wire(relay, greeted=False) for _ in range(400)]
        greeted = [wire for wire in crowd if wire.reply().startswith(b'220 ')]
        self.assertGreater(len(greeted), 20)
        # One of those inside can still send: the descriptors it needs are kept for it. (The first may
        # have been sent away, for doing nothing where it is so crowded.)
        wire = greeted[-1]
        wire.begin()
        self.assert_reply(wire.say(b'DATA'), b'354 ')
        wire.send(b'Subject: good\r\n\r\n' + b'x' * 70 + b'\r\n' * 100000 + b'.\r\n')
        self.assert_reply(wire.reply(), b'250 ')
        relay.wait_messages('anna@example.com')
        for wire in crowd:
            wire.close()
        wait_for(lambda: Wire(relay.port, greeted=False).reply().startswith(b'220 '), 'room again')

    @unittest.skipIf(SANITIZED, 'AddressSanitizer needs all address space')
    def test_little_memory(self):
        """Where there is no memory the service may go, but what it acknowledged is there."""
        relay = self.relay(start=False, limit='50 MiB', max_recipients='1000000', mailboxes='any')
        relay.start()
        peak = int(re.search(r'VmPeak:\s+(\d+)', pathlib.Path(
            f'/proc/{relay.process.pid}/status').read_text(encoding='ascii')).group(1)) * 1024
        relay.stop()
        acknowledged = []
        relay.launcher = ['prlimit', f'--as={peak + 24 * 1024 * 1024}']
        relay.start()
        try:
            crowd = []
            for n in range(300):
                wire = Wire(relay.port)
                crowd.append(wire)
                self.send(relay, message=b'Subject: m%d\r\n\r\nx\r\n' % n)
                acknowledged.append(n)
                wire.begin(b'MAIL FROM:<>\r\n')
                wire.send(b''.join(b'RCPT TO:<r%d@example.com>\r\n' % r for r in range(400)))
        except (AssertionError, OSError):
            pass  # it had enough, in one way or the other
        for wire in crowd:
            wire.close()
        relay.stop()
        relay.launcher = []
        relay.start()
        wanted = {b'\nSubject: m%d\n' % n for n in acknowledged}
        self.assertGreater(len(wanted), 0)

        def all_there():
            found = b''.join(relay.messages('anna@example.com'))
            return all(subject in found for subject in wanted)

        wait_for(all_there, 'all that was acknowledged', process=relay.process)


class Misbehaving(HostileTest):
    def test_wrong_at_once(self):
        """Each misbehaviour gets its answer, or the end, and the next client is served."""
        relay = self.relay()
        cases = {
            # name: (bytes sent at once after the greeting, the start of the last reply)
            'everything at once': (b'EHLO a.example\r\n' + SMUGGLED, b'554 '),
            'bytes after EHLO': (b'EHLO a.example\r\nNOOP\r\n', b'554 '),
            'the web': (b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', b'5'),
            'a post of the web': (b'POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n' + SMUGGLED,
                                  b'5'),
            'TLS': (b'\x16\x03\x01\x00\x05hello', b''),
            'TLS with a line end': (b'\x16\x03\x01\x00\x05\r\n', b'5'),
            'zeros': (b'\0' * 100000 + b'\r\n', b'500 '),
            'random': (bytes(range(256)) * 100, b'500 '),
            'only CR': (b'\r' * 5000, b''), 'only LF': (b'\n' * 10, b'500 '),
            'replies': (b'250 OK\r\n354 go on\r\n', b'5'),
            'order: RCPT': (b'RCPT TO:<anna@example.com>\r\n', b'503 '),
            'order: DATA': (b'DATA\r\n', b'503 '), 'order: a dot': (b'.\r\n', b'50'),
            'order: MAIL': (b'MAIL FROM:<>\r\n', b'503 '),
            'order: AUTH': (b'AUTH PLAIN AGEAYg==\r\n', b'50'),
            'LMTP': (b'LHLO a.example\r\n', b'50'),
        }
        for name, (sent, expected) in cases.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.send(sent)
                wire.send_end()
                last = wire.rest().splitlines()[-1:] or [b'']
                self.assert_reply(last[0], expected)
        self.only_good(relay)

    def test_before_the_greeting(self):
        relay = self.relay(limits='greeting-pause="1s"', restrictions='')
        with Wire(relay.port, greeted=False) as wire:
            # The loopback has no pause; whoever is quicker than the accept is still too early.
            wire.send(b'EHLO a.example\r\n')
            self.assert_reply(wire.reply(), b'220 ', b'554 5.5.1')

    def test_gone_at_every_step(self):
        """By a close and by a reset, after each step, also while the message is committed."""
        relay = self.relay()
        steps = [b'EHLO c.example\r\n', b'MAIL FROM:<s@sender.example>\r\n',
                 b'RCPT TO:<anna@example.com>\r\n', b'DATA\r\n', b'Subject: half\r\n\r\nx',
                 b'\r\n.']
        for count in range(len(steps) + 1):
            for leave in [lambda s: s.close(), reset, lambda s: s.shutdown(socket.SHUT_RDWR)]:
                wire = Wire(relay.port)
                for step in steps[:count]:
                    wire.send(step)
                    if step.endswith(b'\r\n'):
                        wire.reply()
                leave(wire.socket)
                wire.close()
        self.only_good(relay)

    def test_hangs(self):
        """A client that says nothing waits alone: it is not served before, and not after others."""
        relay = self.relay()
        silent = [self.wire(relay) for _ in range(10)]
        for wire in silent[:5]:
            wire.begin()
            wire.say(b'DATA')
        self.only_good(relay)
        # They are all still there, and welcome to go on.
        for wire in silent[:5]:
            wire.send(b'Subject: late\r\n\r\nx\r\n.\r\n')
            self.assert_reply(wire.reply(), b'250 ')
        for wire in silent[5:]:
            wire.begin()


if __name__ == '__main__':
    unittest.main(verbosity=2)
