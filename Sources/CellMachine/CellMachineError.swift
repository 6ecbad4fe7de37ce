// SPDX-License-Identifier: Apache-2.0

package import SystemCalls

/// Why a cell cannot execute.
package struct CellMachineError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// The configuration asks for what the simulated machine does not have.
        case configuration
        /// Firmware or monitor cannot be read, or are not what they should be.
        case program
        /// The machine's memory cannot be used.
        case memory
        /// QEMU does not start, or does not answer.
        case emulator
        /// QEMU is gone.
        case ended
        /// The cell is being debugged already.
        case debugged
    }

    package let code: Code
    /// One lower-case sentence.
    package let message: String
    package let cause: SystemCallError?

    package init(_ code: Code, _ message: String, cause: SystemCallError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { cause.map { "\(message): \($0)" } ?? message }
}

/// Runs system calls; what fails becomes an error of this room.
@discardableResult
func calling<Result: ~Copyable>(
    _ code: CellMachineError.Code, _ message: @autoclosure () -> String,
    _ body: () throws(SystemCallError) -> Result
) throws(CellMachineError) -> Result {
    do {
        return try body()
    } catch {
        throw CellMachineError(code, message(), cause: error)
    }
}
