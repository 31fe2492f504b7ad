#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets into the real mail service, and what must not: BDAT, and every malformed end of a
message, by DATA and by BDAT, in one write and byte by byte."""

import os
import socket
import sys
import unittest

from support.hostile import ENDINGS, ENVELOPE, SMUGGLED
from support.relay import Relay


class Client:
    """Speaks SMTP by bytes, and reads replies by lines."""

    def __init__(self, relay):
        self.socket = socket.create_connection(('127.0.0.1', relay.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile('rb')
        assert self.reply().startswith(b'220 ')

    def reply(self):
        """The last line of the next reply; b'' when the service has hung up."""
        try:
            line = self.file.readline()
            while line[3:4] == b'-':
                line = self.file.readline()
        except ConnectionError:
            return b''
        return line

    def send(self, *parts):
        for part in parts:
            try:
                self.socket.sendall(part)
            except (BrokenPipeError, ConnectionError):
                return

    def say(self, line):
        self.send(line + b'\r\n')
        return self.reply()

    def begin(self):
        assert self.say(b'EHLO c.example').startswith(b'250 ')
        self.send(ENVELOPE)
        assert self.reply().startswith(b'250 ') and self.reply().startswith(b'250 ')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


class Bdat(unittest.TestCase):
    def setUp(self):
        self.relay = Relay().start()
        self.addCleanup(self.relay.remove)

    def test_chunks(self):
        """All in one write, dots as they are, and the last line completed."""
        head = b'Subject: Chunks\r\n\r\n.'
        with Client(self.relay) as client:
            client.begin()
            client.send(b'BDAT %d\r\n' % len(head) + head +
                        b'BDAT 8\r\n.\r\n\r\n.\r\nBDAT 3 LAST\r\nendQUIT\r\n')
            codes = [client.reply()[:3] for _ in range(4)]
            self.assertEqual(codes, [b'250', b'250', b'250', b'221'])
        message = self.relay.wait_messages('anna@example.com')[0].replace(b'\r\n', b'\n')
        self.assertIn(b'Subject: Chunks\n', message)
        self.assertTrue(message.endswith(b'\n\n..\n\n.\nend\n'), message)

    def test_refused_octets_are_no_commands(self):
        with Client(self.relay) as client:
            self.assertTrue(client.say(b'EHLO c.example').startswith(b'250 '))
            hidden = SMUGGLED
            client.send(b'BDAT %d LAST\r\n' % len(hidden) + hidden + b'NOOP\r\n')
            self.assertTrue(client.reply().startswith(b'503 '))
            self.assertTrue(client.reply().startswith(b'250 '))
        self.check_nothing_came()

    def test_lost_between(self):
        """A connection that ends within a chunk leaves nothing behind."""
        for sent in [b'BDAT 100 LAST\r\nSubject: half\r\n', b'BDAT 15\r\nSubject: half\r\n']:
            with Client(self.relay) as client:
                client.begin()
                client.send(sent)
        self.check_nothing_came()

    def check_nothing_came(self):
        """A message that is sent now is the only one."""
        with Client(self.relay) as client:
            client.begin()
            client.send(b'BDAT 18 LAST\r\nSubject: last\r\n\r\nx')
            self.assertTrue(client.reply().startswith(b'250 '))
        messages = self.relay.wait_messages('anna@example.com')
        self.assertEqual([b'Subject: last' in message for message in messages], [True])


class Endings(unittest.TestCase):
    def test_endings(self):
        relay = Relay().start()
        self.addCleanup(relay.remove)
        for name, (ending, text) in ENDINGS.items():
            for bdat in [False, True]:
                for bytewise in [False, True]:
                    with self.subTest(ending=name, bdat=bdat, bytewise=bytewise):
                        self.smuggle(relay, ending, text, bdat, bytewise)
        with Client(relay) as client:
            client.begin()
            self.assertTrue(client.say(b'DATA').startswith(b'354 '))
            client.send(b'Subject: last\r\n\r\n.\r\n')
            self.assertTrue(client.reply().startswith(b'250 '))
        # Those that are text came as one message each; nothing came as a second one.
        expected = 1 + 4 * sum(text for _, text in ENDINGS.values())
        messages = relay.wait_messages('anna@example.com', expected)
        self.assertEqual(len(messages), expected)
        for message in messages:
            self.assertNotIn(b'evil@sender.example', message.split(b'\n\n')[0])

    def smuggle(self, relay, ending, text, bdat, bytewise):
        content = b'Subject: first\r\n\r\nHi' + ending + SMUGGLED
        with Client(relay) as client:
            client.begin()
            if bdat:
                client.send(b'BDAT %d LAST\r\n' % len(content))
            else:
                self.assertTrue(client.say(b'DATA').startswith(b'354 '))
            client.send(*([content[i:i + 1] for i in range(len(content))] if bytewise
                          else [content]))
            reply = client.reply()
            if text:
                self.assertTrue(reply.startswith(b'250 '), reply)
            else:
                self.assertTrue(reply[:10] in [b'550 5.6.11', b'554 5.6.11'], reply)
            if bdat or text:
                self.assertTrue(client.say(b'NOOP').startswith(b'250 '))
            else:
                self.assertEqual(client.reply(), b'')


if __name__ == '__main__':
    sys.path.insert(0, os.path.dirname(__file__))
    unittest.main(verbosity=2)
