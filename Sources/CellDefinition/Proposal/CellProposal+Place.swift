// SPDX-License-Identifier: Apache-2.0

// Where a proposed cell's RAM is in the machine.

extension CellProposal {
    struct Place {
        /// As the cell sees it.
        var ram: (start: UInt64, size: UInt64)
        var physical: UInt64
        var isGuessed: Bool
        /// Whether it is less than usual.
        var isLess = false
    }

    /// The usual amount, or the largest piece that is left, unless an amount or a place was asked for.
    ///
    /// - Parameter ram: what the cell sees when it has so many bytes or, if the program needs it, more.
    static func place(
        in memory: FreeMemory, _ request: Request,
        _ ram: (UInt64) throws(DefinitionError) -> (start: UInt64, size: UInt64)
    ) throws(DefinitionError) -> Place {
        let usual = try ram(request.memory ?? standardMemory)
        if let asked = request.physical { return Place(ram: usual, physical: asked, isGuessed: false) }
        do throws(DefinitionError) {
            let (physical, isGuessed) = try memory.place(for: usual.size)
            return Place(ram: usual, physical: physical, isGuessed: isGuessed)
        } catch {
            guard request.memory == nil else { throw error }
            for wanted in FreeMemory.smallerSizes(than: usual.size) {
                let less = try ram(wanted)
                // the program itself needs so much
                guard less.size <= wanted else { break }
                if let (physical, isGuessed) = try? memory.place(for: less.size) {
                    return Place(ram: less, physical: physical, isGuessed: isGuessed, isLess: true)
                }
            }
            throw error
        }
    }
}
