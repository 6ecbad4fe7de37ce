// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Hypervisor
import InmateImage
import JailhouseInterface
import Logging
import NIOCore
import Supervision
import SystemCalls

/// Images that are ready to be loaded.
struct ReadImages: Sendable {
    /// What they were read for.
    let definition: CellDefinition
    let pieces: [LoadPiece]
    let judged: JudgedImages
    /// Given back when the images are dropped.
    let place: ImageMemory.Place
}

/// The reading of one cell's images, beside the driver and beside those of all other cells.
struct ImageReading {
    /// How long it may take; then the load is refused.
    static let limit = Duration.seconds(30)

    let number: Int
    /// Ends it.
    let timer: Scheduled<Void>
    /// Starts it, if the thread that reads for an earlier load still hangs.
    var start: (() -> Void)?
}

/// Images for loads: read as soon as a load has been decided on, each cell's on a thread of its own; only then does the
/// load wait for its turn with the driver. A file system that hangs delays its own cell only.
struct ImageReadings {
    /// What is being read, by cell.
    fileprivate var waiting: [String: ImageReading] = [:]
    /// What has been read, and not been given to the driver yet, by cell.
    fileprivate var ready: [String: ReadImages] = [:]
    /// Cells for which a thread is reading, wanted or not.
    fileprivate var threads: Set<String> = []
    fileprivate var last = 0

    /// The images for a load whose turn has come.
    mutating func take(_ name: String) -> ReadImages? { ready.removeValue(forKey: name) }

    /// Drops what no load waits for any more.
    mutating func prune(_ fleet: Fleet) {
        guard !waiting.isEmpty || !ready.isEmpty else { return }
        for name in waiting.keys where !fleet.isLoading(name) { waiting.removeValue(forKey: name)?.timer.cancel() }
        for name in ready.keys where !fleet.isLoading(name) { ready[name] = nil }
    }

    mutating func end() {
        for reading in waiting.values { reading.timer.cancel() }
        (waiting, ready) = ([:], [:])
    }
}

extension Supervisor {
    /// Reads a cell's images; the fleet is told when they are read.
    func readImages(of name: String, decidedOn: Sighting?) {
        guard let definition = book[name]?.definition else {
            return handle(.imagesRead(name, .noDefinition), at: Clock.now())
        }
        imageReadings.last += 1
        let number = imageReadings.last
        imageReadings.waiting.removeValue(forKey: name)?.timer.cancel()
        imageReadings.ready[name] = nil
        let timer = eventLoop.scheduleTask(in: .nanoseconds(ImageReading.limit.wholeNanoseconds)) {
            self.assumeIsolated { supervisor in
                let message = "its images could not be read within \(ImageReading.limit): does their file system hang?"
                supervisor.imagesAreRead(.failure(ImagesNotRead(message: message)), number, of: name)
            }
        }
        var reading = ImageReading(number: number, timer: timer)
        let start = { self.startReading(number, of: name, definition, decidedOn: decidedOn) }
        if imageReadings.threads.contains(name) { reading.start = start }
        imageReadings.waiting[name] = reading
        if reading.start == nil { start() }
    }

    private func startReading(_ number: Int, of name: String, _ definition: CellDefinition, decidedOn: Sighting?) {
        imageReadings.threads.insert(name)
        let (reader, memory, logger, eventLoop) = (files.reader, files.memory, logger, eventLoop)
        let judged = book[name]?.images ?? JudgedImages()
        LimitedWork.start {
            guard let place = memory.place(for: definition.imageSize, within: ImageReading.limit) else {
                throw ImagesNotRead(message: "its images wait for memory that other large images occupy")
            }
            var judged = judged
            let pieces = try judged.plan(of: definition, reader) { path in
                logger.notice(
                    "\(name): image \(path) has changed since it was checked; re-checking",
                    metadata: ["cell": "\(name)", "path": "\(path)"])
            }
            return ReadImages(definition: definition, pieces: pieces, judged: judged, place: place)
        } end: { result in
            eventLoop.execute {
                self.assumeIsolated { supervisor in
                    supervisor.imageReadings.threads.remove(name)
                    supervisor.imagesAreRead(result, number, of: name)
                    if let start = supervisor.imageReadings.waiting[name]?.start {
                        supervisor.imageReadings.waiting[name]?.start = nil
                        start()
                    }
                }
            }
        }
    }

    private func imagesAreRead(_ result: Result<ReadImages, any Error>, _ number: Int, of name: String) {
        guard !fleet.isEnding, imageReadings.waiting[name]?.number == number else { return }
        imageReadings.waiting.removeValue(forKey: name)?.timer.cancel()
        let refusal: Refusal?
        switch result {
        case .success(let images):
            imageReadings.ready[name] = images
            refusal = nil
        case .failure(let error):
            refusal = Refusal(kind: .definition, message: "\(error)")
            logger.warning("\(error)", metadata: ["cell": "\(name)", "command": "load"])
        }
        handle(.imagesRead(name, refusal), at: Clock.now())
        poll()
    }
}

extension CellDefinition {
    /// In bytes, of all image files; one that is missing is found when it is read. Blocks.
    var imageSize: Int {
        images.reduce(0) { sum, image in
            sum + ((try? SystemCall.status(ofFile: image.path))?.size ?? 0)
        }
    }
}

struct ImagesNotRead: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
