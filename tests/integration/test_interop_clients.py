#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""What people send mail with: swaks, msmtp, nodemailer, curl and smtplib submit to the mail service
over both kinds of TLS, and only who has an account."""

import contextlib
import os
import shutil
import smtplib
import ssl
import subprocess
import unittest

from support import private
from support.certificates import Authority
from support.relay import Relay
from support.servers import free_port, wait_for

USER, PASSWORD = 'anna@example.com', 'right one'
NAME = 'mail1.example.com'
MESSAGE = ('From: anna@example.com\r\nTo: admin@example.com\r\nSubject: {word}\r\n\r\n'
           'Hello.\r\n.\r\n..two\r\n')
NODE = '''
const nodemailer = require('/usr/share/nodejs/nodemailer');
const [port, secure, user, pass, ca, word, to] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  pool: true, maxConnections: 2, host: '127.0.0.1', port: +port, secure: secure === 'yes',
  requireTLS: true, auth: user ? { user, pass } : undefined,
  tls: { ca: require('fs').readFileSync(ca), servername: 'mail1.example.com' } });
Promise.all([1, 2, 3].map((n) => transport.sendMail({
  from: 'anna@example.com', to, subject: `${word}-${n}`, text: 'Grüße\\n.\\n',
  dsn: { id: word, return: 'headers', notify: ['success'], recipient: 'admin@example.com' } })))
  .then(() => transport.close(),
        (e) => { console.error(e.message); transport.close(); process.exitCode = 1; });
'''


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.authority = Authority()
        stack.callback(cls.authority.close)
        relay = cls.relay = Relay()
        stack.callback(relay.remove)
        cls.submission, cls.implicit = free_port(), free_port()
        chain, key = cls.authority.issue(NAME)
        relay.write_site(
            listen=f'<listen address="127.0.0.1" port="{cls.submission}" role="submission"/>'
                   f'<listen address="127.0.0.1" port="{cls.implicit}" role="submission" '
                   f'tls="implicit"/>',
            security=f'<security><certificate chain="{chain}" key="{key}"/>'
                     f'<accounts source="file"/></security>')
        subprocess.run([os.environ['POINTSMANCTL'], '--config', relay.config, 'account', 'add',
                        USER], input=PASSWORD + '\n', text=True, check=True,
                       stdout=subprocess.DEVNULL)
        relay.start()

    def run_client(self, *words, text=''):
        if shutil.which(words[0]) is None:
            self.skipTest(f'{words[0]} is not installed')
        return subprocess.run([str(word) for word in words], input=text, text=True, timeout=60,
                              capture_output=True, env=dict(os.environ, HOME='/nonexistent'))

    def arrived(self, word, end=b'Hello.\n.\n..two\n'):
        message = wait_for(lambda: next((m for m in self.relay.messages('admin@example.com')
                                         if f'\nSubject: {word}'.encode() in m), None), word)
        message = message.replace(b'\r\n', b'\n')
        self.assertTrue(message.endswith(end), message)
        self.assertIn(b'with ESMTPSA', message)

    def works(self, word, done, **more):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, **more)

    def refused(self, done):
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, '5[35][0-9]|uth|Login denied')

    def swaks(self, *words, text):
        return self.run_client('swaks', '--server', '127.0.0.1', '--from', USER, '--to',
                               'admin@example.com', '--data', '-', *words, text=text)

    def test_swaks(self):
        for tls in ['tls', 'tls-on-connect']:
            port = self.submission if tls == 'tls' else self.implicit
            way = ['--port', port, f'--{tls}']
            for mechanism in ['PLAIN', 'LOGIN']:
                with self.subTest(tls=tls, mechanism=mechanism):
                    word = f'swaks-{tls}-{mechanism}'
                    login = ['--auth', mechanism, '--auth-user', USER, '--auth-password']
                    text = MESSAGE.format(word=word).replace('\r\n', '\n')
                    self.works(word, self.swaks(*way, *login, PASSWORD, '--pipeline', text=text),
                               end=b'Hello.\n.\n..two\n\n')
                    self.refused(self.swaks(*way, *login, 'wrong', text=text))
                    self.refused(self.swaks(*way, text=text))

    def test_swaks_in_clear_is_refused(self):
        self.refused(self.swaks('--port', self.submission, text=MESSAGE.format(word='clear')))

    def msmtp(self, text, port, starttls, mechanism, password=PASSWORD):
        login = [f'--auth={mechanism}', f'--user={USER}', f'--passwordeval=echo {password}']
        return self.run_client(
            'msmtp', '--host=127.0.0.1', f'--port={port}', f'--from={USER}', '--tls=on',
            f'--tls-starttls={starttls}', f'--tls-trust-file={self.authority.file}',
            f'--tls-host-override={NAME}',
            *(login if mechanism else ['--auth=off']), 'admin@example.com',
            text=text.replace('\r\n', '\n'))

    def test_msmtp(self):
        for port, starttls in [(self.submission, 'on'), (self.implicit, 'off')]:
            for mechanism in ['scram-sha-256', 'plain', 'login']:
                with self.subTest(starttls=starttls, mechanism=mechanism):
                    word = f'msmtp-{starttls}-{mechanism}'
                    text = MESSAGE.format(word=word)
                    self.works(word, self.msmtp(text, port, starttls, mechanism))
                    self.refused(self.msmtp(text, port, starttls, mechanism, 'wrong'))
            self.refused(self.msmtp(MESSAGE.format(word='none'), port, starttls, None))

    def test_nodemailer(self):
        if not os.path.isdir('/usr/share/nodejs/nodemailer'):
            self.skipTest('node-nodemailer is not installed')
        script = self.relay.root / 'client.js'
        script.write_text(NODE)
        for port, secure in [(self.submission, 'no'), (self.implicit, 'yes')]:
            with self.subTest(secure=secure):
                word = f'nodemailer-{secure}'

                def run(user, password):
                    return self.run_client('node', script, port, secure, user, password,
                                           self.authority.file, word, 'admin@example.com')

                done = run(USER, PASSWORD)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                for number in range(1, 4):
                    self.arrived(f'{word}-{number}', end=b'\n')
                wait_for(lambda: any(f'Original-Envelope-Id: {word}'.encode() in m
                                     for m in self.relay.messages(USER)), 'a report of success')
                self.refused(run(USER, 'wrong'))
                self.refused(run('', ''))

    def test_curl(self):
        for scheme, port in [('smtp', self.submission), ('smtps', self.implicit)]:
            for option in ['AUTH=PLAIN', 'AUTH=LOGIN']:
                with self.subTest(scheme=scheme, option=option):
                    word = f'curl-{scheme}-{option}'

                    def run(*login):
                        return self.run_client(
                            'curl', '-sS', '--ssl-reqd', '--cacert', self.authority.file,
                            '--connect-to', f'{NAME}:{port}:127.0.0.1:{port}', '--mail-from', USER,
                            '--mail-rcpt', 'admin@example.com', '-T', '-', *login,
                            f'{scheme}://{NAME}:{port}', text=MESSAGE.format(word=word))

                    option = ['--login-options', option]
                    self.works(word, run('-u', f'{USER}:{PASSWORD}', *option))
                    self.refused(run('-u', f'{USER}:wrong', *option))
                    self.refused(run())

    def test_smtplib(self):
        context = ssl.create_default_context(cafile=self.authority.file)
        context.check_hostname = False
        for implicit in [False, True]:
            with self.subTest(implicit=implicit), (
                    smtplib.SMTP_SSL('127.0.0.1', self.implicit, timeout=20, context=context)
                    if implicit else smtplib.SMTP('127.0.0.1', self.submission, timeout=20)
            ) as client:
                if not implicit:
                    client.starttls(context=context)
                word = f'smtplib-{implicit}'
                message = USER, ['admin@example.com'], MESSAGE.format(word=word)
                with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
                    client.sendmail(*message)
                self.assertEqual(refused.exception.smtp_code, 530)
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    client.login(USER, 'wrong')
                client.login(USER, PASSWORD)
                client.sendmail(*message)
                self.arrived(word)


if __name__ == '__main__':
    private.hold_together()
    unittest.main()
