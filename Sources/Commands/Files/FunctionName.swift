// SPDX-License-Identifier: Apache-2.0

import CSwiftRuntime
import Glibc

/// The name of a function as its programmer wrote it.
enum FunctionName {
    /// - Parameter symbol: as the linker knows it.
    /// - Returns: the symbol itself where it is one of C or assembly, or no tool for its language is installed.
    static func readable(_ symbol: String) -> String {
        // C++ and Rust
        if symbol.hasPrefix("_Z") || symbol.hasPrefix("_R") {
            let name = OtherProgram.output(of: "c++filt", [symbol])?.split(separator: "\n").first
            return name.map(String.init) ?? symbol
        }
        guard symbol.hasPrefix("$"), let name = swift_demangle(symbol, symbol.utf8.count, nil, nil, 0) else {
            return symbol
        }
        defer { free(name) }
        return String(cString: name)
    }
}
