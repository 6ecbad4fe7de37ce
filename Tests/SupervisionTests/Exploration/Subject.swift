// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

/// A definition whose supervision is explored.
struct Subject: CustomStringConvertible, Sendable {
    let restart: SupervisionPolicy.Restart
    let handshake: Handshake
    var hasLiveness = false
    var attempts = 1

    static let all: [Subject] =
        SupervisionPolicy.Restart.allCases.flatMap { restart in
            [Handshake.passive, .bounded, .unbounded(accepted: true), .unbounded(accepted: false)].flatMap {
                handshake in
                [false, true].map { Subject(restart: restart, handshake: handshake, hasLiveness: $0) }
            }
        }

    /// As most definitions are.
    var isUsual: Bool { restart == .onFailure && handshake == .bounded }

    var supervised: Supervised {
        Supervised(
            policy: SupervisionPolicy(
                restart: restart, delay: .milliseconds(100), limit: .init(attempts: attempts, within: .seconds(60)),
                stopTimeout: .seconds(1), liveness: hasLiveness ? .vmExits(stall: .seconds(3)) : nil),
            handshake: handshake)
    }

    var description: String {
        let name =
            switch handshake {
            case .passive: "passive"
            case .bounded: "bounded"
            case .unbounded(let accepted): accepted ? "unbounded, accepted" : "unbounded"
            }
        return "\(restart.rawValue), \(name)\(hasLiveness ? ", liveness" : "")"
    }
}
