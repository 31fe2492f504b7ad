# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""The Administrator, driven as a person does it: by what is on the screen and by keys.

    with Administrator(build, site_xml) as admin:
        admin.press('ctrl+n')
        admin.type('example.net')
        admin.click(admin.find('push button', 'Add'))
        admin.wait(lambda: 'example.net' in admin.site_xml())

Everything is started in a temporary folder and stopped by its process id: an X server, a session
bus, the manager (which supervises the mail service as its child), and the Administrator. Widgets
are found over AT-SPI by role and accessible name, so that what a test can reach a screen reader can.
One Administrator per process, because AT-SPI binds to the first bus it sees.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

TIMEOUT = 20


class Failed(AssertionError):
    """What was waited for did not come; says what was there instead."""


class Administrator:
    def __init__(self, build, site_xml, size='1280x900', scale=None, language='C.UTF-8',
                 options=(), font='Sans 10'):
        self.build = pathlib.Path(build).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-ui-'))
        self.size = size
        self.options = options
        self.children = []
        self.environment = dict(
            os.environ, LC_ALL=language, GDK_BACKEND='x11', GTK_THEME='Adwaita', NO_AT_BRIDGE='0',
            XDG_CONFIG_HOME=str(self.folder / 'config'), XDG_STATE_HOME=str(self.folder / 'state'),
            XDG_DATA_HOME=str(self.folder / 'data'), XDG_CACHE_HOME=str(self.folder / 'cache'),
            XDG_RUNTIME_DIR=str(self.folder / 'run'), HOME=str(self.folder),
            GSETTINGS_BACKEND='memory', GSETTINGS_SCHEMA_DIR=str(self.build / 'data'))
        if scale is not None:
            self.environment['GDK_DPI_SCALE'] = str(scale)
        for name in ('config/pointsman', 'config/gtk-3.0', 'state/pointsman', 'data', 'cache', 'run'):
            (self.folder / name).mkdir(parents=True)
        (self.folder / 'run').chmod(0o700)
        # What slides about while it is being looked at cannot be clicked.
        (self.folder / 'config/gtk-3.0/settings.ini').write_text(
            '[Settings]\ngtk-enable-animations=0\ngtk-cursor-blink=0\n'
            f'gtk-font-name={font}\n', encoding='utf-8')
        self.site_file = self.folder / 'config/pointsman/site.xml'
        self.site_file.write_text(site_xml, encoding='utf-8')

    # --- Starting and stopping ---------------------------------------------------------------

    def __enter__(self):
        try:
            self.start_display()
            self.start_bus()
            self.start_manager()
            self.start_window()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def spawn(self, name, *command, **options):
        log = open(self.folder / f'{name}.log', 'wb')
        options.setdefault('stdout', log)
        child = subprocess.Popen(command, stderr=log, env=self.environment, **options)
        log.close()
        self.children.append(child)
        return child

    def start_display(self):
        child = self.spawn('xvfb', 'Xvfb', '-displayfd', '1', '-screen', '0', f'{self.size}x24',
                           '-nolisten', 'tcp', '-noreset', stdout=subprocess.PIPE)
        number = child.stdout.readline().decode().strip()
        if not number:
            raise Failed('Xvfb did not start:\n' + self.log('xvfb'))
        self.environment['DISPLAY'] = f':{number}'
        self.environment.pop('WAYLAND_DISPLAY', None)

    def start_bus(self):
        child = self.spawn('bus', 'dbus-daemon', '--session', '--nofork', '--print-address',
                           stdout=subprocess.PIPE)
        address = child.stdout.readline().decode().strip()
        if not address:
            raise Failed('dbus-daemon did not start:\n' + self.log('bus'))
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = address
        # This process is a client of the same bus, and of the accessibility bus behind it.
        os.environ['DBUS_SESSION_BUS_ADDRESS'] = address
        os.environ['DISPLAY'] = self.environment['DISPLAY']

    def start_manager(self):
        self.manager = self.spawn('manager', str(self.build / 'src/manager/pointsman-managerd'),
                                  '--session', '--backend', 'child', '--relayd',
                                  str(self.build / 'src/relay/pointsman-relayd'))
        self.run('gdbus', 'wait', '--session', '--timeout', str(TIMEOUT),
                 'org.pointsman.Manager1')

    def start_window(self):
        self.program = self.spawn('pointsman', str(self.build / 'ui/pointsman'), '--session',
                                  *self.options)
        self.application = self.wait(self.find_application, 'the Administrator on the AT-SPI bus')

    def restart_window(self):
        """A new Administrator in place of the one that runs, however that one stands."""
        self.end(self.program)
        self.children.remove(self.program)
        self.start_window()

    def run(self, *command):
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL,
                       timeout=TIMEOUT + 5)

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()

    def stop(self):
        for child in reversed(self.children):
            self.end(child)
        self.children = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, name):
        return (self.folder / f'{name}.log').read_text(encoding='utf-8', errors='replace')

    # --- Looking -----------------------------------------------------------------------------

    def find_application(self):
        import gi
        gi.require_version('Atspi', '2.0')
        from gi.repository import Atspi
        if self.program.poll() is not None:
            raise Failed('The Administrator has left:\n' + self.log('pointsman'))
        desktop = Atspi.get_desktop(0)
        desktop.clear_cache()
        for i in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(i)
            if child is not None and child.get_name() == 'pointsman':
                return child
        return None

    def walk(self, node=None):
        """Every accessible that is showing, in reading order."""
        from gi.repository import Atspi, GLib
        node = node or self.application
        try:
            node.clear_cache()
            states = node.get_state_set()
            if node is not self.application and not states.contains(Atspi.StateType.SHOWING):
                return
            yield node
            children = [node.get_child_at_index(i) for i in range(node.get_child_count())]
        except GLib.Error:  # it went away under our eyes
            return
        for child in children:
            if child is not None:
                yield from self.walk(child)

    def look_for(self, role, name=None, within=None):
        from gi.repository import GLib
        for node in self.walk(within):
            try:
                if node.get_role_name() == role and (name is None or node.get_name() == name):
                    return node
            except GLib.Error:
                continue
        return None

    def find(self, role, name=None, within=None, timeout=TIMEOUT):
        """The first thing on the screen of that role and accessible name; waits for it."""
        return self.wait(lambda: self.look_for(role, name, within), f'a {role} “{name}”', timeout)

    def find_saying(self, words, within=None, timeout=TIMEOUT):
        """The first thing on the screen whose name or text has @words in it; waits for it."""
        def look():
            from gi.repository import GLib
            for node in self.walk(within):
                try:
                    if words in node.get_name() or words in self.text(node):
                        return node
                except GLib.Error:
                    continue
            return None
        return self.wait(look, f'“{words}”', timeout)

    def gone(self, role, name=None, within=None, timeout=TIMEOUT):
        self.wait(lambda: self.look_for(role, name, within) is None, f'no {role} “{name}”',
                  timeout)

    def wait(self, condition, what='it', timeout=TIMEOUT):
        """Until @condition says something true; the accessibility bus is served meanwhile."""
        from gi.repository import GLib
        context = GLib.MainContext.default()
        deadline = time.monotonic() + timeout
        while True:
            result = condition()
            if result:
                return result
            if time.monotonic() > deadline:
                raise Failed(f'Waited {timeout} s for {what}. On the screen:\n{self.screen()}')
            timer = GLib.timeout_source_new(40)
            timer.set_callback(lambda *_: GLib.SOURCE_REMOVE)
            timer.attach(context)
            context.iteration(True)
            timer.destroy()

    def screen(self):
        """What is on the screen, a line each, for messages."""
        lines = []
        for node in self.walk():
            name = node.get_name()
            if name:
                lines.append(f'  {node.get_role_name()} “{name}”')
        return '\n'.join(lines)

    def text(self, node):
        from gi.repository import Atspi
        if 'Text' not in Atspi.Accessible.get_interfaces(node):
            return node.get_name()
        return Atspi.Text.get_text(node, 0, -1)

    def is_sensitive(self, node):
        from gi.repository import Atspi
        node.clear_cache()
        return node.get_state_set().contains(Atspi.StateType.SENSITIVE)

    def is_focused(self, node):
        from gi.repository import Atspi
        node.clear_cache()
        return node.get_state_set().contains(Atspi.StateType.FOCUSED)

    def site_xml(self):
        return self.site_file.read_text(encoding='utf-8')

    def screenshot(self, path, window='root'):
        self.run('import', '-window', window, str(path))

    # --- Doing -------------------------------------------------------------------------------

    def click(self, node, timeout=TIMEOUT):
        """Does what a click on it does, once it can be clicked."""
        from gi.repository import Atspi
        self.wait(lambda: self.is_sensitive(node), f'“{node.get_name()}” to be sensitive', timeout)
        Atspi.Action.do_action(node, 0)

    def double_click(self, node):
        """Two clicks of the mouse in the middle of it."""
        from gi.repository import Atspi
        box = Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN)
        self.run('xdotool', 'mousemove', '--sync', str(box.x + box.width // 2),
                 str(box.y + box.height // 2), 'click', '--repeat', '2', '--delay', '60', '1')

    def click_at(self, node, times=1):
        """Moves the mouse over the middle of @node, once it can be clicked, and clicks."""
        x, y = self.wait(lambda: self.is_sensitive(node) and self.resting_place(node),
                         f'a place of “{node.get_name()}” on the screen')
        self.run('xdotool', 'mousemove', '--sync', str(x), str(y), 'click', '--repeat', str(times),
                 '--delay', '60', '1')

    def resting_place(self, node):
        """The middle of @node, once a layout has come and gone without moving it."""
        places = getattr(self, 'places', {})
        place = self.middle(node)
        self.places = {node: place}
        return place if place is not None and places.get(node) == place else None

    def middle(self, node):
        from gi.repository import Atspi
        node.clear_cache()
        box = Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN)
        if box.width <= 0 or box.height <= 0 or box.x < 0 or box.y < 0:
            return None
        return box.x + box.width // 2, box.y + box.height // 2

    def focus_window(self, title):
        """Gives the keyboard to the window of that title, as a window manager would."""
        found = self.wait(lambda: self.windows(title), f'a window “{title}”')
        self.run('xdotool', 'windowfocus', '--sync', found[-1])

    def windows(self, title):
        output = subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', title],
                                env=self.environment, capture_output=True, text=True, check=False)
        return output.stdout.split()

    def press(self, *keys):
        self.run('xdotool', 'key', '--clearmodifiers', *keys)

    def type(self, text):
        self.run('xdotool', 'type', '--clearmodifiers', '--delay', '5', text)
