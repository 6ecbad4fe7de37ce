// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Commands

@Suite("Credentials in a report")
struct CredentialsTests {
    @Test(
        "They are masked, and nothing else is",
        arguments: [
            ("command-line = \"wifi_psk=hunter2 quiet\"", "command-line = \"wifi_psk=*** quiet\""),
            ("\"Authorization: Bearer eyJhbGciOi.x_y\"", "\"Authorization: Bearer ***\""),
            ("http://alice:hunter2@10.0.0.1/x", "http://***@10.0.0.1/x"),
            ("{\"password\": \"hunter2\", \"a\": 1}", "{\"password\": \"***\", \"a\": 1}"),
            ("&quot;Token&quot;: &quot;abc&quot;", "&quot;Token&quot;: &quot;***&quot;"),
            ("root_passwd='x y' z", "root_passwd='***' z"), ("psk=\"x y\nz", "psk=\"***\nz"),
            ("\\\"psk\\\": \\\"x y\\\", 1", "\\\"psk\\\": \\\"***\\\", 1"),
            ("psk: &quot;x, y&quot; z", "psk: &quot;***&quot; z"), ("{\"psk\": \"a\\\"b c\"}", "{\"psk\": \"***\"}"),
            ("psk=\"a\\", "psk=\"***"), ("token: Bearer x", "token: Bearer ***"),
            ("PASSPHRASE: hunter2", "PASSPHRASE: ***"),
            ("secrets=abc", "secrets=***"),
        ])
    func masked(text: String, expected: String) {
        #expect(Credentials.masked(text) == expected)
    }

    @Test(
        "Other text stays as it is",
        arguments: [
            "", "tcp://10.0.0.1:80/a@b", "psk=", "psk=\"\" quiet", "psk: &quot;&quot;, a", "the password of alice",
            "console=ttyS0", "basic", "Basic use of it", "a: b",
            "# token", "\u{e9}://", "Parking CPU 3 (Cell: \"secret\")",
        ])
    func others(text: String) {
        #expect(Credentials.masked(text) == text)
    }
}
