// SPDX-License-Identifier: Apache-2.0

/// The source of a cell with nothing but RAM at 0.
package enum SmallCell {
    /// - Parameters:
    ///   - keys: further lines of `[cell]`; by default it is never asked to shut down.
    ///   - size: of the RAM at 0x3a000000, as in a definition.
    ///   - image: the path of a flat image that goes to 0.
    package static func toml(
        name: String = "rtems", cpu: Int = 3, keys: [String] = ["passive-comm-region = true"], size: String = "8 MiB",
        image: String? = nil
    ) -> String {
        let head = ["[cell]", "name = \"\(name)\"", "architecture = \"x86\"", "cpus = [\(cpu)]"] + keys
        let memory = [
            "", "[[memory]]", "name = \"ram\"", "physical = 0x3a000000", "virtual = 0x0", "size = \"\(size)\"",
            "access = [\"read\", \"write\", \"execute\", \"loadable\"]",
        ]
        let load = image.map { ["", "[[image]]", "path = \"\($0)\"", "address = 0x0"] } ?? []
        return (head + memory + load).map { $0 + "\n" }.joined()
    }
}
