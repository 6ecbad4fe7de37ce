// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// How high each slice of an address space is drawn: to scale where that gives a height that can be seen and
/// fits, and otherwise higher or lower than that, which the drawing has to show.
package struct MapScale: Hashable, Sendable {
    package enum Fit: Hashable, Sendable {
        case toScale
        /// Too large: the axis is broken.
        case shortened
        /// Too small to be seen at this scale.
        case enlarged
    }

    package struct Height: Hashable, Sendable {
        /// In the units of the drawing: rows or pixels.
        package var value: Int
        package var fit: Fit
    }

    /// What one unit of height represents.
    package let bytesPerUnit: Double
    /// One a slice.
    package let heights: [Height]

    /// The scale is the one at which most slices can be drawn, where a large one counts more than a small one, and
    /// what concerns cells more than what does not.
    ///
    /// - Parameters:
    ///   - minimum: the least height of each slice; at least 1.
    ///   - maximum: the greatest height to scale; at least as large as every minimum.
    ///   - shortened: the height of what is larger than that and not empty.
    package init(slices: [AddressSpaceMap.Slice], minimum: [Int], maximum: Int, shortened: Int) {
        let sizes = slices.map { Double($0.last - $0.first) + 1 }
        let occupied = slices.indices.filter { !slices[$0].isEmpty }
        // the scales at which a slice just becomes, or just stays, one that can be drawn
        let candidates = occupied.flatMap { [sizes[$0] / Double(minimum[$0]), sizes[$0] / Double(maximum)] }
        func fit(_ index: Int, _ scale: Double) -> Fit {
            let height = sizes[index] / scale
            if height > Double(maximum) * 1.000001 { return .shortened }
            return height < Double(minimum[index]) * 0.999999 ? .enlarged : .toScale
        }
        var best = (weight: -1, scale: 1.0)
        for scale in Set(candidates).sorted(by: >) {
            let weight = occupied.filter { fit($0, scale) == .toScale }
                .reduce(0) { $0 + Int(sizes[$1].exponent) * (slices[$1].concernsCells ? 8 : 1) }
            if weight > best.weight { best = (weight, scale) }
        }
        let scale = best.scale
        bytesPerUnit = scale
        heights = slices.indices.map { index in
            let fit = fit(index, scale)
            switch fit {
            case .toScale: return Height(value: Int((sizes[index] / scale).rounded()), fit: fit)
            case .shortened:
                return Height(value: slices[index].isEmpty ? minimum[index] : max(shortened, minimum[index]), fit: fit)
            case .enlarged: return Height(value: minimum[index], fit: fit)
            }
        }
    }

    /// How far below the top of a slice an address is drawn, in whole units.
    package func offset(of address: UInt64, in slice: AddressSpaceMap.Slice, at index: Int) -> Int {
        let part = Double(address - slice.first) / (Double(slice.last - slice.first) + 1)
        return min(Int(part * Double(heights[index].value)), heights[index].value - 1)
    }
}
