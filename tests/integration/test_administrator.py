#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""The Administrator's window over AT-SPI, with the real manager and the real mail service."""

import os
import unittest

from administrator import Administrator
from support.servers import free_port

SITE = '''<?xml version="1.0" encoding="UTF-8"?>
<site xmlns="urn:pointsman:site:1" name="Headquarters" organization="Example">
  <configuration>
    <servers>
      <server name="MAIL1" host="mail1.example.com"/>
    </servers>
    <site-addressing domain="example.com"/>
    <connections>
      <internet-mail-service server="MAIL1">
        <connections>
          <listen address="127.0.0.1" port="{port}"/>
        </connections>
        <routing>
          <route domain="example.com" subdomains="no"><inbound/></route>
        </routing>
        <mailboxes accept="any">
          <deliver-to maildir="mail"/>
          <mailbox address="postmaster@example.com"/>
        </mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
'''

MAIN = 'Pointsman – MAIL1 in Site Headquarters'
FOCUSABLE_ROLES = {'push button', 'toggle button', 'check box', 'radio button', 'text', 'combo box',
                   'spin button', 'tree table', 'table', 'page tab list', 'password text'}


class TestAdministrator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.admin = Administrator(os.environ['POINTSMAN_BUILD'], SITE.format(port=free_port()))
        cls.admin.__enter__()
        cls.addClassCleanup(cls.admin.stop)

    def setUp(self):
        self.admin.find('table cell', 'Internet Mail Service (MAIL1)')
        self.admin.focus_window(MAIN)

    def test_1_title_and_tree(self):
        admin = self.admin
        for name in ('Example', 'Headquarters', 'Configuration', 'Connections', 'Servers',
                     'Site Addressing', 'Recipients'):
            admin.find('table cell', name)
        admin.find('frame', MAIN + ' – Connections')

    def test_2_add_domain_from_the_keyboard(self):
        admin = self.admin
        admin.press('ctrl+n')
        admin.focus_window('Add Domain')
        admin.type('example.net')
        add = admin.find('push button', 'Add')
        admin.wait(lambda: admin.is_sensitive(add), 'Add to be possible')
        admin.press('Return')
        admin.wait(lambda: 'domain="example.net"' in admin.site_xml(), 'the domain in the site')
        admin.gone('dialog', 'Add Domain')
        admin.find('table cell', '2 domains in the routing table')

    def test_3_undo(self):
        admin = self.admin
        admin.press('ctrl+z')
        admin.wait(lambda: 'example.net' not in admin.site_xml(), 'the domain to be gone')
        admin.find('table cell', '1 domain in the routing table')
        admin.find('notification', 'Undo: Add the domain example.net')
        admin.click(admin.find('push button', 'Close'))
        admin.gone('notification', 'Undo: Add the domain example.net')

    def test_4_stop_and_start_by_clicks(self):
        admin = self.admin
        admin.click(admin.find('push button', 'Stop'))
        admin.find('table cell', 'stopped')
        admin.click(admin.find('push button', 'Start'))
        admin.find('table cell', 'running')

    def test_5_every_focusable_has_a_name(self):
        from gi.repository import Atspi
        admin = self.admin
        admin.press('ctrl+t')
        admin.find('dialog', 'Where Would This Go?')
        nameless = []
        for node in admin.walk():
            if node.get_role_name() not in FOCUSABLE_ROLES or node.get_name():
                continue
            if not node.get_state_set().contains(Atspi.StateType.FOCUSABLE):
                continue
            labels = [r for r in node.get_relation_set()
                      if r.get_relation_type() == Atspi.RelationType.LABELLED_BY]
            if not labels:
                parent = node.get_parent()
                nameless.append(f'{node.get_role_name()} in {parent.get_role_name()}')
        self.assertEqual(nameless, [])
        admin.focus_window('Where Would This Go')
        admin.press('Escape')
        admin.gone('dialog', 'Where Would This Go?')

    def close_properties(self):
        self.admin.find('page tab', 'Routing')
        self.admin.focus_window('Properties')
        self.admin.press('Escape')
        self.admin.gone('page tab', 'Routing')
        self.admin.focus_window(MAIN)

    def test_6_ways_into_properties(self):
        admin = self.admin
        service = admin.find('table cell', 'Internet Mail Service (MAIL1)')
        admin.double_click(service)
        self.close_properties()
        for keys in (['Return'], ['alt+Return']):
            admin.press(*keys)
            self.close_properties()
        admin.click(admin.find('push button', 'Properties'))
        self.close_properties()


if __name__ == '__main__':
    unittest.main()
