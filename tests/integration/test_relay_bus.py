#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""org.pointsman.Relay1 of the real mail service, on a bus of its own: the queue by filter, message
tracking, statistics, the policy in force, routes."""

import http.client
import os
import smtplib
import socket
import time
import unittest

from gi.repository import Gio, GLib

from support.relay import Relay, Sink
from support.servers import free_port, wait_for
from test_inbound import make_certificate
from test_relayd import forward, send

INVALID = 'org.pointsman.Error.Invalid'
NOT_FOUND = 'org.pointsman.Error.NotFound'


def which(**conditions):
    types = {'ids': 'at', 'all': 'b', 'older_than': 't', 'newer_than': 't', 'operation': 'u',
             'received_after': 'x', 'received_before': 'x', 'message': 't', 'authenticated': 'b'}
    return {key.replace('_', '-'): GLib.Variant(types.get(key, 's'), value)
            for key, value in conditions.items()}


class RelayBus(unittest.TestCase):
    def setUp(self):
        self.bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.bus.up()
        self.addCleanup(self.bus.down)
        self.sink = Sink(MAIL='451 4.3.2 not today')
        self.addCleanup(self.sink.close)
        self.other = Sink()
        self.addCleanup(self.other.close)
        self.relay = Relay('--session', retry='1h', routes=forward('partner.example', self.sink) +
                           forward('friend.example', self.sink))
        self.addCleanup(self.relay.remove)
        self.relay.start()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            self.bus.get_bus_address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(self.connection.close_sync, None)
        wait_for(self.has_owner, 'the name on the bus', process=self.relay.process)

    def has_owner(self):
        return self.connection.call_sync(
            'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'NameHasOwner',
            GLib.Variant('(s)', ('org.pointsman.Relay1',)), None, 0, 20000).unpack()[0]

    def call(self, method, signature=None, *arguments):
        parameters = GLib.Variant(signature, arguments) if signature else None
        result = self.connection.call_sync(
            'org.pointsman.Relay1', '/org/pointsman/Relay1', 'org.pointsman.Relay1', method,
            parameters, None, Gio.DBusCallFlags.NONE, 20000, None).unpack()
        return result[0] if len(result) == 1 else result

    def fails(self, error, *call):
        with self.assertRaises(GLib.Error) as caught:
            self.call(*call)
        self.assertIn(error, caught.exception.message)
        return caught.exception.message

    def query(self, limit=100, **conditions):
        found, after = [], 0
        while True:
            page, after = self.call('QueryQueue', '(a{sv}tu)', which(**conditions), after, limit)
            found += page
            if after == 0:
                return found

    def fill(self, count=3):
        for n in range(count):
            send(self.relay, f'p{n}@partner.example', sender='anna@example.com')
        send(self.relay, 'q@friend.example', sender='bob@elsewhere.example')
        wait_for(lambda: len(self.query(state='deferred')) == count + 1, 'deferred messages')

    def test_filters_and_pages(self):
        self.fill()
        rows = self.query()
        self.assertEqual(len(rows), 4)
        self.assertEqual(self.query(limit=1), rows)
        for conditions, count in [
                ({'sender': 'anna@*'}, 3), ({'sender-domain': 'ELSEWHERE.example'}, 1),
                ({'recipient': 'p?@partner.example'}, 3), ({'domain': 'friend.example'}, 1),
                ({'queue': 'outbound'}, 4), ({'queue': 'inbound'}, 0), ({'reason': 'NOT today'}, 4),
                ({'reason': 'tomorrow'}, 0), ({'older-than': 3600}, 0), ({'newer-than': 3600}, 4),
                ({'ids': [rows[1][0], 17]}, 1), ({'state': 'held'}, 0),
                ({'sender': 'anna@*', 'domain': 'friend.example'}, 0)]:
            with self.subTest(conditions):
                named = {key.replace('-', '_'): value for key, value in conditions.items()}
                self.assertEqual(len(self.query(**named)), count)

    def test_what_is_refused(self):
        for conditions in [{'color': 'red'}, {'state': 'odd'}, {'sender': ''},
                           {'sender': 'x' * 2000}, {'operation': 3}]:
            with self.subTest(conditions):
                with self.assertRaises(GLib.Error):
                    self.query(**conditions)
        self.fails(INVALID, 'QueryQueue', '(a{sv}tu)', {}, 0, 1001)
        self.fails(INVALID, 'QueryQueue', '(a{sv}tu)', {}, 0, 0)
        self.fails(INVALID, 'QueryQueue', '(a{sv}tu)', {'all': GLib.Variant('s', 'x')}, 0, 1)
        self.assertIn('Say which', self.fails(INVALID, 'HoldMessages', '(a{sv})', {}))
        self.fails(INVALID, 'DeleteMatching', '(a{sv}b)', which(operation=5), True)
        self.fails(INVALID, 'HoldMessages', '(a{sv})', which(all=True, sender='x@y'))
        self.fails(INVALID, 'RedirectMessages', '(a{sv}s)', which(all=True), 'no host:99999')
        self.fails(INVALID, 'SetPriority', '(a{sv}i)', which(all=True), 10)
        self.fails(NOT_FOUND, 'CancelOperation', '(u)', 1)
        self.fails(NOT_FOUND, 'DescribeMessage', '(t)', 12)
        self.fails(NOT_FOUND, 'ExportMessage', '(t)', 12)
        self.fails(INVALID, 'TrackMessages', '(a{sv}xu)', {}, 0, 5000)
        self.fails(INVALID, 'TestRoute', '(sa{sv})', 'nobody', {})
        self.fails(INVALID, 'TestRoute', '(sa{sv})', 'a@b.example', which(client='1.2.3'))
        # A text that is cut short within a letter must not end the service.
        for n in range(97, 101):
            self.fails(INVALID, 'TestRoute', '(sa{sv})', 'a@b.example',
                       which(client='x' * n + 'éé'))
            self.fails(INVALID, 'RedirectMessages', '(a{sv}s)', which(all=True), 'x' * n + 'éé')
            self.fails(INVALID, 'QueryQueue', '(a{sv}tu)', {'x' * n + 'é': GLib.Variant('b', True)},
                       0, 1)
            self.fails(INVALID, 'TlsPolicy', '(s)', 'x' * n + 'é' * 200)
            self.fails(INVALID, 'TestRoute', '(sa{sv})', 'x' * n + 'é' * 2000, {})

    def test_hold_release_redirect(self):
        self.fill()
        self.assertEqual(self.call('HoldMessages', '(a{sv})', which(sender='anna@*')), 3)
        self.assertEqual({row[7] for row in self.query(sender='anna@*')}, {'held'})
        self.assertEqual(self.call('Statistics')['queue'], {'fresh': 0, 'deferred': 1, 'held': 3})
        self.assertEqual(self.call('SetPriority', '(a{sv}i)', which(state='held'), 4), 3)
        first = self.query(state='held')[0][0]
        self.assertEqual(self.call('DescribeMessage', '(t)', first)['priority'], 4)
        self.assertEqual(self.call('RedirectMessages', '(a{sv}s)', which(state='held'),
                                   f'127.0.0.1:{self.other.port}'), 3)
        self.assertEqual(self.call('DescribeMessage', '(t)', first)['recipients'][0]['redirect'],
                         f'127.0.0.1:{self.other.port}')
        self.assertEqual(self.call('ReleaseMessages', '(a{sv})', which(sender='anna@*')), 3)
        for _ in range(3):
            self.other.get()
        wait_for(lambda: len(self.query()) == 1, 'what was redirected has gone')
        events = [e['event'] for e in self.call('ShowHistory', '(t)', first)]
        self.assertEqual([e for e in events if e in ('accepted', 'held', 'redirected', 'released',
                                                     'relayed')],
                         ['accepted', 'held', 'redirected', 'released', 'relayed'])

    def test_many_with_progress(self):
        count = 1100
        with smtplib.SMTP('127.0.0.1', self.relay.port, timeout=20) as client:
            for n in range(count):
                client.sendmail('anna@example.com', [f'p{n}@partner.example'], 'Subject: x\n\ny\n')
        seen = []
        self.connection.signal_subscribe(
            'org.pointsman.Relay1', 'org.pointsman.Relay1', 'QueueProgress', None, None, 0,
            lambda *what: seen.append(what[5].unpack()))
        self.assertEqual(self.call('HoldMessages', '(a{sv})', which(all=True, operation=7)), count)
        loop = GLib.MainContext.default()
        wait_for(lambda: (loop.iteration(False), len(seen) >= 2)[1], 'the progress')
        self.assertEqual(seen[:2], [(7, 500), (7, 1000)])
        self.assertEqual(self.call('DeleteMatching', '(a{sv}b)', which(state='held'), False), count)
        self.assertEqual(self.query(), [])

    def test_cancel_while_it_runs(self):
        count = 4000
        with smtplib.SMTP('127.0.0.1', self.relay.port, timeout=20) as client:
            for n in range(count):
                client.sendmail('anna@example.com', [f'p{n}@partner.example'], 'Subject: x\n\ny\n')
        seen, outcome = [], []

        def progress(*what):
            if not seen:
                self.call('CancelOperation', '(u)', 7)
            seen.append(what[5].unpack())

        self.connection.signal_subscribe('org.pointsman.Relay1', 'org.pointsman.Relay1',
                                         'QueueProgress', None, None, 0, progress)

        def done(connection, result):
            try:
                outcome.append(connection.call_finish(result).unpack()[0])
            except GLib.Error as error:
                outcome.append(error.message)

        self.connection.call('org.pointsman.Relay1', '/org/pointsman/Relay1',
                             'org.pointsman.Relay1', 'HoldMessages',
                             GLib.Variant('(a{sv})', (which(all=True, operation=7),)), None, 0,
                             20000, None, done)
        loop = GLib.MainContext.default()
        wait_for(lambda: (loop.iteration(False), outcome)[1], 'the end of the change')
        self.assertIn('org.pointsman.Error.Cancelled', str(outcome[0]))
        # What was done stays done, whole pages of it, and the person is told how much.
        held = len(self.query(state='held'))
        self.assertIn(f' {held} messages', outcome[0])
        self.assertEqual(held % 500, 0)
        self.assertTrue(500 <= held < count, held)
        self.assertEqual(self.call('Statistics')['queue']['held'], held)
        # Its number is free again.
        self.fails(NOT_FOUND, 'CancelOperation', '(u)', 7)
        self.assertEqual(self.call('ReleaseMessages', '(a{sv})', which(all=True, operation=7)),
                         held)

    def test_summary(self):
        self.fill()
        rows = self.call('SummarizeQueue', '(u)', 10)
        self.assertEqual(sum(row[2] for row in rows), 4)
        self.assertEqual(rows[0][1], 'outbound')
        self.assertEqual(rows[0][4], (rows[0][2], 0, 0, 0))

    def test_delete_with_reports(self):
        self.fill()
        self.assertEqual(self.call('DeleteMatching', '(a{sv}b)', which(domain='partner.example'),
                                   True), 3)
        self.assertEqual(len(self.relay.wait_messages('anna@example.com', 3)), 3)
        deleted = self.call('TrackMessages', '(a{sv}xu)', which(event='deleted'), 0, 10)[0]
        self.assertEqual(len(deleted), 3)

    def test_export(self):
        text = 'Subject: large\r\n\r\n' + ('0123456789' * 7 + '\r\n') * 12000
        self.fill(0)
        send(self.relay, 'p@partner.example', sender='anna@example.com', message=text)
        number = wait_for(lambda: [r for r in self.query(sender='anna@*')], 'it is queued')[0][0]
        result, files = self.connection.call_with_unix_fd_list_sync(
            'org.pointsman.Relay1', '/org/pointsman/Relay1', 'org.pointsman.Relay1',
            'ExportMessage', GLib.Variant('(t)', (number,)), None, 0, 20000, None, None)
        handle, size = result.unpack()
        with os.fdopen(files.get(handle), 'rb') as file:
            data = file.read()
        self.assertEqual(len(data), size)
        self.assertTrue(data.endswith(text.encode()))
        self.assertTrue(data.startswith(b'Received:'))

    def test_tracking_pages(self):
        self.fill()
        found, before = [], 0
        while True:
            page, before = self.call('TrackMessages', '(a{sv}xu)', which(event='accepted'), before,
                                     3)
            found += page
            if before == 0:
                break
        self.assertEqual(len(found), 4)
        self.assertEqual(found[0]['sender'], 'bob@elsewhere.example')
        self.assertEqual(len({event['id'] for event in found}), 4)
        # No page is empty: what fits exactly is the last one.
        page, before = self.call('TrackMessages', '(a{sv}xu)', which(event='accepted'), 0, 4)
        self.assertEqual((len(page), before), (4, 0))
        page, before = self.call('TrackMessages', '(a{sv}xu)', which(event='accepted'), 0, 3)
        self.assertEqual((len(page), before), (3, page[-1]['id']))
        self.assertEqual(self.call('TrackMessages', '(a{sv}xu)', {}, 0, 1000)[1], 0)

    def test_statistics(self):
        self.fill()
        statistics = self.call('Statistics')
        self.assertEqual(statistics['counters']['messages-accepted'], 4)
        self.assertGreaterEqual(statistics['durability']['syncs'], 1)
        self.assertGreater(statistics['durability']['last-commit'], 0)
        self.assertTrue(statistics['durability']['file-system'])
        self.assertEqual(statistics['held'], {'messages': 0, 'oldest': 0})
        self.relay.write_site(transfer='inbound')
        self.call('Reload')
        statistics = self.call('Statistics')
        self.assertEqual(statistics['transfer'], 'inbound')
        self.assertEqual(statistics['held']['messages'], 4)
        self.assertGreater(statistics['held']['oldest'], 0)

    def test_policy(self):
        policy = self.call('EffectivePolicy')
        self.assertEqual(policy['server'], 'MAIL1')
        self.assertEqual(policy['listeners'], [{'address': '127.0.0.1', 'port': self.relay.port,
                                                'role': 'relay', 'tls': 'none', 'proxy': False}])
        self.assertEqual(policy['limits']['recipients'], 100)
        self.assertEqual(policy['mailboxes']['accept'], 'listed')
        self.assertEqual(policy['certificates'], [])
        changed = []
        self.connection.signal_subscribe(
            'org.pointsman.Relay1', 'org.pointsman.Relay1', 'PolicyChanged', None, None, 0,
            lambda *what: changed.append(what[5].unpack()[0]))
        self.relay.write_site(diagnostics='<diagnostics><category name="queue" level="medium"/>'
                                          '</diagnostics>')
        revision = self.call('Reload')
        loop = GLib.MainContext.default()
        wait_for(lambda: (loop.iteration(False), changed)[1], 'the signal')
        self.assertEqual(changed, [revision])
        policy = self.call('EffectivePolicy')
        self.assertEqual((policy['revision'], policy['diagnostics']['queue']),
                         (revision, 'medium'))

    def test_certificates(self):
        chain, key = make_certificate(self.relay.root)
        self.relay.write_site(security=(
            f'<security><certificate chain="{chain}" key="{key}"/></security>'))
        self.call('Reload')
        policy = self.call('EffectivePolicy')
        self.assertEqual(policy['listeners'][0]['tls'], 'starttls')
        row, = policy['certificates']
        self.assertEqual((row['chain'], row['names'], row['problem']),
                         (str(chain), ['mail1.example.com'], ''))
        days = (row['expires'] / 1e6 - time.time()) / 86400
        self.assertTrue(1.9 < days < 2.1, days)
        # What is wrong with a file is said, of that one.
        for text in ('', 'no certificate', chain.read_text()[:200]):
            with self.subTest(text[:14]):
                chain.write_text(text)
                row, = self.call('EffectivePolicy')['certificates']
                self.assertIn(str(chain), row['problem'])
                self.assertEqual((row['names'], row['expires']), ([], 0))
        chain.unlink()
        self.assertIn(str(chain), self.call('EffectivePolicy')['certificates'][0]['problem'])

    def test_metrics(self):
        port = free_port()
        self.relay.write_site(diagnostics=f'<statistics port="{port}"/>')
        with smtplib.SMTP('127.0.0.1', self.relay.port, timeout=20) as client:
            self.call('Reload')
            client.sendmail('anna@example.com', ['p@partner.example'], 'Subject: x\n\ny\n')
        status, kind, text = self.ask(port, 'GET', '/metrics')
        self.assertEqual((status, kind), (200, 'text/plain; version=0.0.4; charset=utf-8'))
        self.assertIn('pointsman_messages_accepted_total 1\n', text)
        self.check_metrics(text)
        self.assertEqual(self.ask(port, 'POST', '/metrics')[0], 405)
        self.assertEqual(self.ask(port, 'GET', '/')[0], 404)
        self.assertEqual(self.ask(port, 'GET', '/metrics/x')[0], 404)
        other = free_port()
        self.relay.write_site(diagnostics=f'<statistics port="{other}"/>')
        self.call('Reload')
        self.assertEqual(self.ask(other, 'GET', '/metrics')[0], 200)
        with self.assertRaises(ConnectionError):
            self.ask(port, 'GET', '/metrics')
        with socket.create_server(('127.0.0.1', 0)) as taken:
            self.relay.write_site(
                diagnostics=f'<statistics port="{taken.getsockname()[1]}"/>')
            with self.assertRaises(GLib.Error):
                self.call('Reload')
        self.assertEqual(self.ask(other, 'GET', '/metrics')[0], 200)
        self.relay.write_site(diagnostics='')
        self.call('Reload')
        with self.assertRaises(ConnectionError):
            self.ask(other, 'GET', '/metrics')

    @staticmethod
    def ask(port, method, path):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.getheader('Content-Type'), answer.read().decode()
        finally:
            connection.close()

    def check_metrics(self, text):
        """Each name has HELP, then TYPE, then its samples, as the format wants it."""
        self.assertTrue(text.endswith('\n'))
        name = kind = None
        names = set()
        for line in text.splitlines():
            if line.startswith('# HELP '):
                name = line.split()[2]
                self.assertNotIn(name, names)
                names.add(name)
            elif line.startswith('# TYPE '):
                self.assertEqual(line.split()[2], name)
                kind = line.split()[3]
                self.assertEqual(kind == 'counter', name.endswith('_total'))
            else:
                self.assertRegex(line, rf'^{name}({{[a-z]+="[a-z]+"}})? [0-9.]+$')
        self.assertGreater(len(names), 10)

    def test_route(self):
        decision = self.call('TestRoute', '(sa{sv})', 'anna@example.com', {})
        self.assertEqual((decision['action'], decision['rule']), ('inbound', 'example.com'))
        decision = self.call('TestRoute', '(sa{sv})', 'x@far.example', which(client='192.0.2.9'))
        self.assertEqual(decision['action'], 'reject')
        self.assertTrue(decision['reply'].startswith('550 '))
        decision = self.call('TestRoute', '(sa{sv})', 'x@far.example', which(client='127.0.0.1'))
        self.assertEqual(decision['next-hops'], [('far.example', 25, True, 'opportunistic')])


if __name__ == '__main__':
    unittest.main(verbosity=2)
