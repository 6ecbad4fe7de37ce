#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens the exporter's page in a headless Chromium, as a person would on a phone and on a desk, by day and by night.

    JAILHOUSED_SOCKET=… status_page.py ADDRESS JAILHOUSE-CTL CELLS DIRECTORY

The machine has a running cell `rtems` that has failed once, and a cell `sorter` that is given up. The first one is stopped and
started while the page is open, and a third one is defined in CELLS, the directory of definitions. Pictures of the whole page are put into DIRECTORY, to be looked at. Any assertion that does
not hold ends it with a traceback.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 30  # seconds

# What can be read on the page, and what must not be on it.
LOOK = """(() => {
  const text = element => element.innerText.trim();
  const luminance = color => {
    const [r, g, b] = color.match(/[0-9.]+/g).slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [], wide = [], small = [];
  const width = document.documentElement.clientWidth;
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const scrolls = element.parentElement.closest(".sp-map, pre");
    if (!scrolls && (box.right > width + 0.5 || box.left < -0.5)) wide.push(element.outerHTML.slice(0, 80));
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(element);
    const [one, other] = [luminance(style.color), luminance(ground(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(1)}: ${text(element).slice(0, 40)}`);
    if (parseFloat(style.fontSize) < 12) small.push(text(element).slice(0, 40));
  }
  const map = document.querySelector("img");
  return {
    cells: Object.fromEntries(Array.from(document.querySelectorAll("article"), card => [
      text(card.querySelector("h3")), {
        condition: text(card.querySelector(".sp-condition")),
        facts: Object.fromEntries(Array.from(card.querySelectorAll("tr"),
          row => [text(row.querySelector("th")), text(row.querySelector("td"))])),
        failures: Array.from(card.querySelectorAll("details"), text),
      }])),
    connection: text(document.getElementById("connection")),
    faint, small, wide,
    overflow: document.documentElement.scrollWidth - width,
    isDrawn: map.complete && map.naturalWidth > 0,
    map: map.currentSrc,
    isReadable: map.clientWidth >= map.naturalWidth,
    changing: document.querySelectorAll("form, button, input, select, textarea, iframe, [contenteditable], [onclick]").length,
    scripts: Array.from(document.scripts, script => script.src),
    links: Array.from(document.links, link => link.href),
    isTheSame: window.isTheSame === true,
    focus: document.activeElement.localName,
  };
})()"""


class Browser:
    """A Chromium that is spoken to by its DevTools protocol, over pipes."""

    def __init__(self, profile, log):
        program = next(filter(None, map(shutil.which, ["chromium-headless-shell", "chromium"])))
        theirs, ours = os.pipe()
        self.answers, their_answers = os.pipe()
        self.requests = ours
        # Root has no sandbox, and the page is our own.
        arguments = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self.process = os.posix_spawn(
            program, arguments, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 3), (os.POSIX_SPAWN_DUP2, their_answers, 4),
                          (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)])
        os.close(theirs)
        os.close(their_answers)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def end(self):
        os.kill(self.process, signal.SIGTERM)
        os.waitpid(self.process, 0)

    def message(self):
        while b"\0" not in self.buffer:
            read = os.read(self.answers, 1 << 16)
            assert read, "the browser has ended"
            self.buffer += read
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        text = json.dumps(request).encode() + b"\0"
        while text:
            text = text[os.write(self.requests, text):]
        while True:
            message = self.message()
            if message.get("id") == self.number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def wait(self, event):
        while not any(message["method"] == event for message in self.events[self.seen:]):
            message = self.message()
            if "method" in message:
                self.events.append(message)

    def value(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while True:
            page = self.value(LOOK)
            if condition(page):
                return page
            assert time.monotonic() < deadline, (what, page)
            time.sleep(0.05)

    def open(self, address, width, height, scheme):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if width < 600 else 1,
                 mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.seen = len(self.events)
        self.ask("Page.navigate", url=address)
        self.wait("Page.loadEventFired")
        return self.until("the page is there and live", lambda page: page["isDrawn"] and page["connection"] == "live")

    def picture(self, path):
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))


def control(*arguments):
    subprocess.run([control_program, *arguments], check=True, stdout=subprocess.DEVNULL)


def visit(browser, width, height, scheme):
    page = browser.open(address, width, height, scheme)
    print(f"{width} pixels, {scheme}: {', '.join(page['cells'])}")
    rtems = page["cells"]["rtems"]
    assert rtems["condition"] == "● running", rtems
    assert rtems["facts"]["Restarts"] == "1" and rtems["facts"]["State"] == "running", rtems
    assert rtems["failures"] and "Last failure, " in rtems["failures"][0], rtems
    assert "gave-up" in page["cells"]["sorter"]["condition"], page["cells"]["sorter"]
    for unwanted in ["faint", "small", "wide"]:
        assert page[unwanted] == [], (unwanted, page[unwanted])
    assert page["overflow"] <= 0, page["overflow"]

    # the report of the failure, opened as a reader opens it
    browser.value("document.querySelectorAll('details').forEach(one => one.querySelector('summary').click())")
    page = browser.value(LOOK)
    assert "FATAL: " in page["cells"]["rtems"]["failures"][0], page["cells"]
    for unwanted in ["faint", "small", "wide"]:
        assert page[unwanted] == [], (unwanted, page[unwanted])
    assert page["overflow"] <= 0, page["overflow"]

    assert page["isReadable"], "the map is smaller than it was drawn"
    assert page["changing"] == 0
    assert page["scripts"] == [address + "script.js"], page["scripts"]
    assert page["links"] == [address + "map.svg"], page["links"]
    browser.picture(directory / f"{width}-{scheme}.png")


def follow(browser):
    """What happens is shown without a reload. What the reader has opened stays open, and the focus where it is."""
    browser.value("window.isTheSame = true; document.querySelector('summary').focus()")
    condition = lambda page: page["cells"]["rtems"]["condition"]
    control("stop", "rtems")
    page = browser.until("it is shown as stopped", lambda page: condition(page) == "○ stopped")
    assert "FATAL: " in page["cells"]["rtems"]["failures"][0], page["cells"]
    control("start", "rtems")
    page = browser.until("it is shown as running", lambda page: condition(page) == "● running")
    assert page["isTheSame"], "the page was loaded again"
    assert page["focus"] == "summary", page["focus"]

    definition = (cells / "rtems.toml").read_text().replace('name = "rtems"', 'name = "packer"').replace("0x3a000000", "0x3c000000")
    (cells / "packer.toml").write_text(definition)
    control("reload")
    page = browser.until("the cell and a new map are there", lambda page: "packer" in page["cells"] and page["map"] != address + "map.svg")
    assert "packer: ram" in browser.value(f"fetch({page['map']!r}).then(answer => answer.text())")
    assert page["isTheSame"], "the page was loaded again"


address, control_program, cells, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
directory.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    browser = Browser(profile, directory / "browser.log")
    try:
        for domain in ["Page", "Runtime", "Log", "Network"]:
            browser.ask(f"{domain}.enable")
        for width, height in [(390, 844), (1280, 800)]:
            for scheme in ["light", "dark"]:
                visit(browser, width, height, scheme)
        follow(browser)
        requests = [event["params"]["request"] for event in browser.events if event["method"] == "Network.requestWillBeSent"]
        assert requests and all(r["url"].startswith(address) and r["method"] == "GET" for r in requests), requests
        said = [event for event in browser.events
                if event["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")]
        assert said == [], said
        # The network is gone, and nothing of the connection's end arrives: a minute later it is noticed.
        browser.value("const now = Date.now; Date.now = () => now() + 60000; 0")
        for isAway, connection in [(True, "not connected; trying again"), (False, "live")]:
            browser.ask("Network.emulateNetworkConditions", offline=isAway, latency=0, downloadThroughput=-1, uploadThroughput=-1)
            browser.until(connection, lambda page: page["connection"] == connection)
    finally:
        browser.end()
