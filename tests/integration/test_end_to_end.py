#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""What Pointsman is for, from the window to the mailbox: the real Administrator, manager and mail
service, a real Postfix to forward to and a real nsd to ask. Each test opens a window of its own on
the same site, with a domain of its own."""

import contextlib
import json
import os
import signal
import smtplib
import socket
import subprocess
import unittest

from administrator import Administrator
from support.servers import Nsd, Postfix, free_port, messages_in

PUBLIC_ADDRESS = '192.0.2.10'

SITE = '''<?xml version="1.0" encoding="UTF-8"?>
<site xmlns="urn:pointsman:site:1" name="Headquarters" organization="Example">
  <configuration>
    <servers>
      <server name="MAIL1" host="mail1.example.com"><address ip="{address}"/></server>
    </servers>
    <site-addressing domain="example.com"/>
    <connections>
      <internet-mail-service server="MAIL1">
        <internet-mail administrator="postmaster@example.com"/>
        <connections>
          <listen address="127.0.0.1" port="{port}"/>
        </connections>
        <routing>
          <route domain="example.com" subdomains="no"><inbound/></route>
        </routing>
        <mailboxes accept="any">
          <deliver-to maildir="mail"/>
          <mailbox address="postmaster@example.com"/>
          <mailbox address="sales@example.com"/>
        </mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
'''

# Two MX records to one host record, which holds the server's address: step 7 of the eight.
OWN_ZONE = f'''$TTL 3600
@ SOA mx hostmaster 1 3600 600 86400 300
@ NS mx
@ MX 10 mx
@ MX 20 mx
mx A {PUBLIC_ADDRESS}
'''

# Neither a mail host nor an address.
EMPTY_ZONE = '''$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
'''

SERVICE = 'Internet Mail Service (MAIL1)'
MAIN = 'Pointsman – MAIL1 in Site Headquarters'
PROPERTIES = f'{SERVICE} Properties'
ENTRY = 'Edit Routing Table Entry'
LISTENING = 'Listening addresses:'


def setUpModule():
    global admin, nsd, postfix, port
    stack = contextlib.ExitStack()
    unittest.addModuleCleanup(stack.close)
    nsd = Nsd({'keys.example.net': OWN_ZONE, 'clicks.example.net': OWN_ZONE,
               'empty.example.net': EMPTY_ZONE, 'silent.example.net': OWN_ZONE})
    stack.callback(nsd.close)
    postfix = Postfix(['partner.example.net'])
    stack.callback(postfix.close)
    port = free_port()
    admin = stack.enter_context(Administrator(
        os.environ['POINTSMAN_BUILD'], SITE.format(address=PUBLIC_ADDRESS, port=port),
        options=['--dns-server', f'127.0.0.1@{nsd.port}']))


def ctl(*words):
    """What pointsmanctl says about the site that the window shows."""
    done = subprocess.run([admin.build / 'src/ctl/pointsmanctl', '--session', '--json', *words],
                          env=admin.environment, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f'pointsmanctl {words}: {done.stderr}')
    return json.loads(done.stdout) if done.stdout else None


def relay_process():
    """The process that has the mail service's name on the bus; None while none has."""
    done = subprocess.run(
        ['gdbus', 'call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path', '/',
         '--method', 'org.freedesktop.DBus.GetConnectionUnixProcessID', 'org.pointsman.Relay1'],
        env=admin.environment, capture_output=True, text=True, timeout=30)
    return done.stdout if done.returncode == 0 else None


def routes():
    return {route['domain']: route for route in ctl('route', 'list')}


def send(recipient):
    """Gives a message to the mail service; returns the words by which to know it again."""
    words = f'A message for {recipient}'
    with smtplib.SMTP('127.0.0.1', port, timeout=20) as client:
        client.sendmail('sender@example.org', [recipient],
                        f'From: sender@example.org\r\nTo: {recipient}\r\n'
                        f'Subject: {words}\r\n\r\nHello.\r\n')
    return words.encode()


class EndToEnd(unittest.TestCase):
    def setUp(self):
        admin.restart_window()
        self.connections_shown()

    # --- What a person sees ------------------------------------------------------------------

    def connections_shown(self):
        admin.find('frame', f'{MAIN} – Connections')
        admin.find('table cell', SERVICE)
        admin.focus_window(MAIN)

    def strip_says(self, words):
        admin.find_saying(words, self.strip())

    def strip(self):
        return admin.find('status bar').get_parent()

    def button(self, name, within=None):
        return admin.find('push button', name, within)

    def entry(self, label, within):
        """The field that @label stands beside."""
        from gi.repository import Atspi
        for relation in admin.find('label', label, within).get_relation_set():
            if relation.get_relation_type() == Atspi.RelationType.LABEL_FOR:
                return relation.get_target(0)
        self.fail(f'“{label}” is no field’s label')

    def value_is(self, field, value):
        admin.wait(lambda: admin.text(field) == value, f'“{value}” in the field')

    def delivered(self, address, words):
        local, domain = address.split('@')
        self.arrived(admin.folder / 'state/pointsman/mail' / domain / local, words)

    def arrived(self, maildir, words):
        message = admin.wait(
            lambda: next((m for m in messages_in(maildir) if words in m), None),
            f'the message in {maildir}')
        self.assertTrue(message.endswith(b'Hello.\n') or message.endswith(b'Hello.\r\n'), message)

    # --- What a person does ------------------------------------------------------------------

    def open_properties(self, tab):
        admin.click_at(admin.find('table cell', SERVICE), times=2)
        dialog = admin.find('dialog', PROPERTIES)
        admin.focus_window('Internet Mail Service .* Properties')
        admin.click_at(admin.find('page tab', tab, dialog))
        return dialog

    def add_entry(self, dialog, domain):
        admin.click_at(self.button('Add…', dialog))
        entry = admin.find('dialog', ENTRY)
        admin.focus_window(ENTRY)
        admin.type(domain)
        self.value_is(self.entry('E-mail sent to this domain:', entry), domain)
        return entry

    def choose(self, entry, radio, field, value):
        admin.click_at(admin.find('radio button', radio, entry))
        field = admin.find('text', field, entry)
        admin.click_at(field)
        admin.type(value)
        self.value_is(field, value)

    def accept_entry(self, entry, domain, target):
        admin.click_at(self.button('OK', entry))
        admin.gone('dialog', ENTRY)
        admin.find('table cell', domain)
        admin.find_saying(target)

    def apply_and_restart(self, dialog):
        admin.click_at(self.button('Apply and Restart', dialog))
        admin.find_saying('Saved, restarted and in force.', dialog)
        admin.click_at(self.button('OK', dialog))
        admin.gone('dialog', PROPERTIES)
        self.strip_says('has been running')

    def check_mx(self, domain):
        admin.press('ctrl+k')
        field = admin.find('text', 'Domain to check')
        admin.wait(lambda: admin.is_focused(field), 'the focus in the panel')
        admin.press('ctrl+a')
        admin.type(domain)
        self.value_is(field, domain)
        admin.press('Return')

    # --- The eight steps ---------------------------------------------------------------------

    def test_eight_steps_by_keyboard(self):
        # 1. Expand the tree and select Connections.
        tree = admin.find('tree table', 'Site')
        admin.press('Home', 'minus')
        admin.gone('table cell', 'Headquarters', tree)
        admin.find('frame', f'{MAIN} – Example')
        admin.press('plus', 'Down', 'plus', 'Down', 'plus', 'Down')
        self.connections_shown()
        # 2. The Internet Mail Service's Properties.
        admin.press('Tab', 'Home', 'Return')
        dialog = admin.find('dialog', PROPERTIES)
        admin.focus_window('Internet Mail Service .* Properties')
        # 3. Routing, Add…, the domain.
        admin.press('ctrl+Page_Down', 'ctrl+Page_Down')
        self.button('Routing Restrictions…', dialog)
        admin.press('alt+a')
        entry = admin.find('dialog', ENTRY)
        admin.focus_window(ENTRY)
        admin.type('keys.example.net')
        # 4. Inbound is selected; OK.
        admin.find_saying('matches anna@keys.example.net', entry)
        admin.press('Return')
        admin.gone('dialog', ENTRY)
        admin.find('table cell', 'keys.example.net', dialog)
        admin.focus_window('Internet Mail Service .* Properties')
        admin.press('alt+o')
        admin.gone('dialog', PROPERTIES)
        # 5. and 6. Stop, start.
        admin.focus_window(MAIN)
        admin.find_saying('1 change is saved but not in force.')
        admin.press('alt+o')
        self.strip_says('is stopped')
        admin.press('alt+r')
        self.strip_says('has been running')
        admin.gone('push button', 'Restart Now')
        # 7. Both MX records point to the host record with this server's address.
        self.check_mx('keys.example.net')
        admin.find_saying('Mail for keys.example.net reaches this server.')
        self.delivered('somebody@keys.example.net', send('somebody@keys.example.net'))

    def test_eight_steps_by_clicks(self):
        # 1.
        tree = admin.find('tree table', 'Site')
        admin.click_at(admin.find('table cell', 'Configuration', tree), times=2)
        admin.gone('table cell', 'Connections', tree)
        admin.click_at(admin.find('table cell', 'Configuration', tree), times=2)
        admin.click_at(admin.find('table cell', 'Connections', tree))
        self.connections_shown()
        # 2. to 4.
        dialog = self.open_properties('Routing')
        entry = self.add_entry(dialog, 'clicks.example.net')
        self.accept_entry(entry, 'clicks.example.net', '<inbound>')
        # 5. and 6. at once.
        self.apply_and_restart(dialog)
        # 7.
        admin.click_at(self.button('Check MX Records'))
        field = admin.find('text', 'Domain to check')
        admin.focus_window(MAIN)
        admin.click_at(field, times=3)
        admin.type('clicks.example.net')
        self.value_is(field, 'clicks.example.net')
        admin.click_at(self.button('Check'))
        admin.find_saying('Mail for clicks.example.net reaches this server.')
        self.delivered('somebody@clicks.example.net', send('somebody@clicks.example.net'))

    # --- Other ways for mail to go -----------------------------------------------------------

    def test_forward_to_postfix(self):
        dialog = self.open_properties('Routing')
        entry = self.add_entry(dialog, 'partner.example.net')
        self.choose(entry, 'Should be forwarded unchanged to this host:', 'Forward to this host',
                    '127.0.0.1')
        spin = self.entry('Port', entry)
        admin.click_at(spin)
        admin.press('ctrl+a')
        admin.type(str(postfix.port))
        self.value_is(spin, str(postfix.port))
        self.accept_entry(entry, 'partner.example.net', f'127.0.0.1:{postfix.port}')
        self.apply_and_restart(dialog)
        words = send('anna@partner.example.net')
        self.arrived(postfix.maildir, words)
        # Postfix logs a delivery after it has made it.
        admin.wait(lambda: '<anna@partner.example.net>' in postfix.log(), 'the line in the log')

    def test_rewrite_to_another_domain(self):
        dialog = self.open_properties('Routing')
        entry = self.add_entry(dialog, 'old.example.net')
        self.choose(entry, 'Should be rerouted to this domain:', 'Reroute to this domain',
                    'example.com')
        self.accept_entry(entry, 'old.example.net', 'example.com')
        self.apply_and_restart(dialog)
        self.delivered('somebody@example.com', send('somebody@old.example.net'))

    # --- MX records --------------------------------------------------------------------------

    def test_mx_of_a_domain_with_none(self):
        self.check_mx('empty.example.net')
        admin.find_saying('Mail for empty.example.net cannot be delivered: it has neither an MX '
                          'record nor an address.')

    def test_mx_unknown_when_dns_is_silent(self):
        os.killpg(nsd.process.pid, signal.SIGSTOP)
        try:
            self.check_mx('silent.example.net')
            admin.find_saying('Where mail for silent.example.net goes is not known: DNS did not '
                              'answer.')
            admin.find('label', 'Unknown')
        finally:
            os.killpg(nsd.process.pid, signal.SIGCONT)

    def test_wrong_dns_server_is_refused(self):
        done = subprocess.run([admin.build / 'ui/pointsman', '--session', '--dns-server', 'nobody'],
                              env=admin.environment, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn('nobody', done.stderr)

    # --- The service -------------------------------------------------------------------------

    def test_stop_start_restart(self):
        strip = self.strip()
        first = relay_process()
        admin.click_at(self.button('Stop', strip))
        self.strip_says('is stopped: no mail is accepted')
        admin.find('table cell', 'stopped')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port)).close()
        admin.click_at(self.button('Start', strip))
        self.strip_says('has been running')
        admin.find('table cell', 'running')
        second = relay_process()
        admin.click_at(self.button('Restart', strip))
        admin.wait(lambda: relay_process() not in (None, second), 'another process')
        self.strip_says('has been running')
        self.assertNotEqual(first, second)
        # The strip may still speak of the former process: the service is asked itself.
        admin.wait(lambda: ctl('service', 'status')['state'] == 'running', 'the new process to run')
        socket.create_connection(('127.0.0.1', port)).close()

    def test_saved_but_not_in_force(self):
        dialog = self.open_properties('Routing')
        entry = self.add_entry(dialog, 'later.example.net')
        self.accept_entry(entry, 'later.example.net', '<inbound>')
        admin.click_at(self.button('OK', dialog))
        admin.gone('dialog', PROPERTIES)
        admin.find_saying('1 change is saved but not in force.')
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            send('somebody@later.example.net')
        admin.click_at(self.button('Restart Now'))
        admin.gone('push button', 'Restart Now')
        admin.find_saying('· in force')
        self.delivered('somebody@later.example.net', send('somebody@later.example.net'))

    def test_apply_that_cannot_work(self):
        before = admin.site_xml()
        with socket.create_server(('127.0.0.1', 0)) as taken:
            taken_port = taken.getsockname()[1]
            dialog = self.open_properties('Connections')
            cell = admin.find('table cell', str(port), self.entry(LISTENING, dialog))
            admin.click_at(cell, times=2)
            endpoint = admin.find('dialog', 'Edit Listening Address')
            admin.focus_window('Edit Listening Address')
            spin = self.entry('Port:', endpoint)
            admin.click_at(spin)
            admin.press('ctrl+a')
            admin.type(str(taken_port))
            self.value_is(spin, str(taken_port))
            admin.click_at(self.button('OK', endpoint))
            admin.find('table cell', str(taken_port), dialog)
            admin.click_at(self.button('Apply and Restart', dialog))
            said = admin.text(admin.find_saying('The changes are not in force.', dialog))
        self.assertIn('The former site was put back.', said)
        self.assertEqual(admin.site_xml(), before)
        # What was typed is still there, to be corrected.
        admin.find('table cell', str(taken_port), dialog)
        socket.create_connection(('127.0.0.1', port)).close()

    # --- Keys --------------------------------------------------------------------------------

    def clashes(self, window):
        """The Alt keys that more than one thing in @window claims."""
        from gi.repository import Atspi, GLib
        claims = {}
        for node in admin.walk(window):
            try:
                keys = (Atspi.Action.get_key_binding(node, 0) or '').split(';')[0]
            except GLib.Error:
                continue
            if keys.startswith('<Alt>'):
                claims.setdefault(keys, []).append(node.get_name())
        self.assertGreater(len(claims), 2, 'no keys were found')
        return {keys: names for keys, names in claims.items() if len(names) > 1}

    def test_no_two_things_claim_a_key(self):
        admin.press('F9')
        self.button('Check')
        self.assertEqual(self.clashes(admin.find('frame')), {})
        admin.press('ctrl+n')
        dialog = admin.find('dialog', 'Add Domain')
        self.assertEqual(self.clashes(dialog), {})
        admin.click(self.button('Cancel', dialog))
        admin.gone('dialog', 'Add Domain')
        dialog = self.open_properties('General')
        for tab in ('General', 'Connections', 'Routing', 'Queues'):
            admin.click_at(admin.find('page tab', tab, dialog))
            with self.subTest(tab=tab):
                self.assertEqual(self.clashes(dialog), {})
        admin.click_at(admin.find('page tab', 'Routing', dialog))
        admin.click_at(self.button('Add…', dialog))
        self.assertEqual(self.clashes(admin.find('dialog', ENTRY)), {})

    # --- Changing one's mind -----------------------------------------------------------------

    def test_undo_of_a_deleted_mailbox(self):
        admin.click_at(admin.find('table cell', 'Recipients'))
        admin.click_at(admin.find('table cell', 'sales@example.com'))
        admin.click_at(self.button('Delete'))
        admin.find_saying('sales@example.com was removed.')
        admin.gone('table cell', 'sales@example.com')
        self.assertNotIn('sales@example.com', admin.site_xml())
        admin.click_at(self.button('Undo'))
        admin.find('table cell', 'sales@example.com')
        self.assertIn('<mailbox address="sales@example.com"/>', admin.site_xml())

    def test_undo_of_a_removed_entry(self):
        ctl('route', 'add', 'undo.example.net')
        # Its bar moves the list down: a click before that would meet the wrong row.
        admin.find_saying('1 change is saved but not in force.')
        dialog = self.open_properties('Routing')
        admin.click_at(admin.find('table cell', 'undo.example.net', dialog))
        admin.click_at(self.button('Remove', dialog))
        admin.find_saying('The entry for undo.example.net was removed.', dialog)
        admin.gone('table cell', 'undo.example.net')
        admin.click_at(self.button('Undo', dialog))
        admin.find('table cell', 'undo.example.net', dialog)
        admin.click_at(self.button('OK', dialog))
        admin.gone('dialog', PROPERTIES)
        self.assertIn('undo.example.net', routes())

    def test_conflict_with_pointsmanctl(self):
        dialog = self.open_properties('Routing')
        entry = self.add_entry(dialog, 'mine.example.net')
        self.accept_entry(entry, 'mine.example.net', '<inbound>')
        ctl('route', 'add', 'theirs.example.net', '--relay')
        admin.find_saying('Somebody else has changed this site while you were editing.', dialog)
        admin.wait(lambda: not admin.is_sensitive(self.button('OK', dialog)), 'OK to be barred')
        admin.click_at(self.button('Put Mine on Top', dialog))
        admin.find('table cell', 'theirs.example.net', dialog)
        admin.find('table cell', 'mine.example.net', dialog)
        admin.click_at(self.button('OK', dialog))
        admin.gone('dialog', PROPERTIES)
        self.assertLessEqual({'mine.example.net', 'theirs.example.net'}, routes().keys())


if __name__ == '__main__':
    unittest.main()
