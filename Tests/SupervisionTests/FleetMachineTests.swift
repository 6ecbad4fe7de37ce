// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: enabling and disabling")
struct FleetMachineTests {
    private static let cells = ["a": FleetStory.cell(.bounded, SupervisionPolicy(autostart: true))]

    private var disabled: FleetWorld {
        var world = FleetWorld()
        world.hypervisor = .disabled
        return world
    }

    @Test("It is enabled by itself, once its driver is there; then autostart counts")
    func byItself() {
        var world = disabled
        world.hypervisor = .noDriver
        var story = FleetStory(Self.cells, world: world, memory: nil, system: FleetStory.system)
        story.run()
        #expect(story.works == [])
        story.world.hypervisor = .disabled
        story.run()
        #expect(story.works == ["enable", "create a", "load a", "start a"])
        #expect(story.fleet.machine == .enabled)
    }

    @Test("An enable that fails is tried again")
    func again() {
        var story = FleetStory(Self.cells, world: disabled, memory: nil, system: FleetStory.system)
        story.endings = [.refused, .refused]
        story.run()
        #expect(story.works.filter { $0 == "enable" }.count == 3)
        #expect(story.condition("a") == .running)
    }

    @Test("Not with CPUs that are not just those online", arguments: [[0, 1, 2, 3, 4], [0, 1, 2]])
    func cpus(online: [Int]) {
        var world = disabled
        world.onlineCPUs = online
        var story = FleetStory([:], world: world)
        let enable = story.request(.enable(FleetStory.system))
        story.run()
        #expect(story.answer(enable) == .failed(.otherCPUs(system: FleetStory.system, online: online)))
        #expect(story.works == [])
    }

    @Test("A request that comes meanwhile waits for it")
    func meanwhile() {
        var story = FleetStory(["a": FleetStory.cell()], world: disabled)
        let enable = story.request(.enable(FleetStory.system))
        let start = story.request(.cell(.start, "a"))
        #expect(story.answer(start) == nil)
        story.run()
        #expect(story.answer(enable) == .done())
        #expect(story.answer(start) == .done())
    }

    @Test("A disable that a cell denies leaves everything wanted as before")
    func denied() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .denies }
        let disable = story.request(.disable(others: false))
        story.run()
        guard case .failed(.machine(.disable, _)) = story.answer(disable) else {
            Issue.record("\(story.answer(disable).debugDescription)")
            return
        }
        #expect(story.fleet.cells["a"]?.lifecycle.memory.goal == .run)
        story.befall("a") { $0.inmate = .answers }
        #expect(story.request(.disable(others: false)) > 0)
        story.run()
        #expect(story.world.hypervisor == .disabled)
        #expect(story.fleet.memory.isDisabledByRequest)
    }
}
