#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors

"""A manager and a relay that answer what the test says, on the bus in DBUS_SESSION_BUS_ADDRESS.

Usage: fake_services.py INTERFACES SITE [--no-relay | --no-manager]. Prints "ready" and serves until it is ended;
every call that changes something is printed as a line of JSON.
"""

import hashlib
import json
import pathlib
import sys

from gi.repository import Gio, GLib

FOLDER = pathlib.Path(sys.argv[1])
SITE = pathlib.Path(sys.argv[2])
NOW = 1700000000000000


def revision_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Services:
    def __init__(self):
        self.text = SITE.read_text(encoding='utf-8')
        self.history = [(revision_of(self.text), NOW, 'root', 'First')]
        self.texts = {revision_of(self.text): self.text}
        self.loaded = revision_of(self.text)
        self.state = 'running'
        self.messages = [(n, '' if n == 3 else 'a@far.example', ['b@example.net', 'c@example.net'],
                          1000 + n, NOW, NOW + 60000000, 2, 'deferred', 'mx.example\x1b[2J',
                          '451 4.4.1 later') for n in range(1, 1204)]
        large = [f'r{n}@example.net' for n in range(20)] + ['… and 980 more']
        self.messages[1] = self.messages[1][:2] + (large,) + self.messages[1][3:]

    def properties(self):
        return {
            'Version': ('s', '0.1'), 'SessionMode': ('b', True), 'SitePath': ('s', str(SITE)),
            'ServerName': ('s', ''), 'Revision': ('s', revision_of(self.text)),
            'LoadedRevision': ('s', self.loaded), 'ServiceBackend': ('s', 'child'),
            'ServiceState': ('s', self.state), 'ServiceDetail': ('s', ''),
            'ServiceSince': ('t', NOW), 'ServiceEnabled': ('b', False),
            'ServiceCanEnable': ('b', False), 'StartedAt': ('t', NOW),
            'Listening': ('as', ['127.0.0.1:2525']),
            'Counters': ('a{st}', {'delivered': 12, 'queued': 1203}),
        }

    def get_property(self, _connection, _sender, _path, _interface, name):
        return GLib.Variant(*self.properties()[name])

    def call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        try:
            result = getattr(self, method)(*arguments.unpack())
        except KeyError as error:
            invocation.return_dbus_error('org.pointsman.Error.NotFound', f'There is no {error}.')
            return
        except PermissionError as error:
            invocation.return_dbus_error('org.pointsman.Error.Denied', str(error))
            return
        if not method.startswith(('Read', 'History', 'ListQueue', 'ShowMessage', 'Statistics')):
            print(json.dumps([method, *arguments.unpack()]), flush=True)
        invocation.return_value(result)

    def ReadSite(self):
        return GLib.Variant('(ss)', (self.text, revision_of(self.text)))

    def WriteSite(self, xml, base, comment):
        assert base == revision_of(self.text)
        self.text = xml
        self.texts[revision_of(xml)] = xml
        self.history.insert(0, (revision_of(xml), NOW, 'root', comment))
        return GLib.Variant('(s)', (revision_of(xml),))

    def History(self, _limit):
        return GLib.Variant('(a(stss))', (self.history,))

    def ReadRevision(self, revision):
        return GLib.Variant('(s)', (self.texts[revision],))

    def RestartService(self):
        self.loaded = revision_of(self.text)

    def StartService(self):
        self.state = 'running'

    def StopService(self):
        raise PermissionError('You may not stop the mail service.')

    def ReloadService(self):
        self.loaded = revision_of(self.text)

    def ListQueue(self, queue, after, limit):
        page = [m for m in self.messages if m[0] > after][:limit] if queue != 'inbound' else []
        return GLib.Variant('(a(tsasttxusss)u)', (page, len(self.messages)))

    def ShowMessage(self, number):
        if number > 1203:
            raise KeyError(f'message {number}')
        return GLib.Variant('(sa(ssuxs))', ('Subject: hello\x1b[2J\r\nFrom: a@far.example\r\n',
                                            [('b@example.net', 'deferred', 2, NOW, '451 later')]))

    def Statistics(self):
        raise PermissionError('You may not see that.')

    def HoldMessages(self, which):
        return GLib.Variant('(u)', (len(which.get('ids', [])) or 1203,))

    ReleaseMessages = RetryMatching = HoldMessages

    def DeleteMatching(self, which, _report):
        return self.HoldMessages(which)

    def RedirectMessages(self, which, _host):
        return self.HoldMessages(which)

    def SetPriority(self, which, _priority):
        return self.HoldMessages(which)

    def RetryMessages(self, ids):
        return GLib.Variant('(u)', (len(ids) or 1203,))

    def DeleteMessages(self, ids, _report):
        return GLib.Variant('(u)', (len(ids),))


def main():
    services = Services()
    connection = Gio.bus_get_sync(Gio.BusType.SESSION)
    names = [name for name in ('Manager1', 'Relay1')
             if '--no-' + {'Manager1': 'manager', 'Relay1': 'relay'}[name] not in sys.argv]
    for name in names:
        xml = FOLDER.joinpath(f'org.pointsman.{name}.xml').read_text(encoding='utf-8')
        interface = Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]
        connection.register_object(f'/org/pointsman/{name}', interface, services.call,
                                   services.get_property, None)
        Gio.bus_own_name_on_connection(connection, f'org.pointsman.{name}', 0, None, None)
        # The name is there when the bus says so to whoever asks after us.
        connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus',
                             'org.freedesktop.DBus', 'RequestName',
                             GLib.Variant('(su)', (f'org.pointsman.{name}', 0)), None, 0, -1)
    print('ready', flush=True)
    GLib.MainLoop().run()


main()
