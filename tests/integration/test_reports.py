#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders, the log and message tracking hear of a message, from a running mail service."""

import email
import email.policy
import smtplib
import sqlite3
import sys
import unittest

from test_relayd import MESSAGE, RelayTest, forward, send
from support.servers import wait_for

DSN = {'EHLO': '250-sink\r\n250-PIPELINING\r\n250 DSN'}


def send_with(relay, to, mail_options=(), rcpt_options=(), sender='anna@example.com'):
    with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
        client.sendmail(sender, [to], MESSAGE, mail_options, rcpt_options)


def read_reports(relay, n, address='anna@example.com'):
    """Of each report in a mailbox: its subject, the fields of the message, of its recipient, and
    the type of what it returns."""
    found = []
    for raw in relay.wait_messages(address, n):
        report = email.message_from_bytes(raw, policy=email.policy.default)
        parts = list(report.iter_parts())
        fields = parts[1].get_payload()
        assert report['Return-Path'] == '<>' and len(parts) == 3 and len(fields) == 2, report
        found.append((report['Subject'], fields[0], fields[1], parts[2].get_content_type()))
    return found


class Reports(RelayTest):
    def test_receipt_of_a_mailbox(self):
        relay = self.relay()
        send_with(relay, 'admin@example.com', ['RET=HDRS', 'ENVID=QQ+2B1'],
                  ['NOTIFY=SUCCESS', 'ORCPT=rfc822;Adm+2Bin@example.com'])
        (subject, message, recipient, kind), = read_reports(relay, 1)
        self.assertIn('Delivered', subject)
        self.assertEqual(message['Original-Envelope-Id'], 'QQ+1')
        self.assertEqual(recipient['Action'], 'delivered')
        self.assertEqual(recipient['Status'][0], '2')
        self.assertEqual(recipient['Original-Recipient'], 'rfc822;Adm+in@example.com')
        self.assertEqual(recipient['Final-Recipient'], 'rfc822;admin@example.com')
        self.assertEqual(kind, 'text/rfc822-headers')
        relay.wait_logged('reported', 'what=success', 'to=anna@example.com')

    def test_receipt_of_a_host_that_gives_none(self):
        sink = self.sink()
        relay = self.relay(routes=forward('partner.example', sink))
        send_with(relay, 'p@partner.example', (), ['NOTIFY=SUCCESS,FAILURE'])
        (_, _, recipient, _), = read_reports(relay, 1)
        self.assertEqual(recipient['Action'], 'relayed')

    def test_a_host_that_knows_dsn_reports_itself(self):
        sink = self.sink(**DSN)
        relay = self.relay(routes=forward('partner.example', sink))
        send_with(relay, 'p@partner.example', ['RET=FULL', 'ENVID=E1'],
                  ['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;p@partner.example'])
        sender, recipients, _ = sink.get()
        self.assertIn('RET=FULL', sender)
        self.assertIn('ENVID=E1', sender)
        self.assertIn('NOTIFY=SUCCESS,DELAY', recipients[0])
        self.assertIn('ORCPT=rfc822;p@partner.example', recipients[0])
        relay.wait_logged('relayed', 'to=p@partner.example')
        send(relay, 'anna@example.com', sender='marker@sender.example')
        raw, = relay.wait_messages('anna@example.com')
        self.assertIn(b'marker@sender.example', raw)
        self.assertFalse(relay.logged('reported'))

    def test_never(self):
        sink = self.sink(RCPT='550 5.1.1 nobody')
        relay = self.relay(routes=forward('partner.example', sink))
        send_with(relay, 'p@partner.example', (), ['NOTIFY=NEVER'])
        relay.wait_logged('bounced', 'to=p@partner.example', 'what=report-unwanted')
        send(relay, 'anna@example.com', sender='marker@sender.example')
        self.assertEqual(len(relay.wait_messages('anna@example.com')), 1)

    def test_the_whole_message_comes_back(self):
        sink = self.sink(RCPT='550 5.1.1 nobody')
        relay = self.relay(routes=forward('partner.example', sink))
        send_with(relay, 'p@partner.example', ['RET=FULL'])
        (_, _, recipient, kind), = read_reports(relay, 1)
        self.assertEqual((recipient['Action'], recipient['Status']), ('failed', '5.1.1'))
        self.assertIn('550 5.1.1 nobody', recipient['Diagnostic-Code'])
        self.assertEqual(kind, 'message/rfc822')

    def test_a_report_that_nobody_takes(self):
        sink = self.sink(RCPT='550 5.1.1 nobody')
        relay = self.relay(routes=forward('partner.example', sink))
        send_with(relay, 'p@partner.example', sender='')
        (subject, _, recipient, _), = read_reports(relay, 1, 'admin@example.com')
        self.assertEqual(subject, 'Undeliverable report')
        self.assertEqual(recipient['Final-Recipient'], 'rfc822;p@partner.example')

    def test_flood(self):
        sink = self.sink(RCPT='550 5.1.1 nobody')
        relay = self.relay(routes=forward('partner.example', sink))
        with smtplib.SMTP('127.0.0.1', relay.port, timeout=20) as client:
            for _ in range(55):
                client.sendmail('anna@example.com', ['p@partner.example'], MESSAGE)
        wait_for(lambda: sum('bounced' in line and 'reports-too-many' in line
                             for line in list(relay.log)) == 5, 'five reports are not made', 60)
        self.assertEqual(len(relay.wait_messages('anna@example.com', 50)), 50)


class Tracking(RelayTest):
    def events(self, relay, *, where='1'):
        path = f'file:{relay.state}/tracking.db?mode=ro'
        database = sqlite3.connect(path, uri=True)
        try:
            return database.execute('SELECT event, message, sender, recipient, relay, reply, other'
                                    f' FROM events WHERE {where} ORDER BY id').fetchall()
        finally:
            database.close()

    def test_story_of_a_message(self):
        sink = self.sink(RCPT=['451 4.3.0 later', '550 5.1.1 nobody'])
        relay = self.relay(routes=forward('partner.example', sink), retry='1s')
        send_with(relay, 'p@partner.example')
        read_reports(relay, 1)
        stories = wait_for(lambda: [e for e in self.events(relay) if e[0] == 'bounced'],
                           'the end is tracked')
        number = stories[0][1]
        story = self.events(relay, where=f'message = {number}')
        self.assertEqual([event[0] for event in story],
                         ['accepted', 'deferred', 'reported', 'bounced'])
        self.assertEqual(story[0][2], 'anna@example.com')
        self.assertEqual(story[1][3], 'p@partner.example')
        self.assertIn(str(sink.port), story[1][4])
        self.assertEqual(story[1][5], '451 4.3.0 later')
        self.assertEqual(story[3][5], '550 5.1.1 nobody')
        # The report has a story of its own, and the log tells the same by the same number.
        report = wait_for(lambda: self.events(relay, where=f'message = {story[2][6]} '
                                              "AND event = 'delivered'"), 'the report is tracked')
        self.assertEqual(report[0][3], 'anna@example.com')
        for word in ['accepted', 'deferred', 'reported', 'bounced']:
            relay.wait_logged(f'{word} id={number} ')

    def test_refused(self):
        relay = self.relay()
        self.refused(relay, 'nobody@example.com')
        found = wait_for(lambda: self.events(relay, where="event = 'refused'"), 'it is tracked')
        self.assertEqual(found[0][3], 'nobody@example.com')
        self.assertIn('5.1.1', found[0][5])


class Diagnostics(RelayTest):
    def test_categories(self):
        sink = self.sink()
        relay = self.relay(routes=forward('partner.example', sink))
        topics = ['inbound', 'outbound', 'queue', 'routing']

        def said(level):
            categories = ''.join(f'<category name="{t}" level="{level}"/>' for t in topics)
            relay.write_site(diagnostics=f'<diagnostics>{categories}</diagnostics>')
            relay.log.clear()
            relay.reload()
            relay.wait_logged('reloaded')
            relay.log.clear()
            send(relay, 'p@partner.example')
            self.refused(relay, 'nobody@example.com')
            sink.get()
            relay.wait_logged('relayed')
            if level in ['medium', 'maximum']:
                relay.wait_logged(': queue ', 'what=gone')
            # A marker, after which nothing of the above is still to come.
            relay.reload()
            relay.wait_logged('reloaded')
            lines = [line.split(': ', 1)[1].split() for line in list(relay.log) if ': ' in line]
            return [(line[0], ' '.join(line[1:])) for line in lines if line and line[0] in topics]

        self.assertEqual(said('none'), [])
        minimum = said('minimum')
        self.assertEqual({topic for topic, _ in minimum}, {'inbound', 'routing'})
        self.assertTrue(all('action=reject' in rest for topic, rest in minimum
                            if topic == 'routing'), minimum)
        medium = said('medium')
        self.assertEqual({topic for topic, _ in medium}, set(topics))
        self.assertTrue(any('action=forward' in rest and 'rule=partner.example' in rest
                            for topic, rest in medium if topic == 'routing'), medium)
        self.assertFalse(any('reasons=' in rest for _, rest in medium))
        self.assertTrue(any('reasons=' in rest for _, rest in said('maximum')))

    def test_dns(self):
        relay = self.relay('--no-bus', '--dns-server', '127.0.0.1@1',
                           diagnostics='<diagnostics><category name="dns" level="minimum"/>'
                           '</diagnostics>', routes='<route domain="x.example"><relay/></route>')
        send(relay, 'p@x.example')
        relay.wait_logged(': dns name=x.example', 'type=MX', deadline=60)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v', *sys.argv[1:]])
