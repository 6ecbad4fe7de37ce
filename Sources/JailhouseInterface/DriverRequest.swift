// SPDX-License-Identifier: Apache-2.0

/// The driver's commands: ioctl requests on `/dev/jailhouse` (driver/jailhouse.h).
///
/// The numbers are Linux's `_IO`/`_IOW` encoding with type 0: direction and argument size in the upper half, the
/// command's number in the lowest byte.
package enum DriverRequest: UInt32, CaseIterable, Sendable {
    case enable = 0x4008_0000
    case disable = 0x0000_0001
    case create = 0x4010_0002
    case load = 0x4030_0003
    case start = 0x4028_0004
    case destroy = 0x4028_0005

    /// Upstream's name of the request.
    package var name: StaticString {
        switch self {
        case .enable: "JAILHOUSE_ENABLE"
        case .disable: "JAILHOUSE_DISABLE"
        case .create: "JAILHOUSE_CELL_CREATE"
        case .load: "JAILHOUSE_CELL_LOAD"
        case .start: "JAILHOUSE_CELL_START"
        case .destroy: "JAILHOUSE_CELL_DESTROY"
        }
    }
}

/// Sizes and offsets, in bytes, of the structures that the requests point to (driver/jailhouse.h). Little endian.
package enum DriverLayout {
    /// `struct jailhouse_cell_id`: s32 number, padding, name.
    package enum CellReference {
        package static let size = 40
        package static let id = 0
        package static let name = 8
        /// Bytes of the name, the terminating NUL included.
        package static let nameCapacity = 32
        /// The number that means: look the cell up by its name.
        package static let byName: Int32 = -1
    }

    /// `struct jailhouse_cell_create`
    package enum Create {
        package static let size = 16
        package static let configurationAddress = 0
        /// u32
        package static let configurationSize = 8
    }

    /// `struct jailhouse_cell_load`: a cell id, then the images.
    package enum Load {
        /// Up to the first image.
        package static let headerSize = 48
        /// u32
        package static let imageCount = 40
    }

    /// `struct jailhouse_preload_image`
    package enum Image {
        package static let size = 32
        package static let sourceAddress = 0
        package static let byteCount = 8
        package static let targetAddress = 16
    }
}
