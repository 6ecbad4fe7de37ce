// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import ConfigurationRules
import InmateImage

/// A definition's images as far as they could be read and understood, in their cell.
struct LoadedCell {
    struct Image {
        /// In the definition.
        var index: Int
        var reference: ImageReference
        var contents: [UInt8]
        var profile: ImageProfile
        /// The start stub and the command line.
        var startPieces: [LoadPiece]

        var location: String { "image[\(index)]" }
        var path: String { reference.path }
    }

    var cell: CellDescriptor
    var images: [Image] = []
}

extension CellDefinition {
    /// What the rules say of the images in their cell. It reads all of them, and looks further into them than a load
    /// does: for when definitions are read or checked, not for each restart.
    package func imageFindings(readFile: (String) throws -> [UInt8]) -> [Finding] {
        var loaded = LoadedCell(cell: descriptor)
        var findings: [Finding] = []
        for (index, image) in images.enumerated() {
            let location = "image[\(index)]"
            var files: [String: [UInt8]] = [:]
            for file in image.files {
                do {
                    files[file] = try readFile(file)
                } catch let error as UntrustedFile {
                    findings.append(error.finding(at: location))
                } catch {
                    findings.append(
                        ImageRule.readable.finding(at: location, "the image \(file) cannot be read: \(error)"))
                }
            }
            guard let contents = files[image.path] else { continue }
            if let linux = image.linux {
                findings += linuxFindings(of: image, linux, files, at: location)
                findings += LinuxInCell(
                    definition: self, image: image, linux: linux, files: files, location: location
                ).findings(readFile: readFile)
                continue
            }
            var startPieces: [LoadPiece] = []
            do throws(ImageError) {
                startPieces = try self.startPieces(of: image, try plan(of: image, contents), contents)
            } catch {
                findings.append(
                    ImageRule.rule(for: error).finding(
                        at: location, "\(image.path): \(error.message)", remedy: error.remedy
                    )
                )
            }
            let profile = try? ImageProfile(image: contents, address: image.address, isRTEMS: image.kind == .rtems)
            if let profile {
                loaded.images.append(
                    .init(
                        index: index, reference: image, contents: contents, profile: profile, startPieces: startPieces))
            }
        }
        findings += loaded.overlaps
        // rules about how all of them work together make no sense while one is missing
        if loaded.images.count == images.count { findings += loaded.beginning }
        findings += loaded.images.flatMap { loaded.memoryNeeds(of: $0) + loaded.expectations(of: $0) }
        return findings.map { judged(placed($0)) }
    }
}

extension CellDefinition {
    /// What keeps a Linux kernel from being loaded, once all of its files could be read.
    private func linuxFindings(
        of image: ImageReference, _ linux: LinuxStart, _ files: [String: [UInt8]], at location: String
    ) -> [Finding] {
        guard files.count == Set(image.files).count else { return [] }
        do throws(ImageError) {
            _ = try linuxParts(image, linux, files)
            return []
        } catch {
            return [
                ImageRule.rule(for: error).finding(
                    at: location, "\(error.path): \(error.message)", consequence: error.consequenceForLinux,
                    remedy: error.remedy)
            ]
        }
    }
}

extension LoadedCell {
    /// Images over each other. What overlaps within an image is said when it is planned.
    var overlaps: [Finding] {
        let parts = images.flatMap(\.loadedParts)
            .sorted { ($0.part.start, $0.image.index) < ($1.part.start, $1.image.index) }
        return zip(parts, parts.dropFirst()).compactMap { lower, upper in
            guard lower.image.index != upper.image.index || lower.isStart || upper.isStart,
                lower.part.contains(upper.part.start)
            else { return nil }
            return ImageRule.apart.finding(
                at: upper.image.location,
                "at \(hexadecimal(upper.part.start)) \(upper.name) lies over \(lower.name) (\(lower.part.text))"
            )
        }
    }
}

extension LoadedCell.Image {
    /// A part of what a load brings into the cell.
    struct LoadedPart {
        var image: LoadedCell.Image
        var part: ImageProfile.Part
        var isStart: Bool

        var name: String { isStart ? "the start stub or command line of \(image.path)" : image.path }
    }

    var loadedParts: [LoadedPart] {
        let start = startPieces.map {
            ImageProfile.Part(start: $0.address, size: UInt64($0.contents.count), file: 0..<0)
        }
        return profile.parts.map { LoadedPart(image: self, part: $0, isStart: false) }
            + start.map { LoadedPart(image: self, part: $0, isStart: true) }
    }
}

extension ImageProfile.Part {
    var text: String { rangeText(start, end - 1) }
}

extension ImageError {
    /// Where that of the rule is about other programs; nil: it is right for Linux, too.
    fileprivate var consequenceForLinux: String? {
        switch code {
        case .notExecutable: "a kernel is entered as its boot protocol says, and this has none, so it is not loaded"
        case .tooLarge: "Linux would be handed less than it needs, so nothing is loaded"
        default: nil
        }
    }
}
