// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TOML

@Suite struct TOMLParserTests {
    /// The tables as text, keys in alphabetical order.
    private func dump(_ text: String) throws(TOMLError) -> String {
        Self.dump(.table(try TOMLParser.parse(text).0))
    }

    private static func dump(_ content: TOMLNode.Content) -> String {
        switch content {
        case .table(let table):
            "{\(table.members.sorted { $0.key < $1.key }.map { "\($0.key):\(dump($0.value.content))" }.joined(separator: " "))}"
        case .tables(let tables): "[[\(tables.map { dump(.table($0)) }.joined(separator: " "))]]"
        case .list(let elements): "[\(elements.map { dump($0.content) }.joined(separator: " "))]"
        case .string(let text): "\"\(text)\""
        case .integer(let number): "\(number)"
        case .boolean(let value): "\(value)"
        case .other(let kind): "<\(kind)>"
        }
    }

    @Test(arguments: [
        ("", "{}"), ("\u{feff}a = 1", "{a:1}"), ("# c\n\na = 1 # c\r\nb=2", "{a:1 b:2}"),
        ("a = 0x3F8\nb = 0o17\nc = 0b101\nd = -1_000\ne = +0", "{a:1016 b:15 c:5 d:-1000 e:0}"),
        ("a = 1.5\nb = 1e3\nc = -inf\nd = 6.6e-3_4", "{a:<a fraction> b:<a fraction> c:<a fraction> d:<a fraction>}"),
        (
            "a = 1979-05-27\nb = 07:32:00\nc = 1979-05-27 07:32:00Z",
            "{a:<a date or time> b:<a date or time> c:<a date or time>}"
        ),
        ("a = \"x\\t\\\"\\u00fc\\U0001F600\"", "{a:\"x\t\"ü😀\"}"), ("a = 'C:\\n'", "{a:\"C:\\n\"}"),
        ("a = \"\"\"\nx\\\n   y\n\"z\"\"\"\"", "{a:\"xy\n\"z\"\"}"), ("a = '''\nx\n''y'''''", "{a:\"x\n''y''\"}"),
        ("a = [1, # c\n  [\"b\"],\n]", "{a:[1 [\"b\"]]}"), ("a = { b = 1, c.d = { } }", "{a:{b:1 c:{d:{}}}}"),
        ("a.b.c = 1\na.b.d = 2", "{a:{b:{c:1 d:2}}}"), ("\"a b\".'c' = 1\n3 = 4", "{3:4 a b:{c:1}}"),
        ("[a.b]\nc = 1\n[a]\nd = 2", "{a:{b:{c:1} d:2}}"), ("[ a . b ]", "{a:{b:{}}}"),
        ("[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 2\n[[a.e]]", "{a:[[{b:1} {c:{d:2} e:[[{}]]}]]}"),
    ]) func whatIsTOMLIsRead(text: String, expected: String) throws {
        #expect(try dump(text) == expected)
    }

    @Test(arguments: [
        ("a", 1, 2), ("a =", 1, 4), ("a = 1 b = 2", 1, 7), ("= 1", 1, 1), ("a. = 1", 1, 4), ("[a", 1, 3),
        ("[.a]", 1, 2),
        ("[[ #", 1, 4), ("[]", 1, 2), ("[[a]", 1, 5), ("a = 1\na = 2", 2, 1), ("[a]\n[a]", 2, 2), ("a = 1\n[a]", 2, 2),
        ("[[a]]\n[a]", 2, 2), ("a = []\n[[a]]", 2, 3), ("a = {}\n[a.b]", 2, 2), ("a = {b.c = 1}\n[a.b]", 2, 2),
        ("[a.b]\n[a]\nb.c = 1", 3, 1), ("a.b = 1\n[a]", 2, 2), ("a = \"x", 1, 5), ("a = 'x\n'", 1, 5),
        ("a = \"\"\"x", 1, 5),
        ("a = \"\\x\"", 1, 6), ("a = \"\\ud800\"", 1, 6), ("a = \"\\u12\"", 1, 6), ("a = 01", 1, 5), ("a = 1__0", 1, 5),
        ("a = 0x", 1, 5), ("a = 0x-1", 1, 5), ("a = 9223372036854775808", 1, 5), ("a = [1 2]", 1, 8),
        ("a = [1,,]", 1, 8),
        ("a = {b = 1,}", 1, 12), ("a = {b = 1\n}", 1, 11), ("a = TRUE", 1, 5),
        ("a = 1\rb = 2", 1, 6),
        ("a = \"\u{1}\"", 1, 6), ("é = 1", 1, 1), ("\"é\" = x", 1, 7), ("# \u{0}", 1, 3),
    ]) func whatIsNotIsRefusedWithItsPlace(text: String, line: Int, column: Int) {
        let error = #expect(throws: TOMLError.self) { try dump(text) }
        #expect(error?.line == line)
        #expect(error?.column == column, "\(error?.description ?? "")")
    }

    @Test func messagesNameTheFirstOfTwoKeys() {
        let error = #expect(throws: TOMLError.self) { try dump("[a]\nb = 1\nb = 2") }
        #expect(error?.description == "3:1: duplicate key \"b\" (first defined in line 2)")
    }

    @Test(arguments: ["a = [", "a = {a=", "a.", "[a."]) func nestingHasAnEnd(text: String) {
        let repeated = text.last.map { $0 == "." ? "a." : String(text.dropFirst(4)) } ?? ""
        let error = #expect(throws: TOMLError.self) {
            try dump(text + String(repeating: repeated, count: 100_000))
        }
        #expect(error?.message == "values are nested too deeply (at most 32 levels)")
    }

    @Test(arguments: 0..<4) func brokenTextsNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("[]{}.=\"'\\#\n ,_-+0xea1\t\r:Tu\u{0}é".utf8)
        let text = "[cell]\nn = \"r\\n\"\nc = [3, 4]\no = { t = '8', a = 0x3f8 }\n[[m]]\nb.c = 1.5e3\n'q' = '''\na'''\n"
        for _ in 0..<500 {
            var bytes = Array(text.utf8)
            for _ in 0..<1 + generator.next() % 4 {
                let place = Int(generator.next() % UInt64(bytes.count))
                bytes[place...place] = [alphabet[Int(generator.next() % UInt64(alphabet.count))]]
                if generator.next() % 3 == 0 { bytes.remove(at: place) }
            }
            _ = try? dump(String(decoding: bytes, as: UTF8.self))
        }
    }
}
