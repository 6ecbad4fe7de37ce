// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// What of an image is loaded where.
    package struct ImagePart: Codable, Hashable, Sendable {
        /// `segment 1`; empty when the image has one part only.
        package var name: String
        /// As the cell sees it: the 64 bits of the address.
        package var start: Int
        /// In bytes.
        package var size: Int

        package init(name: String, start: Int, size: Int) {
            self.name = name
            self.start = start
            self.size = size
        }
    }

    /// An image as it was when its definition was read.
    package struct PlacedImage: Codable, Hashable, Sendable {
        package var path: String
        /// The 64 bits of the address; nil when the file does not say it.
        package var entry: Int?
        package var parts: [ImagePart]

        package init(path: String, entry: Int? = nil, parts: [ImagePart]) {
            self.path = path
            self.entry = entry
            self.parts = parts
        }
    }

    /// A configuration in force.
    package struct Configuration: Codable, Hashable, Sendable {
        package var path: String
        /// The compiled file, in base64.
        package var data: String
        /// The names of its memory regions, in their order.
        package var regions: [String]
        package var images: [PlacedImage]

        package init(path: String, data: String, regions: [String], images: [PlacedImage] = []) {
            self.path = path
            self.data = data
            self.regions = regions
            self.images = images
        }
    }

    package enum Configurations: ManagerMethod {
        package static let name = "Configurations"
        package typealias Parameters = Nothing
        package struct Reply: Codable, Hashable, Sendable {
            /// Nil: none is configured, or it cannot be used.
            package var system: Configuration?
            /// Of the definitions in force, in the order of the cells' names.
            package var cells: [Configuration]

            package init(system: Configuration? = nil, cells: [Configuration]) {
                self.system = system
                self.cells = cells
            }
        }
    }
}
