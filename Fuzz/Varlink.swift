// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

@testable import ControlInterface

// Coverage-guided fuzzing of what comes over the sockets: at the daemon calls, at a client replies.

private let info = VarlinkServiceInfo(version: "1")

/// An input is a byte that says who reads, and a stream of messages. `a` and the letters after it: a client that has
/// called the first method of the interface, the second and so on. Everything else: the daemon.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzVarlink(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 0, let reader = start?.pointee else { return 0 }
    let stream = Array(UnsafeBufferPointer(start: start, count: count)[1...]) + [0]
    let method = Int(reader) - Int(UInt8(ascii: "a"))
    for message in messages(in: stream, pieces: 1 + count % 7) {
        if Manager.Method.allCases.indices.contains(method) {
            readReply(message, of: Manager.Method.allCases[method].type)
        } else if let call = try? VarlinkCall(message: message) {
            answer(call, message)
        }
    }
    return 0
}

/// However the stream is cut, it has the same messages.
private func messages(in stream: [UInt8], pieces: Int) -> [[UInt8]] {
    let limit = 512
    let expected = stream.split(separator: 0, omittingEmptySubsequences: false).dropLast().map(Array.init)
    var framer = VarlinkFramer(limit: limit)
    var found: [[UInt8]] = []
    var isTooLong = false
    for start in stride(from: 0, to: stream.count, by: pieces) where !isTooLong {
        framer.append(stream[start..<min(start + pieces, stream.count)])
        do {
            while let message = try framer.next() { found.append(message) }
            expect(framer.pendingCount <= limit, "more waits than a message may have")
        } catch {
            isTooLong = true
        }
    }
    let first = expected.prefix { $0.count <= limit }
    expect(found == Array(first), "cut into pieces of \(pieces) the stream has other messages")
    expect(isTooLong == (first.count < expected.count), "the longest message is not the one that is refused")
    return found
}

private func answer(_ call: VarlinkCall, _ message: [UInt8]) {
    if let reply = info.reply(to: call) {
        expect(reply.last == 0 && !reply.dropLast().contains(0), "a reply is not one message")
        expect(reply.count < 32 << 10 + 8 * message.count, "a reply of \(reply.count) bytes")
    } else if let method = Manager.Method(named: call.method)?.type {
        readParameters(of: call, for: method)
    } else {
        fail("\(call.method) is nobody's to answer")
    }
}

private func readParameters<Method: ManagerMethod>(of call: VarlinkCall, for method: Method.Type) {
    guard let parameters = try? call.parameters(of: method) else { return }
    let again = must("what was accepted cannot be said again") {
        var message = try VarlinkCall.message(method, parameters, more: call.more, oneway: call.oneway)
        message.removeLast()
        return try VarlinkCall(message: message)
    }
    expect(again.method == call.method && again.more == call.more && again.oneway == call.oneway, "another call")
    expect((try? again.parameters(of: method)) == parameters, "other parameters: \(parameters)")
}

private func readReply<Method: ManagerMethod>(_ message: [UInt8], of method: Method.Type) {
    do throws(ControlError) {
        let (reply, continues) = try VarlinkReply.decode(message, of: method)
        var bytes = try VarlinkReply.message(of: method, reply, continues: continues)
        bytes.removeLast()
        let again = try VarlinkReply.decode(bytes, of: method)
        expect(again == (reply, continues), "another reply: \(reply)")
    } catch {
        _ = "\(error)"
        guard case .manager(let refusal) = error else { return }
        let again = ManagerError(qualifiedName: refusal.qualifiedName, fields: refusal.fields)
        expect(again == refusal, "another error: \(refusal)")
    }
}
