// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// An enable that failed.
struct RefusedEnableReport: Encodable {
    let at: String
    @JSON.OrNull var errno: String?
    let message: String
    let console: [String]

    private let time: Moment

    private enum CodingKeys: CodingKey { case at, errno, message, console }

    init(_ enable: Manager.RefusedEnable) {
        time = Moment(microseconds: enable.at)
        at = time.rfc3339
        errno = enable.errnoName
        message = enable.message
        console = enable.console ?? []
    }

    /// At which properties begin.
    private static let column = 14

    func lines(_ style: Style, now: Moment) -> [String] {
        let head = "tried \(time.age(now: now)) ago: \(Text.printable(message))"
        let last = console.last.map { ["the hypervisor's last line: \(Text.printable($0))"] } ?? []
        return style.lines(head, room: Self.column).map { style($0, Condition.bad.paint) }
            + last.flatMap { style.lines($0, indentation: 2, room: Self.column) }
    }
}
