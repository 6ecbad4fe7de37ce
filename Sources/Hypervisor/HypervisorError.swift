// SPDX-License-Identifier: Apache-2.0

package import SystemCalls
import SystemPackage

/// A command to the driver.
package enum HypervisorCommand: String, Hashable, Sendable {
    case enable, disable, create, load, start, destroy
    case shutDown = "shutdown"
}

/// A command that was not done, or a hypervisor that cannot be reached.
package struct HypervisorError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// There is no `/dev/jailhouse`.
        case noDriver
        /// The device may not be opened.
        case noPermission
        /// The hypervisor is not enabled.
        case disabled
        /// It is enabled already.
        case enabled
        /// The inmate denied the shutdown request.
        case denied
        /// Another cell is `running/locked`.
        case otherCellLocked
        /// The configuration's length is not what its counts need; it was not handed over.
        case malformedConfiguration
        /// The machine is not as it was when the command was decided on; it was not given.
        case overtaken
        /// Linux is in a state in which the command would harm it; it was not given.
        case objection
        /// The driver answered 0, and sysfs shows that nothing was done.
        case noEffect
        /// The driver answered with an error.
        case refused
    }

    package var code: Code
    package var command: HypervisorCommand?
    /// What it means for this command, and what to do.
    package var message: String
    /// The call that failed; nil where the driver was not asked or said yes.
    package var cause: SystemCallError?

    package init(_ code: Code, _ command: HypervisorCommand?, _ message: String, cause: SystemCallError? = nil) {
        self.code = code
        self.command = command
        self.message = message
        self.cause = cause
    }

    package var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }

    /// The kernel's reason, 0 where there is none.
    package var errno: Int32 { cause?.errno.rawValue ?? 0 }

    init(opening path: String, _ cause: SystemCallError) {
        switch cause.errno {
        case .noSuchFileOrDirectory, .noSuchAddressOrDevice, .operationNotSupportedByDevice:
            self.init(.noDriver, nil, "there is no \(path): load the driver (modprobe jailhouse)", cause: cause)
        case .permissionDenied, .notPermitted:
            self.init(
                .noPermission, nil,
                "\(path) may not be opened: its group must be the one that jailhoused runs in (see the udev rule)",
                cause: cause)
        default:
            self.init(.noDriver, nil, "\(path) cannot be opened", cause: cause)
        }
    }

    /// What a failed ioctl means for the command that it was.
    init(_ command: HypervisorCommand, on subject: String, _ cause: SystemCallError) {
        let meaning = Self.meaning(of: cause.errno, for: command)
        let what = subject.isEmpty ? command.rawValue : "\(command.rawValue) \(subject)"
        self.init(meaning.code, command, "\(what): \(meaning.text)", cause: cause)
    }
}
