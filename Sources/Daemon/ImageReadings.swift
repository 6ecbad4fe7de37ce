// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import InmateImage
import JailhouseInterface
import Logging
import NIOCore
import Supervision
import SystemCalls
import SystemdSupport

/// Images that are ready to be loaded.
struct ReadImages: Sendable {
    /// What they were read for.
    let definition: CellDefinition
    let pieces: [LoadPiece]
    let judged: JudgedImages
    /// Given back when the images are dropped.
    let place: ImageMemory.Place
}

/// Images for loads: read as soon as a load has been decided on, each cell's on a thread of its own; only then does the
/// load wait for its turn with the driver. A file system that hangs delays its own cell only.
///
/// Belongs to the event loop.
final class ImageReadings {
    /// How long a reading may take; then the load is refused.
    static let standardLimit = Duration.seconds(30)

    private struct Reading {
        let number: Int
        /// Ends it.
        let timer: Scheduled<Void>
        /// Starts it, if the thread that reads for an earlier load still hangs.
        var start: (() -> Void)?
    }

    /// Called when the images of a cell have been read, or cannot be.
    var isRead: (_ cell: String, Refusal?) -> Void = { _, _ in }

    private let eventLoop: any EventLoop
    private let reader: TrustedFiles
    private let memory: ImageMemory
    private let limit: Duration
    private let precedence: Precedence
    private let logger: Logger
    /// What is being read, by cell.
    private var waiting: [String: Reading] = [:]
    /// What has been read, and not been given to the driver yet, by cell.
    private var ready: [String: ReadImages] = [:]
    /// Cells for which a thread is reading, wanted or not.
    private var threads: Set<String> = []
    private var last = 0

    init(
        eventLoop: any EventLoop, reader: TrustedFiles, memory: ImageMemory, logger: Logger,
        limit: Duration = ImageReadings.standardLimit, precedence: Precedence = .none
    ) {
        self.precedence = precedence
        self.eventLoop = eventLoop
        self.reader = reader
        self.memory = memory
        self.limit = limit
        self.logger = logger
    }

    /// Reads the images of a cell; an earlier reading for it does not count any more.
    ///
    /// - Parameter judged: what they were when they were checked last.
    func read(_ definition: CellDefinition, _ judged: JudgedImages) {
        let name = definition.name
        last += 1
        let (number, limit, bound) = (last, limit, NIOLoopBound(self, eventLoop: eventLoop))
        waiting.removeValue(forKey: name)?.timer.cancel()
        ready[name] = nil
        let timer = eventLoop.scheduleTask(in: .nanoseconds(limit.wholeNanoseconds)) {
            let message = "its images could not be read within \(limit): does their file system hang?"
            bound.value.end(.failure(ImagesNotRead(message: message)), number, of: name)
        }
        let start = { self.startThread(number, definition, judged) }
        let mustWait = threads.contains(name)
        waiting[name] = Reading(number: number, timer: timer, start: mustWait ? start : nil)
        if !mustWait { start() }
    }

    /// The images for a load whose turn has come.
    func take(_ name: String) -> ReadImages? { ready.removeValue(forKey: name) }

    /// Drops what no load waits for any more.
    func prune(_ fleet: Fleet) {
        guard !waiting.isEmpty || !ready.isEmpty else { return }
        for name in waiting.keys where !fleet.isLoading(name) { waiting.removeValue(forKey: name)?.timer.cancel() }
        for name in ready.keys where !fleet.isLoading(name) { ready[name] = nil }
    }

    /// Drops everything.
    func end() {
        for reading in waiting.values { reading.timer.cancel() }
        (waiting, ready) = ([:], [:])
        isRead = { _, _ in }
    }

    private func startThread(_ number: Int, _ definition: CellDefinition, _ judged: JudgedImages) {
        let name = definition.name
        threads.insert(name)
        let (reader, memory, limit, logger, eventLoop) = (reader, memory, limit, logger, eventLoop)
        let precedence = precedence
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        LimitedWork.start {
            try? precedence.take()
            guard let place = memory.place(for: definition.imageMemory, within: limit) else {
                throw ImagesNotRead(message: "its images wait for memory that other large images occupy")
            }
            var judged = judged
            let pieces = try judged.plan(of: definition, reader) { path in
                logger.record(
                    .imageChanged, "\(name): image \(path) has changed since it was checked; re-checking",
                    metadata: ["cell": "\(name)", "path": "\(path)"])
            }
            return ReadImages(definition: definition, pieces: pieces, judged: judged, place: place)
        } end: { result in
            eventLoop.execute { bound.value.endThread(result, number, of: name) }
        }
    }

    private func endThread(_ result: Result<ReadImages, any Error>, _ number: Int, of name: String) {
        threads.remove(name)
        end(result, number, of: name)
        guard let start = waiting[name]?.start else { return }
        waiting[name]?.start = nil
        start()
    }

    private func end(_ result: Result<ReadImages, any Error>, _ number: Int, of name: String) {
        guard waiting[name]?.number == number else { return }
        waiting.removeValue(forKey: name)?.timer.cancel()
        switch result {
        case .success(let images):
            ready[name] = images
            isRead(name, nil)
        case .failure(let error):
            logger.record(.imagesUnreadable, "\(error)", metadata: ["cell": "\(name)", "command": "load"])
            isRead(name, Refusal(kind: .definition, message: "\(error)"))
        }
    }
}

extension CellDefinition {
    /// In bytes, of all image files; one that is missing is found when it is read. Blocks.
    var imageSize: Int {
        images.flatMap(\.files).reduce(0) { sum, file in
            sum + ((try? SystemCall.status(ofFile: file))?.size ?? 0)
        }
    }

    /// In bytes, the most that reading them takes: kernels may be packed, mostly to a third or a quarter, and are then in
    /// memory in both forms. Blocks.
    var imageMemory: Int {
        let kernels = images.filter { $0.linux != nil }.map(\.path)
        let unpacked = kernels.reduce(0) { sum, kernel in
            let size = (try? SystemCall.status(ofFile: kernel))?.size ?? 0
            return sum + min(8 * size, Arm64Kernel.mostBytes)
        }
        return imageSize + unpacked
    }
}

struct ImagesNotRead: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
