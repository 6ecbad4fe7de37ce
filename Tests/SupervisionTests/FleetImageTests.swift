// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: images are read beside the driver")
struct FleetImageTests {
    private static let pair = ["a": FleetStory.cell(), "b": FleetStory.cell()]

    @Test("A cell whose images are slow holds up no other one")
    func neighbour() {
        var story = FleetStory(Self.pair, readsImages: true)
        let first = story.request(.cell(.start, "a"))
        story.run()
        #expect(story.works == ["create a"])
        #expect(story.fleet.inDriver == nil)
        let second = story.request(.cell(.start, "b"))
        story.run()
        #expect(story.works == ["create a", "create b"])
        story.send(.imagesRead("b", nil))
        story.run()
        #expect(story.answer(second) == .done())
        #expect(story.works == ["create a", "create b", "load b", "start b"])
        #expect(story.answer(first) == nil)
        #expect(story.fleet.isLoading("a"))
        story.send(.imagesRead("a", nil))
        story.run()
        #expect(story.answer(first) == .done())
        #expect(!story.fleet.isLoading("a"))
    }

    @Test("A load that is no longer wanted does not wait for its images")
    func withdrawn() {
        var story = FleetStory(Self.pair, readsImages: true)
        let start = story.request(.cell(.start, "a"))
        story.run()
        let stop = story.request(.cell(.stop, "a"))
        story.run()
        #expect(story.answer(stop) == .done())
        #expect(story.answer(start) == .failed(.cell("a", .superseded(by: .stop))))
        #expect(!story.fleet.isLoading("a"))
        story.send(.imagesRead("a", nil))
        story.run()
        #expect(story.works == ["create a"])
    }

    @Test("Images that cannot be read fail the start")
    func refused() {
        var story = FleetStory(Self.pair, readsImages: true)
        let start = story.request(.cell(.start, "a"))
        story.run()
        let refusal = Refusal(kind: .definition, message: "its images could not be read")
        for _ in 0..<10 {
            story.send(.imagesRead("a", refusal))
            story.run()
        }
        guard case .failed? = story.answer(start) else {
            Issue.record("\(String(describing: story.answer(start)))")
            return
        }
        #expect(!story.works.contains("load a"))
    }

    @Test("After the end of the machine autostart decides, and silent cells stay known")
    func beginsAnew() {
        var memory = FleetMemory()
        memory.beginsAnew = true
        memory.silentCells = ["b"]
        var policy = SupervisionPolicy()
        policy.autostart = true
        var story = FleetStory(["a": FleetStory.cell(.bounded, policy)], memory: memory)
        story.run()
        #expect(story.condition("a") == .running)
        #expect(story.fleet.memory.silentCells == ["b"])
        #expect(!story.fleet.memory.beginsAnew)
    }
}
