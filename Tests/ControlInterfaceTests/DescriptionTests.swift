// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ControlInterface

/// The interface's text and the Swift types say the same.
struct DescriptionTests {
    let interface = InterfaceDescription(Manager.description)

    @Test func everyMemberHasItsOwnName() {
        #expect(Set(interface.members).count == interface.members.count)
    }

    @Test func methodsAreThoseOfTheText() throws {
        #expect(Set(interface.methods.keys) == Set(Manager.Method.allCases.map(\.rawValue)))
        for entry in Manager.Method.allCases {
            let method = entry.type
            #expect(method.name == entry.rawValue)
            let parameters = try #require(interface.methods[method.name]).parameters
            #expect(parameters.map(\.name) == fieldNames(of: method), "\(method.name)")
            #expect(Manager.Method(named: method.qualifiedName) == entry)
        }
    }

    private func fieldNames<Method: ManagerMethod>(of method: Method.Type) -> [String] {
        Method.Parameters.fieldNames
    }

    @Test func typesAreThoseOfTheText() throws {
        let values: [String: (full: any Codable, bare: any Codable)] = [
            "Cell": (Samples.cell, Samples.bareCell),
            "Failure": (Samples.failure, Samples.bareFailure),
            "ShutdownRequest": (Samples.request, Samples.bareRequest),
            "Liveness": (Samples.liveness, Samples.bareLiveness),
            "Supervision": (Samples.supervision, Samples.bareSupervision),
            "Details": (Samples.details, Samples.bareDetails),
            "Machine": (Samples.machine, Samples.bareMachine),
            "Region": (Samples.region, Samples.bareRegion),
            "Change": (Samples.change, Samples.bareChange),
            "Statistic": (Samples.statistic, Samples.statistic),
            "LeftCell": (Samples.leftCell, Samples.leftCell),
            "DeviceFault": (Samples.deviceFault, Samples.bareDeviceFault),
            "LostCpu": (Samples.lostCPU, Samples.bareLostCPU),
            "RefusedEnable": (Samples.refusedEnable, Samples.bareRefusedEnable),
            "Timing": (Samples.timing, Samples.bareTiming),
            "RefusalCount": (Samples.refusalCount, Samples.refusalCount),
            "FailureCount": (Samples.failureCount, Samples.failureCount),
            "Transition": (
                Manager.Transition(at: 7, condition: "running"), Manager.Transition(at: 7, condition: "running")
            ),
            "Finding": (Samples.finding, Samples.bareFinding),
            "Configuration": (Samples.configuration, Samples.configuration),
            "PlacedImage": (Samples.configuration.images[0], Manager.PlacedImage(path: "/i", parts: [])),
            "ImagePart": (Samples.configuration.images[0].parts[0], Samples.configuration.images[0].parts[0]),
        ]
        #expect(Set(values.keys) == Set(interface.types.keys))
        for (name, fields) in interface.types {
            let value = try #require(values[name])
            try expect(value.full, has: fields, of: name)
            try expect(value.bare, has: fields.filter { !$0.optional }, of: name)
        }
    }

    @Test func repliesAreThoseOfTheText() throws {
        let replies: [String: any Codable] = [
            "List": Manager.List.Reply(machine: Samples.machine, cells: [Samples.cell]),
            "Describe": Manager.Describe.Reply(details: Samples.details),
            "Enable": Nothing(), "Disable": Nothing(), "ResetFailed": Nothing(),
            "Create": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Start": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Stop": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Restart": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Destroy": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Alive": Manager.CellReply(cell: Samples.cell, message: "m"),
            "Reload": Manager.Reload.Reply(added: ["a"], removed: ["b"], changed: ["c"], problems: ["d"]),
            "ShutDownAll": Manager.ShutDownAll.Reply(
                stopped: ["a"], left: [Samples.leftCell], destroyed: ["b"], disabled: false, message: "m"),
            "CommunicationRegion": Manager.CommunicationRegion.Reply(region: Samples.region),
            "Statistics": Manager.Statistics.Reply(statistics: [Samples.statistic]),
            "Watch": Manager.Watch.Reply(change: Samples.change),
            "Console": Manager.Console.Reply(text: "t", at: 1, state: "readable", age: 2),
            "Failures": Manager.Failures.Reply(failures: [Samples.failure]),
            "Configurations": Manager.Configurations.Reply(
                system: Samples.configuration, cells: [Samples.configuration]),
            "Check": Manager.Check.Reply(
                findings: ["f"],
                details: [
                    .init(
                        rule: "JH0101", severity: "error", path: "/p", line: 1, location: "cell.name", message: "m",
                        consequence: "c", remedy: "r")
                ]),
        ]
        for (name, method) in interface.methods {
            try expect(try #require(replies[name]), has: method.reply, of: name)
        }
    }

    @Test func parametersWithAllFieldsAreThoseOfTheText() throws {
        let parameters: [String: any Codable] = [
            "Enable": Manager.Enable.Parameters(configuration: "/c"), "Check": Manager.Check.Parameters(path: "/p"),
            "Console": Manager.Console.Parameters(follow: true),
            "ShutDownAll": Manager.ShutDownAll.Parameters(timeout: 1, endOfMachine: true),
            "ResetFailed": Manager.OneCellOrAll(cell: "c"), "Start": Manager.OneCell(cell: "c"),
        ]
        for (name, value) in parameters {
            try expect(value, has: try #require(interface.methods[name]).parameters, of: name)
        }
    }

    @Test func errorsAreThoseOfTheText() throws {
        #expect(Samples.managerErrors.map(\.name).sorted() == interface.errors.keys.sorted())
        for error in Samples.managerErrors {
            try expect(error.fields, has: try #require(interface.errors[error.name]), of: error.name)
        }
        let service = InterfaceDescription(VarlinkService.description)
        #expect(
            Set(Samples.serviceErrors.map(\.qualifiedName))
                == Set(service.errors.keys.map { "\(VarlinkService.name).\($0)" }))
        for error in Samples.serviceErrors {
            let name = String(error.qualifiedName.dropFirst(VarlinkService.name.count + 1))
            try expect(error.fields, has: try #require(service.errors[name]), of: name)
        }
    }

    /// The encoded value has exactly these keys, each with a value of the right type.
    private func expect(_ value: any Codable, has fields: [InterfaceDescription.Field], of name: String) throws {
        let decoded = try VarlinkJSON.decode(JSONValue.self, from: VarlinkJSON.encode(value))
        guard case .object(let object) = decoded else {
            Issue.record("\(name) is no object")
            return
        }
        #expect(Set(object.keys) == Set(fields.map(\.name)), "\(name)")
        for field in fields {
            guard let value = object[field.name] else { continue }
            #expect(matches(value, field.type), "\(name).\(field.name)")
        }
    }

    private func matches(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.string, "string"), (.bool, "bool"), (.int, "int"): true
        case (.array(let elements), _) where type.hasPrefix("[]"):
            elements.allSatisfy { matches($0, String(type.dropFirst(2))) }
        case (.object, _): interface.types[type] != nil
        default: false
        }
    }
}

/// Any JSON value that our interface can carry.
private enum JSONValue: Decodable {
    case bool(Bool)
    case int(Int)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}
