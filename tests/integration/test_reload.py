#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloading the site: what is new is in force at once, and nobody who is connected notices.

Across each change there are sessions open: one within a message, one before it, one by TLS, and
one that is logged in. All of them end their transactions as if nothing had happened."""

import base64
import urllib.request
import unittest

from support.servers import free_port
from test_inbound import MESSAGE, InboundTest, make_certificate, verifiers


def plain(name, password):
    return 'AUTH PLAIN ' + base64.b64encode(f'\0{name}\0{password}'.encode()).decode()


class Reload(InboundTest):
    def setUp(self):
        self.service = self.secure_relay()
        self.listen = self.service.values['listen']
        self.count = 0

    def begin(self):
        """Sessions in the midst of what they do."""
        service = self.service
        within = self.hello(service)
        within.say('MAIL FROM:<within@sender.example>', 'RCPT TO:<anna@example.com>')
        self.assert_reply(within.say('DATA'), '354')
        within.socket.sendall(MESSAGE[:30])
        before = self.hello(service)
        before.say('MAIL FROM:<before@sender.example>')
        for _ in range(3):
            self.assert_reply(before.say('RCPT TO:<anna@example.com>'), '250')
        secure = self.hello(service)
        secure.starttls()
        secure.say('MAIL FROM:<secure@sender.example>', 'RCPT TO:<anna@example.com>')
        user = self.hello(service, port=service.tls_port, tls=True)
        self.assert_reply(user.say(plain('anna@example.com', 'right')), '235')
        self.assert_reply(user.say('MAIL FROM:<anna@example.com>'), '250')
        return within, before, secure, user

    def reload(self, **site):
        self.service.log.clear()
        if site:
            self.service.write_site(**site)
        self.service.reload()
        self.service.wait_logged('reloaded')

    def end(self, within, before, secure, user):
        self.assert_reply(within.say(MESSAGE[30:] + b'.\r\n'), '250')
        for session in (before, secure):
            self.assert_reply(session.say('DATA'), '354')
            self.assert_reply(session.say(MESSAGE + b'.\r\n'), '250')
        self.assert_reply(user.say('RCPT TO:<anna@example.com>', 'DATA'), '354')
        self.assert_reply(user.say(MESSAGE + b'.\r\n'), '250')
        # They are as good as new for the next message.
        for session in (within, before, secure, user):
            sender = 'anna@example.com' if session is user else 's@sender.example'
            self.assert_reply(session.send('anna@example.com', sender=sender), '250')
            self.assert_reply(session.say('QUIT'), '221')
        self.count += 8
        self.service.wait_messages('anna@example.com', self.count)
        self.assertEqual(len(self.service.messages('anna@example.com')), self.count)

    def shown(self):
        client = self.client(self.service, port=self.service.tls_port, tls=True)
        return client.socket.getpeercert(True)

    def test_certificates(self):
        before = self.shown()
        sessions = self.begin()
        make_certificate(self.service.root)
        self.reload()
        self.assertNotEqual(self.shown(), before)
        self.end(*sessions)

    def log_in(self, name, password):
        client = self.hello(self.service, port=self.service.tls_port, tls=True)
        return client.say(plain(name, password))

    def test_accounts(self):
        self.assert_reply(self.log_in('bert', 'secret'), '235')
        sessions = self.begin()
        (self.service.root / 'accounts').write_text(f'anna@example.com:{verifiers("other")}\n'
                                                    f'carla:{verifiers("new")}\n')
        self.reload()
        self.assert_reply(self.log_in('carla', 'new'), '235')
        self.assert_reply(self.log_in('anna@example.com', 'other'), '235')
        self.assert_reply(self.log_in('anna@example.com', 'right'), '535')
        self.assert_reply(self.log_in('bert', 'secret'), '535')
        self.end(*sessions)

    def test_diagnostics(self):
        self.hello(self.service)
        self.assertFalse(self.service.logged('EHLO client.test'))
        sessions = self.begin()
        self.reload(diagnostics='<diagnostics><category name="smtp-protocol" level="maximum"/>'
                                '</diagnostics>')
        self.hello(self.service)
        self.service.wait_logged('EHLO client.test')
        self.end(*sessions)
        # The password of a session that was open is not written down either.
        self.assert_reply(self.log_in('anna@example.com', 'right'), '235')
        self.assertFalse(self.service.logged(plain('anna@example.com', 'right')[11:]))

    def test_statistics_port(self):
        sessions = self.begin()
        port = free_port()
        self.reload(diagnostics=f'<statistics port="{port}"/>')
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=20) as answer:
            self.assertIn(b'pointsman_messages_accepted_total 0\n', answer.read())
        self.end(*sessions)

    def test_limits(self):
        sessions = self.begin()
        self.reload(max_recipients='2', limit='100 KiB')
        client = self.hello(self.service)
        self.assertIn('SIZE 102400', client.say('EHLO client.test'))
        client.say('MAIL FROM:<s@sender.example>', 'RCPT TO:<anna@example.com>')
        self.assert_reply(client.say('RCPT TO:<sales@example.com>'), '250')
        self.assert_reply(client.say('RCPT TO:<admin@example.com>'), '452')
        self.end(*sessions)

    def test_listeners(self):
        sessions = self.begin()
        port = free_port()
        added = f'{self.listen}<listen address="127.0.0.1" port="{port}"/>'
        self.reload(listen=added)
        late = self.hello(self.service, port=port)
        self.end(*sessions)
        # One that is removed takes no new connections, and leaves those that it has.
        late.say('MAIL FROM:<s@sender.example>', 'RCPT TO:<anna@example.com>')
        self.reload(listen=self.listen)
        with self.assertRaises(ConnectionError):
            self.client(self.service, port=port)
        self.assert_reply(late.say('DATA'), '354')
        self.assert_reply(late.say(MESSAGE + b'.\r\n'), '250')
        self.hello(self.service)

    def test_a_site_that_is_wrong(self):
        sessions = self.begin()
        self.service.config.write_text('<site')
        self.service.reload()
        self.service.wait_logged('site.xml')
        self.hello(self.service)
        self.end(*sessions)


if __name__ == '__main__':
    unittest.main(verbosity=2)
