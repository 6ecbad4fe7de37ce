import Testing

@testable import Supervision

@Suite("Commands that others have overtaken")
struct OvertakenTests {
    @Test("A load that was not given, since somebody else has the cell running, leaves it running")
    func load() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.see(.failed)
        #expect(story.commands == [.load])
        story.send(.finished(.load, .overtaken, .present(story.observation(.running))))
        #expect(story.commands == [])
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.budget.attempts.count == 1, "the failure counts, the command does not")
    }

    @Test("A create that was not given goes on with the cell that others have created")
    func create() {
        var story = Story()
        story.see(nil)
        let id = story.request(.start)
        story.send(.finished(.create, .overtaken, .present(story.observation(.shutDown))))
        #expect(story.commands == [.load])
        #expect(story.answer(to: id) == nil)
    }

    @Test("A start that was not given is decided anew")
    func start() {
        var story = Story()
        story.goToStart()
        story.send(.finished(.start, .overtaken, .present(story.observation(.running))))
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.unverified == nil)
    }
}
