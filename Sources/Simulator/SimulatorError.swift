// SPDX-License-Identifier: Apache-2.0

/// Why the simulator cannot do what it was asked to.
package struct SimulatorError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// The directory of the machine is in use, or cannot be used.
        case directory
        /// No machine is served there.
        case notServed
        /// umockdev refused something.
        case device
        /// There is no such fault.
        case fault
        /// There is no such cell.
        case cell
        /// The cell is in no condition to play that fault.
        case condition
        /// The driver refused it.
        case refused
        /// Cells cannot execute here.
        case execution
        /// The machine's control socket got a line that it does not understand, or replied with one.
        case control
    }

    package let code: Code
    /// One lower-case sentence.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// No machine is served in that directory.
    static func notServed(at directory: String) -> SimulatorError {
        SimulatorError(
            .notServed,
            "no machine is served at \(directory): start one with jailhouse-sim serve --directory \(directory)")
    }
}
