// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ControlInterface

struct CallTests {
    private func call(_ text: String) throws -> VarlinkCall { try VarlinkCall(message: Array(text.utf8)) }

    @Test func envelope() throws {
        let call = try call(#"{"method":"org.jailhoused.Manager.List"}"#)
        #expect(call.method == Manager.List.qualifiedName)
        #expect(call.interface == Manager.name)
        #expect(!call.more && !call.oneway)
        #expect(try call.parameters(of: Manager.List.self) == Nothing())
    }

    @Test func parameters() throws {
        let text = #"{"parameters":{"cell":"a\u00e4\"b"},"oneway":true,"method":"org.jailhoused.Manager.Start"}"#
        let call = try call(text)
        #expect(call.oneway)
        #expect(try call.parameters(of: Manager.Start.self).cell == "aä\"b")
    }

    /// Written without an encoder.
    @Test(arguments: [nil, true])
    func messageWithoutParameters(more: Bool?) throws {
        struct Outgoing: Encodable {
            let method: String
            let more: Bool?
            let parameters = Nothing()
        }
        let encoded = try VarlinkJSON.message(Outgoing(method: "org.jailhoused.Manager.List", more: more))
        #expect(try VarlinkCall.message(Manager.List.self, Nothing(), more: more ?? false) == encoded)
    }

    @Test(arguments: ["{}", #"{"cell":null}"#, "null"])
    func absentOptional(parameters: String) throws {
        let call = try call(#"{"method":"org.jailhoused.Manager.ResetFailed","parameters":\#(parameters)}"#)
        #expect(try call.parameters(of: Manager.ResetFailed.self).cell == nil)
    }

    @Test(arguments: [
        (#"{"cell":1}"#, "cell"), ("{}", "cell"), (#"{"cell":null}"#, "cell"),
        (#"{"cell":"a","force":true}"#, "force"), ("[]", "parameters"), ("null", "cell"),
    ])
    func invalidParameter(parameters: String, named name: String) throws {
        let call = try call(#"{"method":"org.jailhoused.Manager.Start","parameters":\#(parameters)}"#)
        #expect(throws: ServiceError.invalidParameter(parameter: name)) {
            try call.parameters(of: Manager.Start.self)
        }
    }

    @Test func streamsWantMore() throws {
        let call = try call(#"{"method":"org.jailhoused.Manager.Watch"}"#)
        #expect(throws: ServiceError.expectedMore) { try call.parameters(of: Manager.Watch.self) }
    }

    @Test(arguments: [
        "", " ", "x", "{", "[]", "{}", "null", "1", #"{"method":1}"#, #"{"method":"a","more":"yes"}"#,
        #"{"method":"a"}x"#, "{\"method\":\"\u{1}", #"{"method""#,
    ])
    func garbage(text: String) {
        #expect {
            try call(text)
        } throws: { error in
            if case .malformed = error as? ControlError { true } else { false }
        }
    }

    @Test func garbageOfEveryByte() {
        for byte in UInt8.min...UInt8.max {
            #expect(throws: ControlError.self) { try VarlinkCall(message: [byte]) }
        }
        // not UTF-8
        #expect(throws: ControlError.self) {
            try VarlinkCall(message: Array(#"{"method":""#.utf8) + [0xff, 0x22, 0x7d])
        }
    }

    @Test func nesting() throws {
        let inside = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
        #expect(throws: Never.self) { try call(#"{"method":"a","x":\#(inside)}"#) }
        #expect(throws: ControlError.tooDeep(limit: 32)) { try call(#"{"method":"a","x":[\#(inside)]}"#) }
        #expect(throws: ControlError.tooDeep(limit: 32)) { try call(String(repeating: "[", count: 60_000)) }
        let brackets = String(repeating: "[{", count: 100)
        #expect(throws: Never.self) { try call(#"{"method":"a\\\"\#(brackets)"}"#) }
    }

    @Test func outgoing() throws {
        let bytes = try VarlinkCall.message(Manager.Watch.self, .init(cell: "a"), more: true)
        #expect(bytes.last == 0)
        #expect(
            String(decoding: bytes.dropLast(), as: UTF8.self)
                == #"{"method":"org.jailhoused.Manager.Watch","more":true,"parameters":{"cell":"a"}}"#)
        let call = try VarlinkCall(message: bytes.dropLast())
        #expect(try call.parameters(of: Manager.Watch.self).cell == "a")
    }
}

struct ReplyTests {
    private func roundTrip<Method: VarlinkMethod>(_ method: Method.Type, _ reply: Method.Reply) throws {
        for continues in [false, true] {
            let bytes = try VarlinkReply.message(of: method, reply, continues: continues)
            #expect(bytes.firstIndex(of: 0) == bytes.count - 1)
            let decoded = try VarlinkReply.decode(bytes.dropLast(), of: method)
            #expect(decoded.reply == reply)
            #expect(decoded.continues == continues)
        }
    }

    @Test func everyReplyRoundTrips() throws {
        try roundTrip(Manager.List.self, .init(machine: Samples.machine, cells: [Samples.cell, Samples.bareCell]))
        try roundTrip(Manager.List.self, .init(machine: Samples.bareMachine, cells: []))
        try roundTrip(Manager.Describe.self, .init(details: Samples.details))
        try roundTrip(Manager.Describe.self, .init(details: Samples.bareDetails))
        try roundTrip(Manager.Enable.self, Nothing())
        try roundTrip(Manager.Start.self, .init(cell: Samples.cell))
        try roundTrip(Manager.Reload.self, .init(added: ["a"], removed: [], changed: ["b"], problems: ["c"]))
        try roundTrip(Manager.CommunicationRegion.self, .init(region: Samples.region))
        try roundTrip(Manager.CommunicationRegion.self, .init(region: Samples.bareRegion))
        try roundTrip(Manager.Statistics.self, .init(statistics: [Samples.statistic]))
        try roundTrip(Manager.Watch.self, .init(change: Samples.change))
        try roundTrip(Manager.Watch.self, .init(change: Samples.bareChange))
        try roundTrip(Manager.Console.self, .init(text: "a\r\nb\u{0}\u{1b}[2J"))
        try roundTrip(Manager.Failures.self, .init(failures: [Samples.failure, Samples.bareFailure]))
        try roundTrip(Manager.Check.self, .init(findings: []))
        try roundTrip(Manager.Configurations.self, .init(system: Samples.configuration, cells: []))
    }

    @Test func numbersKeepAllTheirBits() throws {
        for value in [Int.max, Int.min, (1 << 53) + 1, -1] {
            try roundTrip(Manager.Statistics.self, .init(statistics: [.init(name: "x", value: value)]))
        }
        #expect(Samples.region.address.map { UInt64(bitPattern: Int64($0)) } == 0xffff_ffff_0090_0000)
    }

    @Test func absentIsLeftOut() throws {
        let bytes = try VarlinkReply.message(of: Manager.Describe.self, .init(details: Samples.bareDetails))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("null"))
    }

    @Test func managerErrors() {
        for error in Samples.managerErrors {
            let bytes = VarlinkReply.message(error)
            #expect(bytes.last == 0)
            #expect(throws: ControlError.manager(error)) {
                try VarlinkReply.decode(bytes.dropLast(), of: Manager.Start.self)
            }
        }
        let bare = ManagerError.commandFailed(
            cell: nil, command: "enable", errno: 16, errnoName: "EBUSY", message: "m")
        #expect(throws: ControlError.manager(bare)) {
            try VarlinkReply.decode(VarlinkReply.message(bare).dropLast(), of: Manager.Enable.self)
        }
    }

    @Test func serviceErrors() {
        for error in Samples.serviceErrors {
            #expect(throws: ControlError.service(error)) {
                try VarlinkReply.decode(VarlinkReply.message(error).dropLast(), of: Manager.Start.self)
            }
        }
    }

    @Test(arguments: [#"{"error":"org.example.Bad","parameters":{}}"#, #"{"error":"org.example.Bad"}"#])
    func unknownError(text: String) {
        #expect(throws: ControlError.unknown(name: "org.example.Bad")) {
            try VarlinkReply.decode(Array(text.utf8), of: Manager.Start.self)
        }
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"parameters":{}}"#, #"{"parameters":{"cell":{"name":3}}}"#])
    func garbage(text: String) {
        #expect {
            try VarlinkReply.decode(Array(text.utf8), of: Manager.Start.self)
        } throws: { error in
            if case .malformed = error as? ControlError { true } else { false }
        }
    }
}

struct ServiceInfoTests {
    private let service = VarlinkServiceInfo(version: "1.2")

    private func reply(_ text: String) throws -> String? {
        try service.reply(to: VarlinkCall(message: Array(text.utf8))).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func information() throws {
        let text = try reply(#"{"method":"org.varlink.service.GetInfo"}"#)
        #expect(text?.contains(#""interfaces":["org.varlink.service","org.jailhoused.Manager"]"#) == true)
        #expect(text?.contains(#""version":"1.2""#) == true)
    }

    @Test func descriptions() throws {
        for (name, description) in [
            (Manager.name, Manager.description), (VarlinkService.name, VarlinkService.description),
        ] {
            let call = try VarlinkCall(
                message: VarlinkCall.message(
                    VarlinkService.GetInterfaceDescription.self, .init(interface: name)
                ).dropLast())
            let bytes = try #require(service.reply(to: call))
            let reply = try VarlinkReply.decode(bytes.dropLast(), of: VarlinkService.GetInterfaceDescription.self)
            #expect(reply.reply.description == description)
        }
    }

    @Test func whatDoesNotExist() throws {
        #expect(try reply(#"{"method":"a.b.C"}"#)?.contains("InterfaceNotFound") == true)
        #expect(try reply(#"{"method":"C"}"#)?.contains("InterfaceNotFound") == true)
        #expect(try reply(#"{"method":"org.jailhoused.Manager.Explode"}"#)?.contains("MethodNotFound") == true)
        #expect(try reply(#"{"method":"org.varlink.service.X"}"#)?.contains("MethodNotFound") == true)
        #expect(
            try reply(#"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"x"}}"#)?
                .contains("InterfaceNotFound") == true)
        #expect(
            try reply(#"{"method":"org.varlink.service.GetInterfaceDescription"}"#)?
                .contains(#""parameter":"interface""#) == true)
    }

    @Test func methodsOfTheManagerAreNotAnsweredHere() throws {
        #expect(try reply(#"{"method":"org.jailhoused.Manager.List"}"#) == nil)
    }
}
