// SPDX-License-Identifier: Apache-2.0

/// A method of a Varlink interface, as a type: what goes in, what comes out, its name.
package protocol VarlinkMethod: Sendable {
    associatedtype Parameters: VarlinkParameters
    associatedtype Reply: Codable & Hashable & Sendable

    /// The interface's name, for example `org.jailhoused.Manager`.
    static var interface: String { get }
    /// The method's name inside the interface, for example `Start`.
    static var name: String { get }
    /// How long a client waits for the reply.
    static var patience: Duration { get }
}

extension VarlinkMethod {
    package static var patience: Duration { .seconds(30) }

    /// The value of a call's `method`, for example `org.jailhoused.Manager.Start`.
    package static var qualifiedName: String { "\(interface).\(name)" }
}

/// The parameters of a method: a struct that names its fields, so that one too many is noticed.
package protocol VarlinkParameters: Codable, Hashable, Sendable {
    /// The names as they are on the wire, those that may be absent included.
    static var fieldNames: [String] { get }
}

/// No parameters, or a reply that says nothing but "done": `()` in the interface.
package struct Nothing: VarlinkParameters {
    package static let fieldNames: [String] = []

    package init() {}
}
