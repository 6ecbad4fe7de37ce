// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

/// A definition whose supervision is explored.
struct Subject: CustomStringConvertible, Sendable {
    let restart: SupervisionPolicy.Restart
    let handshake: Handshake
    /// Where its signs of life come from; nil: there is no liveness rule.
    var signs: Liveness.Source?
    var attempts = 1

    static let all: [Subject] =
        SupervisionPolicy.Restart.allCases.flatMap { restart in
            [Handshake.passive, .bounded, .unbounded(accepted: true), .unbounded(accepted: false)].flatMap {
                handshake in
                [nil, .exits, .listener].map { Subject(restart: restart, handshake: handshake, signs: $0) }
            }
        }

    /// As most definitions are.
    var isUsual: Bool { restart == .onFailure && handshake == .bounded }

    var supervised: Supervised {
        Supervised(
            policy: SupervisionPolicy(
                restart: restart, delay: .milliseconds(100), limit: .init(attempts: attempts, within: .seconds(60)),
                stopTimeout: .seconds(1), liveness: signs.map { Liveness($0, within: .seconds(3)) }),
            handshake: handshake)
    }

    var description: String {
        let name =
            switch handshake {
            case .passive: "passive"
            case .bounded: "bounded"
            case .unbounded(let accepted): accepted ? "unbounded, accepted" : "unbounded"
            }
        let rule =
            switch signs {
            case nil: ""
            case .exits: ", liveness"
            case .listener: ", listened to"
            case .calls: ", watchdog"
            }
        return "\(restart.rawValue), \(name)\(rule)"
    }
}
