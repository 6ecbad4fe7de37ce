// SPDX-License-Identifier: Apache-2.0

import FailureReports
import Testing

@testable import Commands

@Suite("Texts out of mails") struct MailTextTests {
    private static let line = "Parking CPU 3 (Cell: \"a\")"

    @Test(
        "What mails, pages and terminals add is taken away",
        arguments: [
            line, "Parking\u{a0}CPU 3 (Cell: \"a\")", "Parking CPU 3 (Cell: \u{201c}a\u{201d})",
            "Parking CPU 3 (Cell: &ldquo;a&#x22;)", "Parking&#xa0;CPU 3 (Cell: &quot;a&quot;)",
            "\u{1b}[1;31mParking CPU\u{1b}[0m 3 (Cell: \"a\")",
            "Parking CPU 3 (Cell:=20\"a\")=3D".replacing("=3D", with: "") + "=\n", "Parking CP=\nU 3 (Cell: =22a\")",
        ])
    func additions(text: String) {
        #expect(MailText.plain(Array(text.utf8)) == Self.line)
    }

    @Test(
        "A dump of several lines keeps all of them",
        arguments: [
            "FATAL: x=0D\nRIP: 0x1=0D\nParking CPU 3 (Cell: =22a=22)=0D\n",
            "FATAL: x=20\nRIP: 0x1\nParking CPU 3 (Cell: =22a=22)\n",
            "<p>FATAL: x<br>RIP: 0x1<br/>Parking CPU 3 (Cell: &quot;a&quot;)</p>\n",
            "<pre class=\"c\"><span>FATAL: x</span>\nRIP: 0x1\nParking CPU 3 (Cell: \"a\")</pre>",
            "<div>FATAL: x</div><div>RIP: 0x1</div><div>Parking CPU 3 (Cell: &#34;a&#34;)</div>",
        ])
    func wholeDumps(text: String) {
        let lines = MailText.plain(Array(text.utf8)).split(whereSeparator: \.isNewline)
            .map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.filter { !$0.isEmpty } == ["FATAL: x", "RIP: 0x1", Self.line])
    }

    @Test("What the hypervisor prints in angle brackets is no tag")
    func angles() {
        let text = "<missed 312 bytes of console log>\n<br>a < b\n"
        #expect(MailText.plain(Array(text.utf8)) == "<missed 312 bytes of console log>\n\na < b\n")
    }

    @Test("What comes out of a replacement is not replaced again, and a tag without an end is none")
    func once() {
        #expect(MailText.plain(Array("&amp;lt;br&gt;\t&#160;x".utf8)) == "&lt;br>  x")
        let open = String(repeating: "<b ", count: 50_000)
        #expect(MailText.plain(Array((open + "</p>").utf8)) == open + "\n")
    }

    @Test("A dump behind 300 kB of other lines is explained as it is alone")
    func long() {
        let kinds = [
            "[   77.123456] usb 1-1: new device: number=7\r", "tick 12 rax: 4d counter=9", "a line without anything",
            "",
            "root@host:~# dmesg",
        ]
        let dump =
            "FATAL: Invalid PIO write, port: 70 size: 1\nRIP: 0x0000000000103412 RSP: 0x00000000001ffe40 FLAGS: 2\n\(Self.line)\n"
        let noise = (0..<14_000).map { kinds[$0 % kinds.count] + "\n" }.joined()
        let death = ConsoleText(MailText.plain(Array((noise + dump).utf8))).deaths
        #expect(noise.utf8.count > 290_000 && death.count == 1 && death == ConsoleText(dump).deaths)
    }

    @Test("UTF-16 is read, with its mark or without")
    func wide() {
        let little = Self.line.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        let big = Self.line.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        #expect(MailText.plain(little) == Self.line)
        #expect(MailText.plain([0xff, 0xfe] + little) == Self.line)
        #expect(MailText.plain([0xfe, 0xff] + big) == Self.line)
        #expect(MailText.plain(big) == Self.line)
        #expect(MailText.plain([0xfe, 0xff, 0]) == "")
    }

    @Test("Bytes that are no UTF-8 are of Windows, and a mail may be packed")
    func encodings() {
        let western =
            Array("Parking".utf8) + [0xa0] + Array("CPU 3 (Cell: ".utf8) + [0x93] + Array("a".utf8) + [0x94, 0x29]
        #expect(MailText.plain(western) == Self.line)
        let packed = """
            From: a@example.org\r
            Content-Transfer-Encoding: base64\r
            Subject: it died\r
            \r
            UGFya2luZyBDUFUgMyAo\r
            Q2VsbDogImEiKQ==\r
            \r
            --end\r
            """
        #expect(MailText.plain(Array(packed.utf8)).contains("\n\(Self.line)\n"))
        // what is no text, such as a picture beside it, hides nothing
        let picture = "Content-Transfer-Encoding: base64\n\n/9j/4AAQ\n\n--end\n"
        #expect(MailText.plain(Array((Self.line + "\n--end\n" + picture).utf8)).hasPrefix(Self.line + "\n"))
        #expect(MailText.plain(Array((picture + packed).utf8)).contains("\n\(Self.line)\n"))
        let broken = "Content-Transfer-Encoding: base64\n\nnone?\n"
        #expect(MailText.plain(Array(broken.utf8)) == broken)
    }

    @Test("Text that is none of these stays as it is", arguments: ["", "a = b", "ESR=0x24", "x == y\n", "\u{e9}"])
    func untouched(text: String) {
        #expect(MailText.plain(Array(text.utf8)) == text)
    }
}
