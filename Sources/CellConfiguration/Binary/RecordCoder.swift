// SPDX-License-Identifier: Apache-2.0

/// Goes through a record's fields in the order of the file and either fills them from bytes or writes them.
///
/// One list of fields serves both directions, so reading and writing cannot disagree. All numbers are little
/// endian and nothing is aligned. Reading past the end throws; it never traps.
struct RecordCoder {
    private enum Direction {
        case reading, writing
    }

    private let direction: Direction
    /// The layout of what is read or written.
    let format: FormatVariant
    /// What is read, or has been written.
    private(set) var bytes: [UInt8]
    /// Where the next field is read.
    private(set) var offset: Int

    init(reading bytes: [UInt8], at offset: Int = 0, as format: FormatVariant) {
        direction = .reading
        self.format = format
        self.bytes = bytes
        self.offset = offset
    }

    init(writing format: FormatVariant) {
        direction = .writing
        self.format = format
        bytes = []
        offset = 0
    }

    var isReading: Bool { direction == .reading }

    mutating func field<Number: FixedWidthInteger & UnsignedInteger>(
        _ number: inout Number
    ) throws(ConfigurationError) {
        let width = Number.bitWidth / 8
        switch direction {
        case .reading:
            number = try take(width).reversed().reduce(0) { $0 << 8 | Number($1) }
        case .writing:
            for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
        }
    }

    /// A number of fewer bytes than its type has.
    mutating func field(_ number: inout UInt32, width: Int) throws(ConfigurationError) {
        switch direction {
        case .reading:
            number = try take(width).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        case .writing:
            for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
        }
    }

    /// Bytes in a field of `width`: padded with zeros when written, without zeros at the end when read.
    mutating func padded(_ contents: inout [UInt8], width: Int) throws(ConfigurationError) {
        switch direction {
        case .reading:
            contents = Array(try take(width).reversed().drop { $0 == 0 }.reversed())
        case .writing:
            guard contents.count <= width else {
                throw ConfigurationError(.outOfRange, "\(contents.count) bytes do not fit a field of \(width)")
            }
            bytes += contents
            bytes += repeatElement(0, count: width - contents.count)
        }
    }

    /// Bytes whose number is known.
    mutating func exact(_ contents: inout [UInt8], width: Int) throws(ConfigurationError) {
        switch direction {
        case .reading: contents = Array(try take(width))
        case .writing: bytes += contents
        }
    }

    /// `count` values one after the other.
    mutating func list<Element: BinaryRecord>(
        _ elements: inout [Element], count: Int
    ) throws(ConfigurationError) {
        if direction == .reading { elements = Array(repeating: Element.blank, count: count) }
        for index in elements.indices { try elements[index].code(&self) }
    }

    private mutating func take(_ width: Int) throws(ConfigurationError) -> ArraySlice<UInt8> {
        guard offset >= 0, width >= 0, bytes.count - offset >= width else {
            throw ConfigurationError(
                .length, "the file ends after \(bytes.count) bytes, within a field that begins at byte \(offset)"
            )
        }
        defer { offset += width }
        return bytes[offset..<offset + width]
    }
}

/// A record that a reading coder can fill.
protocol Blank {
    static var blank: Self { get }
}

/// A record of the binary format.
protocol BinaryRecord: Blank {
    /// Hands each field to the coder, in the order of the file.
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError)
}
