#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what a command shows on a terminal, as SVG: terminal.py [--until TEXT] [--name PLACE=NAME] PICTURE COMMAND...

--until: the command never ends by itself. Its screen is drawn as soon as TEXT is on it, then it is ended with q.
--name: a directory of this run is shown with another name. The command stands above what it shows.
"""

import argparse
import fcntl
import html
import itertools
import os
import pathlib
import pty
import re
import select
import shlex
import struct
import termios
import time

COLUMNS, LINES = 100, 12
PATIENCE = 30  # seconds
WIDTH, HEIGHT, MARGIN = 8.4, 20, 16  # of a character, and around all of it, in pixels
PLAIN = frozenset()
STYLES = {1: "bold", 2: "faint", 7: "inverse", 31: "bad", 32: "well", 33: "other"}
STYLE_SHEET = """<style>
text { font: 14px ui-monospace, "DejaVu Sans Mono", monospace; fill: #1c2024; white-space: pre; }
.paper { fill: #f3f5f7; stroke: #d5dbe1; } .bold { font-weight: 700; } .faint { fill: #5f6b76; }
.bad { fill: #c62828; } .well { fill: #2e7d32; } .other { fill: #9a6700; }
rect.inverse { fill: #1c2024; } text.inverse { fill: #f3f5f7; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e9ec; } .paper { fill: #1d2329; stroke: #38424c; } .faint { fill: #9aa5b1; }
.bad { fill: #ff6b63; } .well { fill: #74c66c; } .other { fill: #e3b341; }
rect.inverse { fill: #e6e9ec; } text.inverse { fill: #1d2329; }
}
</style>"""


class Screen:
    """What a terminal shows of its input: as much of a terminal as the commands here use."""

    def __init__(self, output):
        self.lines = [[]]
        self.row = self.column = 0
        self.style = PLAIN
        for sequence in re.finditer(r"\x1b\[([0-9;?]*)([A-Za-z])|(.)", output.decode(errors="replace"), re.DOTALL):
            if sequence[2]:
                self.control(sequence[1], sequence[2])
            else:
                self.put(sequence[3])

    def put(self, character):
        if character == "\r":
            self.column = 0
            return
        if character == "\n" or self.column == COLUMNS:
            self.row, self.column = self.row + 1, 0 if character != "\n" else self.column
        while len(self.lines) <= self.row:
            self.lines.append([])
        if character == "\n":
            return
        line = self.lines[self.row]
        line.extend([(" ", PLAIN)] * (self.column + 1 - len(line)))
        line[self.column] = (character, self.style)
        self.column += 1

    def control(self, parameters, command):
        if command == "m":
            for number in map(int, (parameters or "0").split(";")):
                if number and number not in STYLES:
                    raise SystemExit(f"terminal.py: the colour {number} is not known")
                self.style = self.style | {STYLES[number]} if number else PLAIN
        elif (parameters, command) == ("", "H"):
            self.row = self.column = 0
        elif (parameters, command) == ("", "K"):
            del self.lines[self.row][self.column:]
        elif (parameters, command) == ("", "J"):
            del self.lines[self.row + 1:]
        elif not parameters.startswith("?"):
            raise SystemExit(f"terminal.py: the sequence ESC [ {parameters} {command} is not known")

    def __str__(self):
        return "\n".join("".join(character for character, _ in line) for line in self.lines)


def shown(command, until, place, name):
    """The screen of a command that runs on a terminal: at its end, or as soon as `until` is on it."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.environ["TERM"] = "xterm-256color"
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    output = b""
    deadline = time.monotonic() + PATIENCE
    while True:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise SystemExit(f"terminal.py: {shlex.join(command)} shows only:\n{Screen(output)}")
        try:
            output += os.read(terminal, 1 << 16)
        except OSError:  # so it ends on Linux
            break
        # what follows the last line is removed: the screen is whole
        if until and output.endswith(b"\x1b[J") and until in str(Screen(output)):
            os.write(terminal, b"q")
            break
    os.close(terminal)
    os.waitpid(child, 0)
    return Screen(output.replace(place.encode(), name.encode()) if place else output)


def svg(title, lines):
    marks = []
    for row, line in enumerate(lines):
        top = MARGIN + row * HEIGHT
        column = 0
        for style, characters in itertools.groupby(line, key=lambda character: character[1]):
            text = "".join(character for character, _ in characters)
            left, width = MARGIN + column * WIDTH, len(text) * WIDTH
            column += len(text)
            if "inverse" in style:
                marks.append(f'<rect class="inverse" x="{left:g}" y="{top}" width="{width:g}" height="{HEIGHT}"/>')
            # each word has its place, whatever the reader's font
            for word in re.finditer(r"\S+(?: \S+)*", text):
                x, length = left + word.start() * WIDTH, len(word[0]) * WIDTH
                marks.append(f'<text class="{" ".join(sorted(style))}" x="{x:g}" y="{top + 15}" textLength="{length:g}" '
                             f'lengthAdjust="spacingAndGlyphs">{html.escape(word[0], quote=False)}</text>')
    width, height = 2 * MARGIN + COLUMNS * WIDTH, 2 * MARGIN + len(lines) * HEIGHT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}" role="img">',
        f"<title>{html.escape(title)}</title>", STYLE_SHEET,
        f'<rect class="paper" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1}" rx="6"/>', *marks, "</svg>", ""])


parser = argparse.ArgumentParser()
parser.add_argument("--until")
parser.add_argument("--name")
parser.add_argument("picture", type=pathlib.Path)
parser.add_argument("command", nargs=argparse.REMAINDER)
arguments = parser.parse_args()

screen = shown(arguments.command, arguments.until, *(arguments.name or "=").split("=", 1))
prompt = [(character, frozenset({"faint"})) for character in "$ "] + [(c, PLAIN) for c in shlex.join(arguments.command)]
while not screen.lines[-1]:
    screen.lines.pop()
arguments.picture.write_text(svg(shlex.join(arguments.command), [prompt, *screen.lines]))
