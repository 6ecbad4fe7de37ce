// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Commands

struct TextTests {
    @Test(arguments: [
        ("plain ä ●", "plain ä ●"), ("a\u{1b}[2Jb", "a\\x1b[2Jb"), ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u{7f}\u{9b}", "\\x7f\\x9b"),
        ("\u{7}", "\\x07"), ("\u{202e}txt", "\\u{202e}txt"), ("", ""),
    ])
    func printable(text: String, expected: String) {
        #expect(Text.printable(text) == expected)
    }

    @Test func lineBreaksCanStay() {
        #expect(Text.printable("a\nb\u{1b}", keepingLineBreaks: true) == "a\nb\\x1b")
    }

    @Test(arguments: [
        ([], "-"), ([3], "3"), ([0, 1, 2, 5], "0-2,5"), ([5, 1, 2], "1-2,5"), ([1, 3], "1,3"), ([2, 2], "2"),
    ])
    func ranges(numbers: [Int], expected: String) {
        #expect(Text.ranges(numbers) == expected)
    }

    @Test(arguments: [
        ("a b'c", "'a b'\\''c'"), ("", "''"), ("/a-b_c.d", "/a-b_c.d"),
        ("console=ttyS0,115200", "console=ttyS0,115200"),
        ("$x", "'$x'"), ("\u{e9}", "'\u{e9}'"),
    ])
    func wordsOfAShell(word: String, expected: String) {
        #expect(Text.shellWord(word) == expected)
    }
}

struct TableTests {
    @Test func alignment() {
        let table = Table(
            heads: ["A", "LONG", "Z"],
            rows: [[.init("wide entry"), .init(nil), .init("end")], [.init(""), .init("\u{1b}"), .init("x", .red)]])
        #expect(
            table.text(.plain) == """
                A           LONG  Z
                wide entry  -     end
                -           \\x1b  x
                """)
    }

    @Test func aTerminalsLastColumnBreaksAtWords() {
        let table = Table(heads: ["A", "REASON"], rows: [[.init("1"), .init("what is longer than its column")]])
        #expect(
            table.text(Style(coloured: false, width: 24)) == """
                A  REASON
                1  what is longer than
                   its column
                """)
    }

    @Test func columnsMoveTogetherWhereThatIsEnough() {
        let table = Table(heads: ["CELL", "STATE", "CPUS"], rows: [[.init("a"), .init("running"), .init("2-3")]])
        let narrow = Style(coloured: false, width: 17)
        #expect(table.text(narrow) == "CELL STATE   CPUS\na    running 2-3")
        #expect(table.text(Style(coloured: false, width: 19)) == "CELL  STATE    CPUS\na     running  2-3")
    }

    @Test func proseBreaksAtWords() {
        let style = Style(coloured: false, width: 34)
        #expect(
            style.lines("meaning: the program wrote a byte", indentation: 4) == [
                "    meaning: the program wrote a", "      byte",
            ])
        #expect(style.lines("what has no room", room: 30) == ["what has no room"])
    }

    @Test func paintDoesNotCount() {
        let table = Table(heads: ["A", "B"], rows: [[.init("red", .red), .init("b")]])
        #expect(
            table.text(Style(coloured: true))
                == "\u{1b}[1mA\u{1b}[0m    \u{1b}[1mB\u{1b}[0m\n\u{1b}[1;31mred\u{1b}[0m  b")
    }

    @Test func properties() {
        var list = PropertyList()
        list.add("A", "1")
        list.add("Longer", lines: ["x", "y"])
        list.add("None", nil)
        #expect(list.text() == "     A: 1\nLonger: x\n        y")
    }
}

struct MomentTests {
    @Test func formats() {
        let moment = Moment(microseconds: Samples.time)
        #expect(moment.rfc3339 == "2026-11-22T08:41:12.345Z")
        #expect(moment.time(.utc) == "08:41:12.345")
        #expect(moment.short(now: Samples.now, .utc) == "08:41:12 (3s)")
        #expect(moment.long(now: Samples.now, .utc) == "Sun 2026-11-22 08:41:12 GMT; 3s ago")
        let tomorrow = Moment(microseconds: Samples.time + 90_000 * 1_000_000)
        #expect(moment.short(now: tomorrow, .utc) == "2026-11-22 08:41 (1d 1h)")
    }

    @Test func ofTheFuture() {
        #expect(Samples.now.short(now: Moment(microseconds: Samples.time), .utc) == "08:41:15 (0s)")
    }

    @Test func never() {
        #expect(Moment(known: 0) == nil)
        #expect(Moment(known: nil) == nil)
    }

    @Test(arguments: [
        (0, "0s"), (5, "5us"), (100_000, "100ms"), (1_500_000, "1.5s"), (60_000_000, "1min"),
        (125_000_000, "2min 5s"), (3_600_000_000, "1h"), (3_601_000_000, "1h"), (90_000_000_000, "1d 1h"),
    ])
    func durations(microseconds: Int, expected: String) {
        #expect(Moment.duration(microseconds) == expected)
    }
}

struct LayoutTests {
    @Test(arguments: [
        ("[]", "[]"), ("{}", "{}"), ("[1,-2.5e3,null]", "[1, -2.5e3, null]"), ("\"a\\\"[\"", "\"a\\\"[\""),
        ("{\"a\":[\"],{\"],\"b\":true}", "{\n  \"a\": [\"],{\"],\n  \"b\": true\n}"),
        ("[[1],{\"a\":{}}]", "[\n  [1],\n  {\n    \"a\": {}\n  }\n]"),
    ])
    func layout(json: String, expected: String) {
        var layout = JSON.Layout(Array(json.utf8))
        #expect(layout.text() == expected)
    }

    @Test func aLongListTakesALineAnElement() throws {
        let list = [String(repeating: "x", count: 40), String(repeating: "y", count: 40)]
        #expect(try JSON.text(list) == "[\n  \"\(list[0])\",\n  \"\(list[1])\"\n]")
    }
}
