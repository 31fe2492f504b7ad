# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages for the tests of interoperation, each known again by a word of its own, and what must
be true of one that arrived."""

import itertools
import smtplib

HEADER = ('From: Sender <reports@{home}>\r\nTo: People <anna@{domain}>\r\n'
          'Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{word}@client.test>\r\n'
          'Subject: {word}\r\nX-Folded: one\r\n  two\r\nMIME-Version: 1.0\r\n'
          'Content-Type: text/plain; charset=utf-8\r\n'
          'Content-Transfer-Encoding: {encoding}\r\n\r\n')
LINE = b'What a long line of sixty-four bytes this is, and it ends here.\r\n'
BODIES = {
    'small': b'Hello.\r\n',
    '8-bit': 'Grüße aus Köln, 日本語\r\n'.encode() + b'\xff\xfe not even UTF-8\r\n',
    'dots': b'.\r\n..\r\n.x\r\n...\r\n\r\n.\r\nFrom here\r\n..\r\n',
    'long': LINE * (1024 * 1024 // len(LINE)),
    'blank': b'\r\n\r\n \r\n\t\r\ntrailing  \r\n\r\n\r\n',
    'utf8': b'To one whose name is not ASCII.\r\n',
    'success': b'Tell me that it arrived.\r\n',
    'refused': b'One of three is not known.\r\n',
}
_numbers = itertools.count(1)


class Letter:
    """One of BODIES from `reports@home` to people at `domain`, where `missing` is nobody."""

    def __init__(self, kind, home, domain, missing):
        self.kind, self.sender, self.domain = kind, f'reports@{home}', domain
        self.word = f'letter-{next(_numbers)}-{kind}'
        encoding = '8bit' if kind in ('8-bit', 'utf8') else '7bit'
        self.bytes = HEADER.format(home=home, domain=domain, word=self.word,
                                   encoding=encoding).encode() + BODIES[kind]
        names = {'utf8': ['björn'], 'refused': ['anna', missing, 'bert']}.get(kind, ['anna'])
        self.to = [f'{name}@{domain}' for name in names]

    @property
    def is_for_all(self):
        return self.kind != 'refused'

    def send(self, client):
        mail, rcpt = [], []
        if self.kind in ('8-bit', 'utf8'):
            mail.append('BODY=8BITMIME')
        if self.kind == 'utf8':
            mail.append('SMTPUTF8')
        if self.kind == 'success':
            mail += ['RET=HDRS', f'ENVID={self.word}']
            rcpt += ['NOTIFY=SUCCESS', f'ORCPT=rfc822;first+2B{self.to[0]}']
        refused = client.sendmail(self.sender, self.to, self.bytes, mail, rcpt)
        assert not refused, refused

    def is_in(self, messages):
        """The message itself as it arrived, with LF for line ends; not a report about it."""
        subject = f'\nSubject: {self.word}\n'.encode()
        for message in messages:
            message = message.replace(b'\r\n', b'\n')
            head, _, _ = message.partition(b'\n\n')
            if subject in b'\n' + head + b'\n':
                return message
        return None

    def report_in(self, messages):
        """The report about it."""
        for message in messages:
            if self.word.encode() in message and b'message/delivery-status' in message:
                return message.replace(b'\r\n', b'\n').decode('utf-8', 'replace')
        return None

    def is_whole(self, arrived):
        """Nothing but whole header fields stands before what was sent."""
        return arrived.endswith(self.bytes.replace(b'\r\n', b'\n'))


def post(port, letters):
    with smtplib.SMTP('127.0.0.1', port, timeout=30) as client:
        client.ehlo()
        for letter in letters:
            letter.send(client)
