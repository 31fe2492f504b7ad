#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty clients at once, many of them rude, while the site is reloaded and mail goes in and out:
nothing acknowledged is lost, and a sanitized build has nothing to say (see Relay.remove())."""

import os
import random
import smtplib
import socket
import threading
import unittest

from support.relay import Relay, Sink
from support.servers import wait_for

CLIENTS = 50
ROUNDS = int(os.environ.get('POINTSMAN_STRESS_ROUNDS', '6'))
FILLER = 'x' * 70 + '\r\n'


class Stress(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.relay = Relay(
            routes='<route domain="partner.example"><forward>' + self.sink.host() +
                   '</forward></route>')
        self.addCleanup(self.relay.remove)
        self.relay.start()
        self.lock = threading.Lock()
        self.inbound, self.outward, self.problems = set(), set(), []

    def polite(self, token, generator):
        size = generator.choice([1, 5, 40, 1500])
        message = f'Subject: {token}\r\n\r\n' + FILLER * size
        to = generator.choice([['anna@example.com'], ['p@partner.example'],
                               ['anna@example.com', 'p@partner.example', 'q@partner.example']])
        with smtplib.SMTP('127.0.0.1', self.relay.port, timeout=60) as client:
            client.sendmail('', to, message)
        with self.lock:
            if 'anna@example.com' in to:
                self.inbound.add(token)
            if 'p@partner.example' in to:
                self.outward.add(token)

    def rude(self, generator):
        parts = [b'EHLO c.example\r\n', b'MAIL FROM:<s@sender.example>\r\n',
                 b'RCPT TO:<anna@example.com>\r\n', b'DATA\r\n',
                 b'Subject: cut\r\n\r\n' + FILLER.encode() * generator.choice([1, 1500]),
                 b'\r\n.\r\n']
        with socket.create_connection(('127.0.0.1', self.relay.port), timeout=60) as connection:
            connection.recv(1000)
            for part in parts[:generator.randrange(len(parts) + 1)]:
                connection.sendall(part)
                # Not after the last dot: gone while the message is being committed.
                if part is not parts[-1] and part is not parts[-2]:
                    connection.recv(4000)
            if generator.random() < 0.5:
                # Closing with this option resets the connection.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0' * 2)

    def client(self, number):
        generator = random.Random(number)
        for turn in range(ROUNDS):
            try:
                if number % 3 == 0:
                    self.rude(generator)
                else:
                    self.polite(f'{number}-{turn}.', generator)
            except ConnectionError:
                if number % 3 != 0:
                    raise
            except Exception as problem:  # pylint: disable=broad-except
                self.problems.append(problem)
                return

    def test_fifty_clients(self):
        clients = [threading.Thread(target=self.client, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        for n in range(5):
            self.relay.write_site(limit=f'{n + 1} MiB')
            self.relay.reload()
            wait_for(lambda n=n: sum('reloaded' in line for line in list(self.relay.log)) > n,
                     'a reload', process=self.relay.process)
        for client in clients:
            client.join()
        self.assertEqual(self.problems, [])

        taken = set()

        def all_out():
            while not self.sink.taken.empty():
                taken.add(self.subject(self.sink.get()[2]))
            return self.outward <= taken

        def all_in():
            return self.inbound <= {self.subject(raw)
                                    for raw in self.relay.messages('anna@example.com')}
        wait_for(all_out, 'all mail for others', 120, self.relay.process)
        wait_for(all_in, 'all mail for anna', 120, self.relay.process)
        self.assertEqual(self.relay.stop(), 0)

    @staticmethod
    def subject(raw):
        return next(line[9:].strip().decode() for line in raw.split(b'\n', 20)
                    if line.startswith(b'Subject: '))


if __name__ == '__main__':
    unittest.main(verbosity=2)
