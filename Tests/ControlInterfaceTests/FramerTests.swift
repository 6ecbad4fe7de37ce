// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

struct FramerTests {
    private let stream = Array("{\"a\":1}\0\0{}\0{\"b".utf8)
    private let messages = ["{\"a\":1}", "", "{}"]

    private func drain(_ framer: inout VarlinkFramer) throws -> [String] {
        var found: [String] = []
        while let message = try framer.next() { found.append(String(decoding: message, as: UTF8.self)) }
        return found
    }

    @Test func wholeStream() throws {
        var framer = VarlinkFramer()
        framer.append(stream)
        #expect(try drain(&framer) == messages)
        #expect(framer.pendingCount == 3)
    }

    @Test func splitAtEveryByte() throws {
        for split in 0...stream.count {
            var framer = VarlinkFramer()
            framer.append(stream[..<split])
            let first = try drain(&framer)
            framer.append(stream[split...])
            #expect(try first + drain(&framer) == messages, "split at \(split)")
        }
    }

    @Test func byteByByte() throws {
        var framer = VarlinkFramer()
        var found: [String] = []
        for byte in stream {
            framer.append([byte])
            found += try drain(&framer)
        }
        #expect(found == messages)
    }

    @Test func limit() throws {
        var framer = VarlinkFramer(limit: 4)
        framer.append(Array("abcd\0".utf8))
        #expect(try framer.next() == Array("abcd".utf8))
        framer.append(Array("abcd".utf8))
        #expect(try framer.next() == nil)
        framer.append(Array("e".utf8))
        #expect(throws: ControlError.tooLong(limit: 4)) { try framer.next() }
    }

    @Test func limitOfAMessageThatCameWhole() {
        var framer = VarlinkFramer(limit: 4)
        framer.append(Array("abcde\0".utf8))
        #expect(throws: ControlError.tooLong(limit: 4)) { try framer.next() }
    }
}
