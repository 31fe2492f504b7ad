#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that mean harm, at the real mail service: what they try by TLS, BDAT, addresses and
parameters, as open relay, and by wearing it out. One named case for each trick."""

import pathlib
import re
import socket
import ssl
import struct
import threading
import unittest

from support.hostile import ENDINGS, ENVELOPE, GOOD, SMUGGLED, HostileTest, Wire, trusting
from support.relay import Sink
from support.servers import Postfix, wait_for

def proxy_header(client):
    """PROXY v2 that says so, over TCP (section 2.2 of its specification)."""
    six = ':' in client
    family = socket.AF_INET6 if six else socket.AF_INET
    addresses = (socket.inet_pton(family, client) +
                 socket.inet_pton(family, '2001:db8::250' if six else '192.0.2.250') +
                 struct.pack('!HH', 40000, 25))
    return (b'\r\n\r\n\x00\r\nQUIT\n' + bytes([0x21, 0x21 if six else 0x11]) +
            struct.pack('!H', len(addresses)) + addresses)


class InTls(HostileTest):
    def test_endings(self):
        """No malformed end of a message is one inside TLS either."""
        relay = self.secure_relay()
        for name, (ending, text) in ENDINGS.items():
            for bdat in [False, True]:
                for bytewise in [False, True]:
                    with self.subTest(ending=name, bdat=bdat, records='bytes' if bytewise else 1):
                        self.smuggle(relay, ending, text, bdat, bytewise)
        expected = 4 * sum(text for _, text in ENDINGS.values())
        self.send(relay, message=GOOD)
        messages = relay.wait_messages('anna@example.com', expected + 1)
        self.assertEqual(len(messages), expected + 1)
        for message in messages:
            self.assertFalse(message.startswith(b'Return-Path: <evil@'), message)

    def smuggle(self, relay, ending, text, bdat, bytewise):
        content = b'Subject: first\r\n\r\nHi' + ending + SMUGGLED
        with Wire(relay.tls_port, tls=True) as wire:
            wire.begin()
            if bdat:
                wire.send(b'BDAT %d LAST\r\n' % len(content))
            else:
                self.assert_reply(wire.say(b'DATA'), b'354 ')
            wire.send(*([content[i:i + 1] for i in range(len(content))] if bytewise
                        else [content]))
            self.assert_reply(wire.reply(), *([b'250 '] if text
                                              else [b'550 5.6.11', b'554 5.6.11']))

    INJECTED = {
        'EHLO': b'EHLO x.example\r\n', 'NOOP': b'NOOP\r\n', 'a byte': b'x', 'a line end': b'\r\n',
        'a whole message': b'EHLO x.example\r\n' + SMUGGLED, 'NUL': b'\0',
        'the handshake': b'\x16\x03\x01\x00\x04',
    }

    def test_bytes_after_starttls(self):
        relay = self.secure_relay()
        for name, injected in self.INJECTED.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                wire.send(b'STARTTLS\r\n' + injected)
                self.assert_reply(wire.rest(), b'554 5.5.1 ')
        self.only_good(relay)

    def test_bytes_between_starttls_and_handshake(self):
        """In a segment of their own, after the 220: they are no handshake, and no commands."""
        relay = self.secure_relay()
        for name, injected in self.INJECTED.items():
            if name == 'the handshake':
                continue
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                self.assert_reply(wire.say(b'STARTTLS'), b'220 ')
                wire.send(injected)
                wire.send_end()
                # At most an alert of TLS comes, never a reply.
                self.assertNotRegex(wire.rest(), rb'^[2-5]\d\d')
        self.only_good(relay)

    def test_starttls_forgets_all(self):
        relay = self.secure_relay()
        with Wire(relay.port) as wire:
            wire.begin()
            wire.say(b'RSET')
            wire.starttls()
            for command in [b'MAIL FROM:<>', b'RCPT TO:<anna@example.com>', b'DATA',
                            b'BDAT 1 LAST\r\nx']:
                with self.subTest(command):
                    self.assert_reply(wire.say(command) if b'\r\n' not in command else
                                      self.after(wire, command), b'503 ')
            # A second one, inside the first.
            wire.hello()
            self.assert_reply(wire.say(b'STARTTLS'), b'503 ', b'502 ')

    def after(self, wire, sent):
        wire.send(sent)
        return wire.reply()

    def test_starttls_within_a_transaction(self):
        relay = self.secure_relay()
        with Wire(relay.port) as wire:
            wire.begin()
            self.assert_reply(wire.say(b'STARTTLS'), b'503 ')
            self.assert_reply(wire.say(b'DATA'), b'354 ')
            wire.send(GOOD + b'.\r\n')
            self.assert_reply(wire.reply(), b'250 ')
        with Wire(relay.port) as wire:
            wire.hello()
            self.assert_reply(wire.say(b'STARTTLS now'), b'501 ')

    CLEAR = {
        'one byte': b'x', 'a line end': b'\r\n', 'a command': b'NOOP\r\n',
        'the rest of the chunk': b'x' * 200, 'a message': b'RSET\r\n' + SMUGGLED,
        'a record': b'\x17\x03\x03\x00\x20' + b'x' * 32, 'much': b'A' * 70000,
    }

    def test_tls_ends_within_a_chunk(self):
        """CVE-2026-45185: after close_notify nothing that comes in clear is read."""
        relay = self.secure_relay()
        chunk = b'Subject: half\r\n\r\n' + b'y' * 84
        versions = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}
        for version, number in versions.items():
            context = trusting()
            context.maximum_version = number
            for offset in [0, 1, 50, 99, 100]:
                for name, clear in self.CLEAR.items():
                    with self.subTest(tls=version, offset=offset, clear=name):
                        self.cut(relay, context, b'BDAT 100 LAST\r\n'[:None if offset < 100 else 8]
                                 + (b'\r\n' if offset == 100 else b'') + chunk[:offset], clear)
        self.only_good(relay)

    def cut(self, relay, context, said, clear):
        with Wire(relay.port) as wire:
            wire.hello()
            wire.starttls(context)
            wire.begin()
            wire.send(said)
            if b'LAST' not in said:
                self.assert_reply(wire.reply(), b'250 ')
            wire.end_tls()
            wire.send(clear)
            # Neither a reply in clear, nor one in a record: the connection is over.
            self.assertNotRegex(wire.rest(), rb'(^|\n)[2-5]\d\d[ -]')

    def test_tls_ends_between_records(self):
        """The same at the other places where one could fall back to clear text."""
        relay = self.secure_relay()
        places = {'after EHLO': [], 'after MAIL': [b'MAIL FROM:<s@sender.example>'],
                  'within DATA': ENVELOPE.splitlines() + [b'DATA']}
        for name, commands in places.items():
            for cleared in ['a command', 'a message', 'a record']:
                with self.subTest(place=name, clear=cleared), Wire(relay.port) as wire:
                    wire.hello()
                    wire.starttls()
                    wire.hello()
                    for command in commands:
                        self.assert_reply(wire.say(command), b'250 ', b'354 ')
                    wire.end_tls()
                    wire.send(self.CLEAR[cleared])
                    self.assertNotRegex(wire.rest(), rb'(^|\n)[2-5]\d\d[ -]')
        self.only_good(relay)


class Bdat(HostileTest):
    # name: (what is sent after the envelope, starts of all replies, whether the session is over)
    CASES = {
        'the largest number': (b'BDAT 18446744073709551615\r\n', [b'552 5.3.4'], True),
        'the largest number, last': (b'BDAT 18446744073709551615 LAST\r\n', [b'552 5.3.4'], True),
        'more than the largest': (b'BDAT 18446744073709551616\r\n', [b'501 '], True),
        'as a 32-bit number it is 0': (b'BDAT 4294967296 LAST\r\n', [b'552 5.3.4'], True),
        'negative': (b'BDAT -1\r\nNOOP\r\n', [b'501 '], True),
        'with a sign': (b'BDAT +5 LAST\r\nHello', [b'501 '], True),
        'hexadecimal': (b'BDAT 0x10 LAST\r\n', [b'501 '], True),
        'no number': (b'BDAT\r\nNOOP\r\n', [b'501 '], True),
        'a word after LAST': (b'BDAT 5 LAST LAST\r\nHello', [b'501 '], True),
        'digits without end': (b'BDAT ' + b'0' * 9000 + b'5 LAST\r\nHello', [b'501 '], True),
        'a bare LF': (b'BDAT 5 LAST\nHello', [b'500 '], True),
        'fewer octets, then gone': (b'BDAT 5 LAST\r\nHell', [], True),
        'a chunk, then gone': (b'BDAT 5\r\nHello', [b'250 '], True),
        'RSET between chunks': (b'BDAT 5\r\nHelloRSET\r\nBDAT 5 LAST\r\nHello',
                                [b'250 ', b'250 ', b'503 '], False),
        'DATA between chunks': (b'BDAT 5\r\nHelloDATA\r\n', [b'250 ', b'503 '], False),
        'more after DATA': (b'BDAT 5\r\nHelloDATA\r\n' + SMUGGLED, [b'250 ', b'554 '], True),
        'MAIL between chunks': (b'BDAT 5\r\nHelloMAIL FROM:<>\r\nRSET\r\n',
                                [b'250 ', b'503 ', b'250 '], False),
        'refused octets are counted': (b'RSET\r\nBDAT %d LAST\r\n' % len(SMUGGLED) + SMUGGLED,
                                       [b'250 ', b'503 '], False),
        'refused twice': (b'RSET\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n',
                          [b'250 ', b'503 ', b'503 '], False),
        'a bare CR at the end of a chunk': (b'BDAT 3\r\nab\rBDAT 1 LAST\r\nx', [b'250 ', b'550 '],
                                            False),
        'NUL': (b'BDAT 3 LAST\r\na\0b', [b'550 5.6.11'], False),
        'more than may be, in pieces': (b'BDAT 1000000\r\n' + b'\r\n' * 500000 +
                                        b'BDAT 1048576 LAST\r\n' + b'y' * 1048576,
                                        [b'250 ', b'552 5.3.4'], False),
        'after LAST': (b'BDAT 3 LAST\r\na\0bBDAT 3 LAST\r\nabc', [b'550 ', b'503 '], False),
    }

    def test_cases(self):
        relay = self.relay()
        for name, (sent, replies, over) in self.CASES.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.begin()
                threading.Thread(target=wire.send, args=(sent,), daemon=True).start()
                for reply in replies:
                    self.assert_reply(wire.reply(), reply)
                if over:
                    wire.send_end()
                    self.assertEqual(wire.rest(), b'')
                else:
                    self.assert_reply(wire.say(b'NOOP'), b'250 ')
        self.only_good(relay)

    def test_what_is_a_message(self):
        """A dot is content, and so is nothing at all."""
        relay = self.relay()
        chunks = {
            'a dot': b'BDAT 21 LAST\r\nSubject: a\r\n\r\nx\r\n.\r\ny',
            'only a dot': b'BDAT 5 LAST\r\n\r\n.\r\n',
            'nothing': b'BDAT 0 LAST\r\n',
            'in many': b'BDAT 14\r\nSubject: a\r\n\r\n' + b'BDAT 1\r\n.' * 5 + b'BDAT 0 LAST\r\n',
        }
        for number, (name, sent) in enumerate(chunks.items(), 1):
            with self.subTest(name), Wire(relay.port) as wire:
                wire.begin()
                wire.send(sent)
                for _ in range(sent.count(b'BDAT ')):
                    self.assert_reply(wire.reply(), b'250 ')
                relay.wait_messages('anna@example.com', number)


class Addresses(HostileTest):
    # name: what stands after MAIL FROM: or RCPT TO:, and is no address
    NONE = {
        'empty domain (CVE-2020-7247)': b'<;sleep 66;>',
        'a pipe': b'<|id>', 'a pipe with a domain in brackets': b'<|id@[>',
        'empty domain after @': b'<"a b"@>', 'a file': b'</etc/passwd>',
        'an include': b'<:include:/etc/passwd>', 'a blank': b'<a b@example.com>',
        'a backquote pair with blanks': b'<`touch x`@example.com>',
        'a line feed': b'<a@example.com\nX: y>', 'a CR': b'<a@example.com\rX: y>',
        'NUL': b'<anna@example.com\0.evil>', 'a quoted line feed': b'<"a\n"@example.com>',
        'a quoted NUL': b'<"a\0"@example.com>', 'an escaped control': b'<"a\\\x01"@example.com>',
        'DEL': b'<a\x7f@example.com>', 'a C1 control': b'<a\xc2\x85@example.com>',
        'not UTF-8': b'<a\xff@example.com>', 'overlong UTF-8': b'<a\xc0\xaf@example.com>',
        'a domain with a slash': b'<a@../../etc>', 'a domain with a quote': b'<a@"x">',
        'a domain of dots': b'<a@..>', 'a name of a dot': b'<.@example.com>',
        'a long name': b'<' + b'a' * 65 + b'@example.com>',
        'a long domain': b'<a@' + b'a.' * 200 + b'com>',
        'two addresses': b'<a@example.com><b@example.com>',
        'two addresses in one': b'<a@example.com,b@example.com>',
        'a half bracket': b'<a@example.com', 'no brackets': b'a@example.com',
        'an endless quote': b'<"a@example.com>', 'a bad literal': b'<a@[1.2.3]>',
        'an empty literal': b'<a@[]>',
    }

    def test_no_addresses(self):
        relay = self.relay(mailboxes='any')
        for name, text in self.NONE.items():
            for verb in [b'MAIL FROM:', b'RCPT TO:']:
                with self.subTest(name, verb=verb), Wire(relay.port) as wire:
                    wire.hello()
                    if verb.startswith(b'RCPT'):
                        wire.say(b'MAIL FROM:<>')
                    wire.send(verb + text + b'\r\n')
                    self.assert_reply(wire.reply(), b'500 ', b'501 ', b'553 ', b'550 ', b'555 ')
        self.assertFalse((relay.state / 'mail').exists())

    # Whatever RFC 5321 allows before the @: name of the mailbox's folder is not what it says.
    NAMES = {
        'a command': b'$(touch canary)', 'backquotes': b'`touch canary`', 'a pipe': b'|touch canary',
        'an expansion (CVE-2019-10149)': b'${run{/bin/sh -c "touch canary"}}',
        'a list': b';touch canary;', 'a format': b'%s%s%n%n', 'up': b'../../../canary',
        'from the root': b'/canary', 'this folder': b'.', 'the folder above': b'..',
        'a file': b'new/canary', 'hidden': b'.canary', 'a quote': b'a"b', 'a backslash': b'a\\b',
        'upper case': b'CANARY', 'a header': b'a: b', 'brackets': b'<>', 'a comment': b'a#b',
        'nothing': b'', 'a percent': b'%2e%2e%2fcanary', 'not ASCII': 'zoë'.encode(),
    }

    def test_names_are_only_names(self):
        """Such mail is delivered, or refused at once; nothing is run, and no file lies outside."""
        relay = self.relay(mailboxes='any')
        accepted = 0
        for name, local in self.NAMES.items():
            quoted = b'"' + local.replace(b'\\', b'\\\\').replace(b'"', b'\\"') + b'"'
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                utf8 = b' SMTPUTF8' if max(local, default=0) > 127 else b''
                self.assert_reply(wire.say(b'MAIL FROM:<%s@sender.example>%s' % (quoted, utf8)),
                                  b'250 ')
                reply = wire.say(b'RCPT TO:<%s@example.com>' % quoted)
                self.assert_reply(reply, b'250 ', b'550 ', b'553 ')
                if reply.startswith(b'250 '):
                    accepted += 1
                    self.assert_reply(wire.say(b'DATA'), b'354 ')
                    wire.send(GOOD + b'.\r\n')
                    self.assert_reply(wire.reply(), b'250 ')
        self.assertGreater(accepted, 10)
        wait_for(lambda: sum(': delivered ' in line for line in relay.log) >= accepted,
                 'all deliveries', process=relay.process)
        delivered = list(relay.state.rglob('new/*'))
        self.assertEqual(len(delivered), accepted)
        for path in delivered:
            # mail/DOMAIN/MAILBOX/new/MESSAGE
            self.assertEqual(len(path.relative_to(relay.state / 'mail').parts), 4, path)
        self.assertEqual([p for p in relay.root.rglob('canary')
                          if p.parent != relay.state / 'mail/example.com'], [])
        self.assertFalse(pathlib.Path('canary').exists() or pathlib.Path('/canary').exists())


class Injections(HostileTest):
    # Parameters and names that would become lines, fields or controls where they are written.
    MAIL = {
        'ENVID with CR LF': b'ENVID=a+0D+0AX-Evil:+20yes', 'ENVID with LF': b'ENVID=a+0Ab',
        'ENVID with NUL': b'ENVID=a+00', 'ENVID with DEL': b'ENVID=a+7F',
        'ENVID not ASCII': b'ENVID=a+C3+AB', 'half a hexchar': b'ENVID=a+0',
        'ENVID in lower case': b'ENVID=a+0a', 'ENVID empty': b'ENVID=',
        'ENVID too long': b'ENVID=' + b'a' * 101, 'ENVID twice': b'ENVID=a ENVID=b',
        'AUTH with CR LF': b'AUTH=a+0D+0A@x', 'RET': b'RET=a+0A', 'SIZE overflow':
        b'SIZE=18446744073709551616', 'SIZE negative': b'SIZE=-1', 'BODY': b'BODY=8BIT+0A',
        'MT-PRIORITY': b'MT-PRIORITY=99999999999', 'many': b' '.join(b'X%d=1' % i
                                                                   for i in range(60)),
        'unknown': b'X-Evil=1', 'no name': b'=a', 'a control': b'ENVID=\x01',
    }
    RCPT = {
        'ORCPT with LF': b'ORCPT=rfc822;a+0Ab@c', 'ORCPT with CR LF': b'ORCPT=rfc822;a+0D+0AX:y',
        'ORCPT with NUL': b'ORCPT=rfc822;a+00b', 'ORCPT without type': b'ORCPT=a@b',
        'ORCPT with a type of two lines': b'ORCPT=rfc+0A822;a@b', 'ORCPT empty': b'ORCPT=rfc822;',
        'ORCPT in UTF-8 with a control': b'ORCPT=utf-8;a\\x{A}b@c',
        'ORCPT with a C1 control': b'ORCPT=utf-8;a\\x{85}b@c',
        'NOTIFY of both': b'NOTIFY=NEVER,FAILURE', 'NOTIFY unknown': b'NOTIFY=X',
    }

    def test_parameters(self):
        relay = self.relay()
        for name, text in self.MAIL.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                self.assert_reply(wire.say(b'MAIL FROM:<s@sender.example> ' + text),
                                  b'501 ', b'555 ', b'504 ', b'552 ', b'500 ')
        for name, text in self.RCPT.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.hello()
                wire.say(b'MAIL FROM:<s@sender.example>')
                self.assert_reply(wire.say(b'RCPT TO:<anna@example.com> ' + text),
                                  b'501 ', b'555 ', b'504 ')

    HELLO = {
        'a line feed': b'EHLO a\nReceived: x', 'a CR': b'EHLO a\rReceived: x', 'NUL': b'EHLO a\0b',
        'a comment': b'EHLO a)(b', 'blanks': b'EHLO a b c', 'a tab': b'EHLO a\tb',
        'brackets': b'EHLO <x>', 'quotes': b'EHLO "x', 'not UTF-8': b'EHLO \xff\xfe',
        'an escape': b'EHLO \x1b[2J', 'long': b'EHLO ' + b'a' * 400, 'as a log': b'EHLO a event=b',
        'a semicolon': b'EHLO x; Mon, 1 Jan 2024 00:00:00 +0000',
    }

    def test_hello(self):
        """No name that would not stay in its place in Received, or in the log."""
        relay = self.relay(diagnostics='<diagnostics><category name="smtp-protocol" '
                                       'level="maximum"/></diagnostics>')
        for name, text in self.HELLO.items():
            with self.subTest(name), Wire(relay.port) as wire:
                wire.send(text + b'\r\n')
                self.assert_reply(wire.reply(), b'501 ', b'500 ')
        self.only_good(relay)
        self.check_log(relay)

    def check_log(self, relay):
        for line in relay.log:
            self.assertNotRegex(line, '[\x00-\x08\x0b-\x1f\x7f]')
            self.assertRegex(line, r'^(ready$|pointsman-relayd: )')

    def test_what_is_allowed_stays_in_its_field(self):
        """An ENVID and an ORCPT that try, by what xtext may hold, reach the report as one field."""
        sink = Sink(RCPT='550 5.1.1 no')
        self.addCleanup(sink.close)
        relay = self.relay(routes='<route domain="partner.example"><forward>' + sink.host() +
                                  '</forward></route>')
        with Wire(relay.port) as wire:
            wire.hello()
            self.assert_reply(wire.say(b'MAIL FROM:<anna@example.com> '
                                       b'ENVID=x+3B+20Action:+20delivered'), b'250 ')
            self.assert_reply(wire.say(b'RCPT TO:<p@partner.example> NOTIFY=FAILURE '
                                       b'ORCPT=rfc822;Final-Recipient:+20rfc822;+20b@c'), b'250 ')
            self.assert_reply(wire.say(b'DATA'), b'354 ')
            wire.send(GOOD + b'.\r\n')
            self.assert_reply(wire.reply(), b'250 ')
        raw, = relay.wait_messages('anna@example.com')
        for field in [b'Original-Envelope-Id', b'Original-Recipient', b'Action',
                      b'Final-Recipient']:
            self.assertEqual(len(re.findall(rb'^%s: ' % field, raw, re.M)), 1, raw)
        self.assertIn(b'\nAction: failed\n', raw)
        self.check_log(relay)


class Backscatter(HostileTest):
    def test_unknown_recipients(self):
        """They are refused while their sender is there; the one whose name it used hears nothing."""
        victim = Sink()
        self.addCleanup(victim.close)
        relay = self.relay(restrictions='',
                           routes='<route domain="victim.example"><forward>' + victim.host() +
                                  '</forward></route>'
                                  '<route domain="old.example"><rewrite domain="example.com"/>'
                                  '</route>')
        for to in [b'nobody@example.com', b'nobody@old.example', b'x@elsewhere.example',
                   b'"anna "@example.com', b'anna+x@example.com', b'anna@sub.example.net']:
            with self.subTest(to), Wire(relay.port) as wire:
                wire.hello()
                wire.say(b'MAIL FROM:<poor@victim.example>')
                self.assert_reply(wire.say(b'RCPT TO:<%s>' % to), b'550 5.1.1', b'550 5.7.1')
                # And the message after it is not taken.
                self.assert_reply(wire.say(b'DATA'), b'554 ', b'503 ')
        # What goes to the victim now is the first that it sees.
        self.send(relay, to=b'v@victim.example', message=GOOD)
        self.assertIn('<s@sender.example>', victim.get()[0])
        self.assertEqual(sum(line.startswith('MAIL') for line in victim.commands), 1)

    def test_null_sender_gets_no_report(self):
        """A 5xx for mail from <> is for the administrator, not for anybody else."""
        sink = Sink(RCPT='550 5.1.1 no')
        self.addCleanup(sink.close)
        relay = self.relay(routes='<route domain="partner.example"><forward>' + sink.host() +
                                  '</forward></route>')
        self.send(relay, to=b'p@partner.example', sender=b'')
        raw, = relay.wait_messages('admin@example.com')
        self.assertIn(b'Final-Recipient: rfc822;p@partner.example', raw)
        self.assertTrue(raw.startswith(b'Return-Path: <>\n'), raw)
        relay.write_site(routes=relay.values['routes'] + '<!-- -->')
        self.assertEqual([c for c in sink.commands if c.startswith('MAIL')], ['MAIL FROM:<>'])


# What open relays fall for: nmap's smtp-open-relay and DSBL's list. {us}: a domain of ours, {ip}:
# the address of ours, {ext}: a domain elsewhere.
RELAY_SENDERS = [b'<>', b'<relaytest@{ext}>', b'<relaytest@{us}>', b'<relaytest@[{ip}]>',
                 b'<relaytest>', b'<anna@{us}>', b'<relaytest@localhost>']
RELAY_RECIPIENTS = [
    b'<u@{ext}>', b'<u%{ext}@[{ip}]>', b'<u%{ext}@{us}>', b'<"u@{ext}">', b'<"u%{ext}">',
    b'<u@{ext}@[{ip}]>', b'<"u@{ext}"@[{ip}]>', b'<u@{ext}@{us}>', b'<"u@{ext}"@{us}>',
    b'<@[{ip}]:u@{ext}>', b'<@{us}:u@{ext}>', b'<{ext}!u>', b'<{ext}!u@[{ip}]>',
    b'<{ext}!u@{us}>', b'u@{ext}', b'<u@{ext}.>', b'<u%{ext}@localhost>',
    b'<"u@{ext}"@localhost>', b'<@localhost:u@{ext}>', b'<u%{ext}>', b'<{us}!{ext}!u@{us}>',
    b'<u%{ext}%{us}@{us}>', b'<@{us},@{ext}:u@{ext}>', b'<u@{ext}@localhost>', b'<U@{EXT}>',
    b'<u@[192.0.2.1]>', b'<u@[IPv6:2001:db8::1]>', b'<u@[IPv6:::ffff:192.0.2.1]>',
    b'<u%{ext}@{us}.>', b'<u@{us}.{ext}>', b'<u@x{us}>', b'<u@{us}@{ext}>',
    b'<u@xn--bcher-kva.{ext}>', 'ü@bücher.{ext}'.encode(), b'<u@{ext} >', b'< u@{ext}>',
]


class OpenRelay(HostileTest):
    def fill(self, text):
        for name, value in {b'{us}': b'example.com', b'{ip}': b'127.0.0.1', b'{ext}':
                            b'elsewhere.example', b'{EXT}': b'ELSEWHERE.EXAMPLE'}.items():
            text = text.replace(name, value)
        return text

    def verdicts(self, port):
        """The recipients, each with its sender, that are accepted."""
        accepted = set()
        with Wire(port, greeted=True) as wire:
            wire.hello()
            for sender in RELAY_SENDERS:
                for recipient in RELAY_RECIPIENTS:
                    wire.close()
                    wire = Wire(port).hello()
                    if not wire.say(self.fill(b'MAIL FROM:' + sender)).startswith(b'250'):
                        break
                    if wire.say(self.fill(b'RCPT TO:' + recipient)).startswith(b'25'):
                        accepted.add((sender, recipient))
            wire.close()
        return accepted

    def test_as_postfix(self):
        """None is relayed, and what Postfix refuses is not accepted here either."""
        relay = self.relay(restrictions='', mailboxes='any')
        postfix = Postfix(['example.com'], 'smtpd_relay_restrictions = reject_unauth_destination\n'
                          'mynetworks =\nsmtpd_recipient_restrictions =\n'
                          'smtpd_error_sleep_time = 0\nsmtpd_client_connection_rate_limit = 0\n')
        self.addCleanup(postfix.close)
        ours, theirs = self.verdicts(relay.port), self.verdicts(postfix.port)
        # Names with % and ! at a domain or an address of ours are mailboxes here (accept="any"), that
        # nobody rewrites; Postfix refuses what it would rewrite, and address literals of its own.
        names = {r for r in RELAY_RECIPIENTS
                 if re.search(rb'(?<!@{ext})@({us}\.?|\[{ip}\])>$', r) or r.endswith(b'"@{us}>') or
                 r.endswith(b'"@[{ip}]>')}
        self.assertEqual({pair for pair in ours - theirs if pair[1] not in names}, set())
        self.assertEqual({pair for pair in theirs - ours}, set())
        self.assertLessEqual({recipient for _, recipient in ours}, names)
        # And it is nowhere else that such mail goes.
        for recipient in {recipient for _, recipient in ours}:
            self.send(relay, to=self.fill(recipient)[1:-1], message=GOOD)
        count = len({recipient for _, recipient in ours})
        wait_for(lambda: sum(': delivered ' in line for line in relay.log) >= count, 'delivery',
                 process=relay.process)
        self.assertFalse(relay.logged('deferred') or relay.logged('relayed'), relay.log)

    def test_mailboxes_that_exist(self):
        relay = self.relay(restrictions='')
        self.assertEqual(self.verdicts(relay.port), set())

    # name: (the client, the network that may relay, whether it is in it)
    CLIENTS = {
        'itself': ('192.0.2.7', '192.0.2.7', True),
        'mapped into IPv6': ('::ffff:192.0.2.7', '192.0.2.7', True),
        'mapped, another': ('::ffff:192.0.2.8', '192.0.2.7', False),
        'compatible': ('::192.0.2.7', '192.0.2.7', False),
        'the same bytes': ('c000:207::', '192.0.2.7', False),
        'loopback of IPv6': ('::1', '192.0.2.0/24', False),
        'the zero network': ('0.0.0.0', '192.0.2.0/24', False),
    }

    def test_client_addresses(self):
        """A client mapped into IPv6 is the IPv4 client, and nobody is trusted by accident."""
        for name, (client, network, allowed) in self.CLIENTS.items():
            with self.subTest(name):
                relay = self.relay(start=False, restrictions=f'<allow network="{network}"/>')
                relay.write_site(
                    listen=f'<listen address="127.0.0.1" port="{relay.port}" proxy="yes"/>',
                    accept='<accept-connections><host network="127.0.0.1" action="accept" '
                           'proxy="yes"/></accept-connections>')
                relay.start()
                with Wire(relay.port, greeted=False) as wire:
                    wire.send(proxy_header(client))
                    self.assert_reply(wire.reply(), b'220 ')
                    wire.hello()
                    wire.say(b'MAIL FROM:<>')
                    self.assert_reply(wire.say(b'RCPT TO:<u@elsewhere.example>'),
                                      b'250 ' if allowed else b'550 5.7.1')

    def test_who_it_claims_to_be(self):
        """XCLIENT and a PROXY header from anybody change nothing."""
        relay = self.relay(restrictions='<allow network="192.0.2.7"/>')
        with Wire(relay.port) as wire:
            self.assertNotIn(b'XCLIENT', wire.say(b'EHLO c.example'))
            self.assert_reply(wire.say(b'XCLIENT ADDR=192.0.2.7'), b'5')
            wire.say(b'MAIL FROM:<>')
            self.assert_reply(wire.say(b'RCPT TO:<u@elsewhere.example>'), b'550 5.7.1')
        with Wire(relay.port) as wire:
            wire.send(b'PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n')
            self.assert_reply(wire.reply(), b'500 ', b'502 ', b'503 ')


if __name__ == '__main__':
    unittest.main(verbosity=2)
